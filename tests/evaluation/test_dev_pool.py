from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import make_dataset
from tests.tiny import tiny_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.dev_pool import DevSet, dev_pool
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import NotFiniteError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors


class Known:
    """An encoder whose vectors are written down here."""

    name, fingerprint, dimension = "known", "known", 2

    def encode_queries(self, texts):
        return np.array([{"east": [1, 0], "north": [0, 1]}[text] for text in texts], dtype=np.float32)

    def encode_documents(self, texts):
        return np.array([{"to the east": [1, 0], "to the north": [0, 1]}[text] for text in texts], dtype=np.float32)


def test_the_pool_holds_the_judged_documents_and_the_best_of_bm25():
    dataset = tiny_dataset()
    bm25 = BM25(dataset.document_texts())
    pool = dev_pool(dataset, bm25, queries=2, per_query=1, seed=3)
    assert len(pool.queries) == 2
    assert set(pool.queries) < set(dataset.qrels["dev"])
    best = {next(iter(hits)) for hits in bm25.search(pool.queries, k=1).values()}
    assert set(pool.documents) == best | {"a" + q[1:] for q in pool.queries}


def test_with_the_base_models_vectors_its_best_documents_are_in_the_pool_too():
    dataset = tiny_dataset()
    bm25, asked = BM25(dataset.document_texts()), list(dataset.qrels["dev"])
    where = {a: n for n, a in enumerate(dataset.corpus)}
    documents = np.eye(len(where), dtype=np.float32)
    queries = documents[[where["a00"]] * len(asked)]  # the model takes a00 for the answer to everything
    pool = dev_pool(dataset, bm25, queries=2, per_query=1, seed=3)
    harder = dev_pool(dataset, bm25, base=Vectors(documents, {"dev": queries}), queries=2, per_query=1, seed=3)
    assert "a00" not in pool.documents
    assert list(harder.documents) == sorted([*pool.documents, "a00"])
    with pytest.raises(DataError, match="no vectors of the dev queries, only of test"):
        dev_pool(dataset, bm25, base=Vectors(documents, {"test": queries}))


def test_scores_come_by_query_and_from_any_encoder():
    documents = {"a1": "to the east", "a2": "to the north"}
    pool = DevSet({"q1": "east", "q2": "north"}, documents, {"q1": {"a1": 1}, "q2": {"a1": 1}})
    scores = pool.score(Known())
    assert scores == {"q1": 1.0, "q2": pytest.approx(1 / np.log2(3))}  # first, and second: nDCG of one answer at rank 2
    turned = np.array([[0, 1], [1, 0]], dtype=np.float32)  # documents that keep their vectors are not encoded
    kept = DevSet(pool.queries, documents, pool.qrels, document_vectors=turned)
    assert kept.score(Known()) == {"q1": scores["q2"], "q2": 1.0}


def test_a_model_that_is_the_base_model_still_is_scored_by_the_vectors_that_are_there():
    east, north = [1, 0], [0, 1]
    pool = DevSet(
        {"q1": "east", "q2": "north"}, {"a1": "to the east", "a2": "to the north"}, {"q1": {"a1": 1}, "q2": {"a1": 1}}
    )
    its_own = Vectors(np.array([east, north], np.float32), {"dev": np.array([east, north], np.float32)})
    other = Vectors(np.array([north, east], np.float32), {"dev": np.array([east, north], np.float32)})
    encoded = []

    class Counting(Known):
        def encode_documents(self, texts):
            encoded.append(len(texts))
            return super().encode_documents(texts)

    for base, times in ((its_own, 1), (other, 2), (None, 1)):  # a sample that tells whose they are, and all where it fails
        encoded.clear()
        assert replace(pool, base=base).score_untrained(Counting()) == pool.score(Known())
        assert len(encoded) == times


def test_the_pool_takes_the_rows_of_its_texts_from_the_base_models_vectors(tiny_folder):
    dataset, encoder = tiny_dataset(), Encoder.load(tiny_folder)
    base = Vectors.of(dataset, encoder)
    pool = dev_pool(dataset, BM25(dataset.document_texts()), base=base, queries=3, per_query=1, seed=3)
    assert len(pool.documents) < len(dataset.corpus)
    assert pool.score_untrained(encoder) == pool.score(encoder)
    np.testing.assert_allclose(pool.base.documents, encoder.encode_documents(list(pool.documents.values())), atol=1e-5)
    np.testing.assert_allclose(pool.base.queries["dev"], encoder.encode_queries(list(pool.queries.values())), atol=1e-5)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_model_that_diverged_finds_nothing(wrong):
    pool = DevSet({"q1": "east"}, {"a1": "to the east"}, {"q1": {"a1": 1}})
    good, bad = np.array([[1, 0]], dtype=np.float32), np.array([[wrong, 0]], dtype=np.float32)
    assert pool.score_vectors(good, good) == {"q1": 1.0}
    assert pool.score_vectors(bad, good) == pool.score_vectors(good, bad) == {"q1": 0.0}


class Diverged(Known):
    """A model whose weights are no numbers any more."""

    def encode_queries(self, texts):
        raise NotFiniteError("diverged")


def test_an_encoder_that_refuses_what_is_not_finite_finds_nothing():
    pool = DevSet({"q1": "east"}, {"a1": "to the east"}, {"q1": {"a1": 1}})
    assert pool.score(Diverged()) == {"q1": 0.0}


def test_a_querys_own_document_stands_in_nobodys_way():
    documents = {"x": ("", "east"), "y": ("", "to the east"), "z": ("", "restart the router")}
    dataset = make_dataset(documents, {"dev": {"x": ("East", "y")}})
    pool = dev_pool(dataset, BM25(dataset.document_texts()), per_query=1)
    assert set(pool.documents) == {"y"}
    with_own = DevSet({"x": "East"}, {"x": "east", "y": "to the east"}, {"x": {"y": 1}}, own=pool.own)
    vectors = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    assert with_own.score_vectors(vectors[:1], vectors) == {"x": 1.0}
