"""A small dataset with one wrong pair, and the vectors of a model that knows keywords."""

from dataclasses import replace

from tests.helpers import make_dataset, one_hot
from tutorial_lib.cleaning.noise import suspicious_pairs
from tutorial_lib.data.dataset import Query
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors

WORDS = ("camera", "printer", "refund", "router")
ASKED = {
    "1": ("my camera", "camera"),
    "2": ("my printer", "refund"),
    "3": ("my refund", "refund"),
    "4": ("my router", "router"),
}
"""Query 2 asks about the printer and was recorded as solved with the article on refunds."""


def planted(asked=ASKED, *, reopened=()):
    dataset = make_dataset({w: (w.title(), w) for w in WORDS}, {"train": asked})
    queries = {q: Query(q, v.text, {"reopened": q in reopened} if reopened else {}) for q, v in dataset.queries.items()}
    return replace(dataset, queries=queries)


def pairs_of(dataset):
    queries, documents = (one_hot(WORDS, t.values()) for t in (dataset.query_texts("train"), dataset.document_texts()))
    return suspicious_pairs(dataset, BM25(dataset.document_texts()), Vectors(documents, {"train": queries}))
