"""The dev pool: a sample of dev queries and the few documents they are scored against, in seconds instead of minutes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import main_scores
from tutorial_lib.models.settings import NotFiniteError, TextEncoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, exact_search

QUERIES = 300
"""At most so many dev queries make up a pool."""

SAMPLE = 16
"""So many texts of a kind are encoded to see whether vectors are those of an encoder."""

PER_QUERY = 5
"""The best documents of each dev query, by BM25 and by the base model each, that stand in the pool beside the answers."""


@dataclass
class DevSet:
    """Dev queries and the fixed pool of documents they are scored against.

    Attributes:
        queries: Query texts by id.
        documents: Document texts by id, in ascending order of id.
        qrels: Judgments of the queries.
        document_vectors: float32, (len(documents), D), if documents keep their vectors and only queries are trained.
        own: Query id -> the document that is the query itself, which is left out.
        base: The base model's vectors of the pool's documents and queries, if they are known.
    """

    queries: dict[str, str]
    documents: dict[str, str]
    qrels: dict[str, dict[str, int]]
    document_vectors: NDArray[np.float32] | None = None
    own: dict[str, str] = field(default_factory=dict)
    base: Vectors | None = None

    def score_untrained(self, encoder: TextEncoder) -> dict[str, float]:
        """Return what ``score`` does of an encoder that may be the base model still: then nothing is encoded again."""
        if self.base is not None and self._made_base(encoder):
            return self.score_vectors(self.base.queries["dev"], self.base.documents)
        return self.score(encoder)

    def _made_base(self, encoder: TextEncoder) -> bool:
        """Return whether the encoder gives the vectors in ``base``, as it does not with other prompts or another window."""
        assert self.base is not None
        documents, queries = list(self.documents.values())[-SAMPLE:], list(self.queries.values())[-SAMPLE:]
        try:
            encoded = np.vstack([encoder.encode_documents(documents), encoder.encode_queries(queries)])
        except NotFiniteError:
            return False
        known = np.vstack([self.base.documents[-SAMPLE:], self.base.queries["dev"][-SAMPLE:]])
        return known.shape == encoded.shape and bool(((known * encoded).sum(axis=1) > 0.999).all())

    def score(self, encoder: TextEncoder) -> dict[str, float]:
        """Return nDCG@10 of ``encoder`` on the pool by query, 0 to 1, higher is better.

        An encoder whose vectors are not finite, as after a training that diverged, finds nothing: 0 for every query.
        """
        documents = self.document_vectors
        try:
            if documents is None:
                documents = encoder.encode_documents(list(self.documents.values()))
            queries = encoder.encode_queries(list(self.queries.values()))
        except NotFiniteError:
            return dict.fromkeys(self.queries, 0.0)
        return self.score_vectors(queries, documents)

    def score_vectors(self, queries: NDArray[np.float32], documents: NDArray[np.float32]) -> dict[str, float]:
        """Return nDCG@10 by query of vectors in the order of ``queries`` and ``documents``: (Q, D) and (N, D)."""
        if not (np.isfinite(queries).all() and np.isfinite(documents).all()):
            return dict.fromkeys(self.queries, 0.0)
        run = exact_search(list(self.queries), queries, list(self.documents), documents, k=10, own=self.own)
        return main_scores(self.qrels, run)


def mean_score(scores: Mapping[str, float]) -> float:
    """Return the mean of scores by query.

    >>> mean_score({"q1": 1.0, "q2": 0.5})
    0.75
    """
    return float(np.mean(list(scores.values())))


def rises(before: Mapping[str, float], after: Mapping[str, float], errors: float = 1.0) -> bool:
    """Return whether scores by query rose from ``before`` to ``after`` by more than so many standard errors of the mean.

    >>> rises({"q1": 0.5, "q2": 0.5}, {"q1": 0.7, "q2": 0.6}), rises({"q1": 0.5, "q2": 0.5}, {"q1": 0.9, "q2": 0.5})
    (True, False)
    """
    differences = np.array([after[q] - before[q] for q in before])
    error = differences.std(ddof=1) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return bool(differences.mean() > errors * error)


def dev_pool(
    dataset: RetrievalDataset,
    bm25: BM25,
    *,
    base: Vectors | None = None,
    queries: int = QUERIES,
    per_query: int = PER_QUERY,
    seed: int = 0,
) -> DevSet:
    """Return a sample of dev queries with a pool of their judged documents and the best for each that search finds today.

    A pool instead of the whole corpus: a score then takes seconds. It is higher than on the whole corpus and is compared
    only with itself. Without the documents that the model itself takes for answers a pool leaves little room to get better.

    Args:
        dataset: The dataset; its dev split is used.
        bm25: Index over its documents.
        base: The base model's vectors; None where there are none yet, and keyword search alone fills the pool.
        queries: At most so many dev queries, drawn at random.
        per_query: Documents for each, of BM25 and of the base model.
        seed: Of the draw.
    """
    texts = dataset.query_texts("dev")
    chosen = sorted(np.random.default_rng(seed).permutation(list(texts))[:queries].tolist())
    asked = {q: texts[q] for q in chosen}
    own = {q: a for q, a in dataset.own_documents.items() if q in asked}
    runs, rows = [bm25.search(asked, k=per_query, own=own)], [q in asked for q in texts]
    if base is not None:
        base.check(dataset, "dev")
        vectors, ids = base.queries["dev"][rows], list(dataset.corpus)
        runs.append(exact_search(chosen, vectors, ids, base.documents, k=per_query, own=own))
    pool = {a for q in chosen for a in dataset.qrels["dev"][q]} | {a for run in runs for found in run.values() for a in found}
    documents = {a: dataset.corpus[a].full_text for a in sorted(pool)}
    of_pool = base and Vectors(base.documents[[a in pool for a in dataset.corpus]], {"dev": base.queries["dev"][rows]})
    return DevSet(asked, documents, {q: dataset.qrels["dev"][q] for q in chosen}, own=own, base=of_pool)
