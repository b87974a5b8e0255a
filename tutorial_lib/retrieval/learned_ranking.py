"""LambdaMART: trees that learn from judgments how to weigh scores that exist already. Needs lightgbm: the extra ``rerank``.

How often a document was the answer before is no feature: it made rankings worse, and it shuts new documents out.

Reference: Burges 2010, "From RankNet to LambdaRank to LambdaMART: an overview", MSR-TR-2010-82.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tutorial_lib.data.dataset import DataError, Qrels
from tutorial_lib.fields import check_between, check_positive, check_whole
from tutorial_lib.retrieval.reranking import reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.shortlist import Features

MOST_LEAVES, MOST_INT = 131_072, 2**31 - 1
"""What lightgbm takes."""


@dataclass(frozen=True)
class LambdaSettings:
    """How the trees are grown.

    >>> LambdaSettings(leaves=1)
    Traceback (most recent call last):
    ValueError: leaves is 1: pass at least 2 and at most 131072

    Attributes:
        trees: At most so many; with dev they stop where nDCG@10 has not risen for ``patience`` trees.
        patience: See ``trees``.
        learning_rate: What a tree adds.
        leaves: Of a tree.
        least: Candidates in a leaf, at least.
        seed: Of lightgbm.
    """

    trees: int = 200
    patience: int = 30
    learning_rate: float = 0.05
    leaves: int = 15
    least: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no trees can be grown with.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_positive(self, "learning_rate")
        check_whole(self, trees=1, patience=1, leaves=None, least=1, seed=0)
        check_between(self, trees=(1, MOST_INT), patience=(1, MOST_INT), least=(1, MOST_INT))
        check_between(self, leaves=(2, MOST_LEAVES), seed=(0, MOST_INT))


@dataclass(frozen=True)
class LearnedRanking:
    """Trees that score candidates.

    Attributes:
        booster: lightgbm's.
        names: Of the features it was trained on.
    """

    booster: Any
    names: tuple[str, ...]

    def scores(self, features: Features) -> dict[str, dict[str, float]]:
        """Return the score of each candidate, higher is better; it compares candidates of one query.

        Raises:
            ValueError: The features are others than it was trained on.
        """
        if features.names != self.names:
            raise ValueError(f"features are {features.names}, trained on {self.names}: pass the same, in this order")
        found = iter(self.booster.predict(features.values).tolist() if len(features.values) else [])
        return {q: {a: next(found) for a in ids} for q, ids in features.ids.items()}

    def rerank(self, run: Run, features: Features) -> Run:
        """Return ``run`` with its candidates in the order of the trees' scores, the others behind them."""
        return reranked(run, self.scores(features), 1.0)

    def importance(self) -> dict[str, float]:
        """Return the share of the trees' gain that is due to each feature, the largest first."""
        gain = self.booster.feature_importance("gain")
        shares = dict(zip(self.names, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))
        return dict(sorted(shares.items(), key=lambda entry: -entry[1]))

    def save(self, path: Path) -> None:
        """Write lightgbm's text form."""
        self.booster.save_model(str(path))

    @classmethod
    def load(cls, path: Path) -> LearnedRanking:
        """Read what ``save`` wrote.

        Raises:
            DataError: There is no such file, or it is none of lightgbm's.
        """
        lightgbm = _lightgbm()
        try:
            booster = lightgbm.Booster(model_str=Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, lightgbm.basic.LightGBMError) as error:
            raise DataError(f"{path} is no ranking that was saved here ({error}): train it again") from error
        return cls(booster, tuple(name.replace("_", " ") for name in booster.feature_name()))


def learn_ranking(
    features: Features,
    qrels: Qrels,
    dev: tuple[Features, Qrels] | None = None,
    settings: LambdaSettings | None = None,
) -> LearnedRanking:
    """Train LambdaMART on the candidates of the training queries.

    A model's scores of queries it was trained on flatter it; those of held-out folds (``training.cross_fitted_vectors``) do
    not.

    Args:
        features: Of the training queries.
        qrels: Their judgments; what is not judged is wrong.
        dev: The same of dev, which decides how many trees there are; None for all.
        settings: How.

    Raises:
        ImportError: lightgbm is not installed.
        DataError: No candidate of any query is an answer.
    """
    lightgbm, settings = _lightgbm(), settings or LambdaSettings()

    def data(part: Features, judged: Qrels, reference: Any = None) -> Any:
        grades = [max(0, judged.get(q, {}).get(a, 0)) for q, ids in part.ids.items() for a in ids]
        if not any(grades):
            raise DataError(f"none of the {len(grades)} candidates of {len(part.ids)} queries is an answer: rank deeper")
        sizes = [len(ids) for ids in part.ids.values() if ids]
        names = [name.replace(" ", "_") for name in part.names]  # lightgbm's text form knows no spaces
        return lightgbm.Dataset(part.values, grades, group=sizes, feature_name=names, reference=reference)

    train = data(features, qrels)
    stop = [lightgbm.early_stopping(settings.patience, verbose=False)] if dev else []
    parameters = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [10],
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.least,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    watched = [data(*dev, reference=train)] if dev else []
    return LearnedRanking(lightgbm.train(parameters, train, settings.trees, watched, callbacks=stop), features.names)


def _lightgbm() -> Any:
    try:
        return import_module("lightgbm")
    except ImportError as error:
        raise ImportError("LambdaMART needs lightgbm: pip install 'tutorial-lib[rerank]', or lightgbm>=4.6") from error
