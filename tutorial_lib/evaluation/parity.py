"""Does an exported model find what the model finds? A table of both on the run's queries, and a refusal where it does not."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE, main_scores
from tutorial_lib.evaluation.significance import document_clusters, paired_difference
from tutorial_lib.fields import check_between, check_whole
from tutorial_lib.models.settings import ModelError, TextEncoder
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.runs import Run

SPLIT = "test"
"""Whose queries are asked: nothing is chosen by the table, it reports."""


@dataclass(frozen=True)
class ExportSettings:
    """What is exported, and how close it must come to the model.

    >>> ExportSettings(max_loss=2)
    Traceback (most recent call last):
    ValueError: max_loss is 2: pass at least 0 and at most 1

    Attributes:
        int8: Write the model with weights of 8 bits too.
        signed: Measure what the usual snippet, signed numbers and one scale a matrix, makes of it; that is not kept.
        openvino: Measure the float32 file on OpenVINO too; a package of its own.
        min_cosine: Least cosine of an exported float32 model's vector with the model's own, of every text.
        min_cosine_int8: Least mean cosine of one with weights of 8 bits: single texts may differ more.
        max_loss: Most that nDCG@10 may fall: by default what a gain must be to be worth a reindex (``ShipSettings``).
        articles: Of a larger corpus so many are searched: those judged, those found first, and a draw of the others.
    """

    int8: bool = True
    signed: bool = False
    openvino: bool = False
    min_cosine: float = 0.99
    min_cosine_int8: float = 0.99
    max_loss: float = 0.02
    articles: int = 1000

    def __post_init__(self) -> None:
        """Refuse bounds that cannot be.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_between(self, min_cosine=(-1, 1), min_cosine_int8=(-1, 1), max_loss=(0, 1))
        check_whole(self, articles=1)


@dataclass(frozen=True)
class Parity:
    """One row of the table: a way to run the model, beside the model itself.

    Attributes:
        way: "torch", "float32", …
        cosine_mean: Of its vectors with the model's own, over articles and queries, -1 to 1.
        cosine_min: The least.
        score: nDCG@10 of the queries.
        difference: Of that to the model's own.
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
        documents_per_cpu_second: Articles encoded a second of one core.
        megabytes: Size of the folder's weights.
    """

    way: str
    cosine_mean: float
    cosine_min: float
    score: float
    difference: float
    low: float
    high: float
    documents_per_cpu_second: float
    megabytes: float

    def check(self, settings: ExportSettings, *, mean: bool) -> None:
        """Refuse an exported model that is not the model.

        Args:
            settings: How close it must come.
            mean: Whether its mean cosine is asked about, or its least.

        Raises:
            ModelError: It does not come that close; says how close it comes.
        """
        found, wanted = (self.cosine_mean, settings.min_cosine_int8) if mean else (self.cosine_min, settings.min_cosine)
        if not found >= wanted:
            raise ModelError(
                f"the exported {self.way} model is not the model: {'mean' if mean else 'least'} cosine {found:.4f}, "
                f"{wanted:g} wanted; nothing is kept"
            )
        if not self.difference >= -settings.max_loss:
            raise ModelError(
                f"the exported {self.way} model loses {-self.difference:.4f} {MAIN_MEASURE} ({self.score:.4f}), at most "
                f"{settings.max_loss:g} wanted; nothing is kept"
            )


@dataclass(frozen=True)
class _Measured:
    vectors: Vectors
    scores: dict[str, float]
    speed: float


class Parities:
    """The texts on which ways to run a model are compared, and what the model itself makes of them."""

    def __init__(self, dataset: RetrievalDataset, model: TextEncoder, megabytes: float, *, name: str = "torch") -> None:
        """Encode with the model.

        Args:
            dataset: Whose articles and test queries are asked.
            model: The model itself.
            megabytes: Size of its weights.
            name: What its row is called.

        Raises:
            DataError: There is no test query.
        """
        if not dataset.qrels[SPLIT]:
            raise DataError(f"{dataset.name} has no {SPLIT} queries, which tell whether an exported model is any good")
        self.dataset = dataset
        self._model = self._measured(model)
        self.rows = [self._row(name, self._model, megabytes)]

    def add(self, way: str, encoder: TextEncoder, megabytes: float) -> Parity:
        """Measure another way to run the model, and return its row.

        Args:
            way: What to call it.
            encoder: That runs it.
            megabytes: Size of its weights.
        """
        self.rows.append(self._row(way, self._measured(encoder), megabytes))
        return self.rows[-1]

    def _measured(self, encoder: TextEncoder) -> _Measured:
        documents, queries = self.dataset.document_texts(), self.dataset.query_texts(SPLIT)
        encoder.encode_documents(list(documents.values())[:1])  # what the first text costs more is no speed
        began = time.process_time()
        rows = encoder.encode_documents(list(documents.values()))
        spent = time.process_time() - began
        vectors = Vectors(rows, {SPLIT: encoder.encode_queries(list(queries.values()))})
        run = dense_run(self.dataset, vectors, SPLIT)
        return _Measured(vectors, main_scores(self.dataset.qrels[SPLIT], run), len(documents) / max(spent, 1e-9))

    def _row(self, way: str, found: _Measured, megabytes: float) -> Parity:
        cosines = np.concatenate([_cosines(self._model.vectors, found.vectors, part) for part in ("documents", SPLIT)])
        before, after = (np.array(list(m.scores.values())) for m in (self._model, found))
        clusters = document_clusters(self.dataset.qrels[SPLIT])
        change = paired_difference(before, after, [clusters[q] for q in found.scores])
        return Parity(
            way,
            float(cosines.mean()),
            float(cosines.min()),
            change.after,
            change.difference,
            change.low,
            change.high,
            found.speed,
            megabytes,
        )


def _cosines(model: Vectors, other: Vectors, part: str) -> NDArray[np.float64]:
    a, b = (v.documents if part == "documents" else v.queries[part] for v in (model, other))
    return np.einsum("nd,nd->n", a.astype(np.float64), b.astype(np.float64))


def table(rows: Sequence[Parity]) -> pd.DataFrame:
    """Return one row a way, columns as in ``Parity``."""
    return pd.DataFrame([asdict(row) for row in rows]).set_index("way")


def megabytes(folder: Path, *names: str) -> float:
    """Return the size of files in ``folder``."""
    return sum((folder / name).stat().st_size for name in names) / 1e6


def searched(dataset: RetrievalDataset, run: Run, most: int) -> RetrievalDataset:
    """Return the dataset with its test queries and at most so many articles, or more if more are judged or found first.

    Args:
        dataset: The whole.
        run: Of the test queries by the model: of each the first ten articles are kept, since near neighbours are what a
            model that is not quite the same confuses.
        most: How many articles.
    """
    judged: Mapping[str, Mapping[str, int]] = dataset.qrels[SPLIT]
    kept = {a for grades in judged.values() for a in grades} | {a for found in run.values() for a in list(found)[:10]}
    others = sorted(set(dataset.corpus) - kept)
    drawn = np.random.default_rng(0).permutation(others)[: max(0, most - len(kept))]
    documents = set(dataset.corpus) if len(dataset.corpus) <= most else kept | set(drawn.tolist())
    return dataset.restrict(documents=documents, queries=set(judged))
