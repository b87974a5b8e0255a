"""The dev pool that a training run is scored on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import per_query
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import exact_search
from tutorial_lib.training.settings import TrainSettings

DEV_METRIC = "nDCG@10"


@dataclass
class DevSet:
    """Dev queries and the fixed pool of articles they are scored against during training.

    Attributes:
        queries: Query texts by id.
        documents: Article texts by id, in ascending order of id.
        qrels: Judgments of the queries.
        document_vectors: float32, (len(articles), D), if articles keep their vectors and only queries are trained.
        by_query: The last score's nDCG@10 of each query.
    """

    queries: dict[str, str]
    documents: dict[str, str]
    qrels: dict[str, dict[str, int]]
    document_vectors: NDArray[np.float32] | None = None
    by_query: dict[str, float] = field(default_factory=dict)

    def score(self, encoder: Encoder) -> float:
        """Return nDCG@10 of ``encoder`` on the pool, 0 to 1, higher is better."""
        documents = self.document_vectors
        if documents is None:
            documents = encoder.encode_documents(list(self.documents.values()))
        run = exact_search(
            list(self.queries), encoder.encode_queries(list(self.queries.values())), list(self.documents), documents, k=10
        )
        self.by_query = {str(q): float(v) for q, v in per_query(self.qrels, run)[DEV_METRIC].items()}
        return float(np.mean(list(self.by_query.values())))


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
