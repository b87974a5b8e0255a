"""The dev pool that a training run is scored on, and the log of its scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE, per_query
from tutorial_lib.files import write_text
from tutorial_lib.models.settings import NotFiniteError, TextEncoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import exact_search
from tutorial_lib.training.settings import TrainSettings


@dataclass
class DevSet:
    """Dev queries and the fixed pool of articles they are scored against during training.

    Attributes:
        queries: Query texts by id.
        documents: Article texts by id, in ascending order of id.
        qrels: Judgments of the queries.
        document_vectors: float32, (len(articles), D), if articles keep their vectors and only queries are trained.
    """

    queries: dict[str, str]
    documents: dict[str, str]
    qrels: dict[str, dict[str, int]]
    document_vectors: NDArray[np.float32] | None = None

    def score(self, encoder: TextEncoder) -> dict[str, float]:
        """Return nDCG@10 of ``encoder`` on the pool by query, 0 to 1, higher is better; 0 where training has diverged."""
        documents = self.document_vectors
        try:
            if documents is None:
                documents = encoder.encode_documents(list(self.documents.values()))
            queries = encoder.encode_queries(list(self.queries.values()))
        except NotFiniteError:
            return dict.fromkeys(self.queries, 0.0)
        run = exact_search(list(self.queries), queries, list(self.documents), documents, k=10)
        return {str(q): float(v) for q, v in per_query(self.qrels, run)[MAIN_MEASURE].items()}


def mean_score(scores: Mapping[str, float]) -> float:
    """Return the mean of scores by query.

    >>> mean_score({"q1": 1.0, "q2": 0.5})
    0.75
    """
    return float(np.mean(list(scores.values())))


@dataclass
class DevLog:
    """What the dev pool scored in the course of a run, kept in a file: it outlives an interruption.

    Attributes:
        file: Where it is kept.
        scores: Step -> nDCG@10 by query; step 0 is the model before training.
        seconds: Time that scoring took in the midst of training, in this process.
    """

    file: Path
    scores: dict[int, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0

    def read(self) -> bool:
        """Take the scores that an interrupted run has left in the file; return whether there is one."""
        if not self.file.exists():
            return False
        written = json.loads(self.file.read_text(encoding="utf-8"))
        self.scores = {int(step): scores for step, scores in written.items()}
        return True

    def write(self) -> None:
        """Keep the scores in the file, in a folder that is made if need be."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.file, json.dumps(self.scores))

    def means(self) -> list[tuple[int, float]]:
        """Return (step, mean score) in the order of steps."""
        return [(step, mean_score(scores)) for step, scores in sorted(self.scores.items())]


def dev_set(dataset: RetrievalDataset, bm25: BM25, settings: TrainSettings) -> DevSet:
    """Return a sample of dev queries with a pool of their positives and BM25's best articles for each.

    A pool instead of the whole corpus: a dev score then takes seconds. It is higher than on the whole corpus and is
    compared only with itself.
    """
    texts = dataset.query_texts("dev")
    rng = np.random.default_rng(settings.seed)
    chosen = sorted(rng.permutation(list(texts))[: settings.dev_queries].tolist())
    queries = {q: texts[q] for q in chosen}
    pool = {a for q in chosen for a in dataset.qrels["dev"][q]}
    pool |= {a for ranked in bm25.search(queries, k=settings.dev_pool_per_query).values() for a in ranked}
    documents = {a: dataset.corpus[a].full_text for a in sorted(pool)}
    return DevSet(queries, documents, {q: dataset.qrels["dev"][q] for q in chosen})
