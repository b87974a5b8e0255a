"""When is the best hit good enough to show? Scores of one model turned into the probability that its first hit answers.

A cosine of 0.6 means one thing from one model and another from the next, so a fixed cut-off does not outlive a reindex.
A probability does: each version of the index carries the calibration of its own model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from tutorial_lib.data.dataset import DataError, relevant


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over the scores of one model: confidence = 1 / (1 + exp(-(slope * score + intercept))).

    Attributes:
        slope: Log odds that one point of score adds; at least 0. 0 means that this model's scores tell nothing.
        intercept: Log odds at score 0.
        queries: Queries it was fitted on.
        no_answer_share: Share of queries without an answer in the index that it assumes.

    >>> curve = Calibration(slope=10.0, intercept=-6.0, queries=100, no_answer_share=0.5)
    >>> [round(float(c), 2) for c in curve.confidence([0.5, 0.6, 0.8])]
    [0.27, 0.5, 0.88]
    >>> round(curve.threshold(0.5), 2)
    0.6
    """

    slope: float
    intercept: float
    queries: int
    no_answer_share: float

    def confidence(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the probability, 0 to 1, that a first hit with this score answers the query; shape of ``scores``."""
        return expit(self.slope * np.asarray(scores, dtype=np.float64) + self.intercept)

    def threshold(self, confidence: float) -> float:
        """Return the lowest score with at least ``confidence``; infinite (or minus so) where none (or every score) has it.

        Raises:
            ValueError: ``confidence`` is not between 0 and 1.
        """
        if not 0 < confidence < 1:
            raise ValueError(f"confidence {confidence}: pass a probability above 0 and below 1")
        missing = float(logit(confidence)) - self.intercept
        return missing / self.slope if self.slope else float(np.copysign(np.inf, missing))

    def outcome(self, hits: pd.DataFrame, confidence: float) -> dict[str, float]:
        """Return what the cut-off at ``confidence`` does to ``first_hits`` of other queries than it was fitted on.

        Returns:
            ``right_shown``: share of right first hits that are shown; ``no_answer_told``: share of queries without an
            answer in the index that are told so; ``shown_right``: share right among all that are shown, at the assumed
            share of queries without an answer (NaN where nothing is shown).

        Raises:
            ValueError: ``confidence`` is not between 0 and 1.
        """
        shown = hits["score"] >= self.threshold(confidence)
        weights = _weights(hits, self.no_answer_share)
        total = float(weights[shown].sum())
        return {
            "right_shown": float(shown[hits["right"]].mean()),
            "no_answer_told": float((~shown)[~hits["in_index"]].mean()),
            "shown_right": float(weights[shown & hits["right"]].sum()) / total if total else float("nan"),
        }

    def record(self) -> dict[str, Any]:
        """Return what ``from_record`` reads, as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Calibration:
        """Return the calibration that ``record`` wrote."""
        return cls(**record)


def first_hits(qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Return the first hit of every judged query, with its answers in the index and with them taken out.

    A query whose answers are taken out of its run stands for one that the help centre does not answer: whatever comes
    first then is wrong. (A document that answers too but was never judged counts as wrong here.)

    Returns:
        Up to two rows a query, none where the run has no document left: query_id, score, right, in_index.

    >>> first_hits({"q": {"a": 1}}, {"q": {"a": 0.9, "b": 0.4}}).values.tolist()
    [['q', 0.9, True, True], ['q', 0.4, False, False]]
    """
    rows = []
    for q, grades in sorted(qrels.items()):
        answers = set(relevant(grades))
        for in_index in (True, False):
            first = next(((a, s) for a, s in run.get(q, {}).items() if in_index or a not in answers), None)
            if first:
                rows.append((q, first[1], first[0] in answers, in_index))
    return pd.DataFrame(rows, columns=["query_id", "score", "right", "in_index"]).astype(
        {"score": float, "right": bool, "in_index": bool}
    )


def calibrate(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]], *, no_answer_share: float = 0.5
) -> Calibration:
    """Return how likely a first hit of this model answers, by its score.

    Args:
        qrels: Judgments of queries that played no part in training the weights: dev.
        run: The model's run for them, with more documents a query than it has answers.
        no_answer_share: Share of queries, 0 to below 1, that the index cannot answer once it is in use. The more there
            are, the higher a score must be to be believed.

    Raises:
        DataError: The run answers none of the queries.
        ValueError: ``no_answer_share`` is out of range.

    Reference: Platt 1999, "Probabilistic outputs for support vector machines", section 2 with its softened targets.
    """
    if not 0 <= no_answer_share < 1:
        raise ValueError(f"no_answer_share {no_answer_share}: pass the share of queries without an answer, 0 to below 1")
    hits = first_hits(qrels, run)
    if hits.empty:
        raise DataError(
            f"no query to calibrate on: {len(qrels)} are judged, the run answers {len(set(qrels) & set(run))} of "
            "them with an article"
        )
    queries = hits["query_id"].nunique()
    weights = queries * _weights(hits, no_answer_share)
    slope, intercept = _fit(hits["score"].to_numpy(), hits["right"].to_numpy(), weights.to_numpy())
    return Calibration(slope, intercept, queries, no_answer_share)


def _weights(hits: pd.DataFrame, no_answer_share: float) -> pd.Series:
    """Return a weight a row, so that both kinds of query have their share; a kind that is missing has no rows to weigh."""
    share = hits["in_index"].map({True: 1 - no_answer_share, False: no_answer_share})
    return share / hits.groupby("in_index")["score"].transform("size")


def _fit(scores: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and intercept of the weighted logistic regression of ``right`` on ``scores``."""
    # Targets a little inside 0 and 1: a few queries that a score divides cleanly would make the slope infinite.
    positive, negative = weights[right].sum(), weights[~right].sum()
    target = np.where(right, (positive + 1) / (positive + 2), 1 / (negative + 2))
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    x = (scores - centre) / scale

    def loss(curve: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = curve[0] * x + curve[1]
        error = weights * (expit(z) - target)
        return float(weights @ (np.logaddexp(0, z) - target * z)), np.array([error @ x, error.sum()])

    # A better score never makes an answer less likely: where the data say so, they are too few or the model is no good.
    found = minimize(
        loss, [0.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)], options={"ftol": 1e-14, "gtol": 1e-9}
    )
    slope = float(found.x[0]) / scale
    return slope, float(found.x[1]) - slope * centre
