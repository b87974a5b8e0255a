"""Keyword search beside the vectors, in a service."""

import pytest

from tests.serving.calls import client_of, refusal
from tutorial_lib.data.dataset import Document
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.fusion import convex_combination
from tutorial_lib.retrieval.terms import BM25Settings
from tutorial_lib.serving.keywords import Keywords
from tutorial_lib.serving.live import Live

DOCUMENTS = {
    "billing/refund": Document("billing/refund", "refund", "cancel the invoice and open the refund page"),
    "devices/router": Document("devices/router", "router", "reset the router"),
    "devices/camera": Document("devices/camera", "camera", "repair the camera"),
    "error/x77": Document("error/x77", "x77", "what to do about code x77"),
}
TEXTS = {a: document.full_text for a, document in DOCUMENTS.items()}
WORDS = BM25(TEXTS, BM25Settings("lucene"))


@pytest.fixture
def open_index(tmp_path):
    return lambda: VectorIndex(FlatStore(tmp_path / "flat"))


@pytest.fixture
def service(open_index, models, tmp_path):
    """Start a service whose index holds all documents, with so much for the vectors; without a share, without keywords."""
    reindex(open_index(), TEXTS, models.get("tuned").encoder, tmp_path / "work")

    def start(share=None):
        keywords = None if share is None else Keywords(WORDS, share)
        return client_of(models, live=Live(open_index, models), documents=DOCUMENTS, keywords=keywords)

    return start


def found(client, **body):
    """Return the answer to a search, and document id -> score."""
    body = client.post("/search", json={"query": "code x77", **body}).json()
    return body, {hit["id"]: hit["score"] for hit in body["results"]}


def test_a_code_that_only_keyword_search_knows_comes_first(service):
    with service(0.3) as client:
        body, scores = found(client)
        assert body["keywords"]
        assert next(iter(scores)) == "error/x77"
        assert all(hit["confidence"] is None for hit in body["results"])
        without, cosines = found(client, keywords=False)
        assert not without["keywords"]
        fused = convex_combination({"": WORDS.search({"": "code x77"})[""]}, {"": cosines}, 0.3)[""]
        assert scores == pytest.approx(fused)
        assert list(scores) == list(fused)


def test_as_many_are_shown_as_are_asked_for_and_the_same_ones(service):
    with service(0.3) as client:
        many, two = found(client)[1], found(client, k=2)[1]
        assert list(two.items()) == list(many.items())[:2]


def test_a_service_without_keywords_answers_by_vectors_and_says_so(service):
    with service() as client:
        assert not found(client)[0]["keywords"]
        error = refusal(client.post("/search", json={"query": "x77", "keywords": True}), 409)
        assert (error["param"], error["code"]) == ("keywords", "no_keywords")
        assert "started without --keywords" in error["message"]


def test_a_confidence_cannot_be_asked_for_with_keywords(service):
    with service(0.5) as client:
        error = refusal(client.post("/search", json={"query": "x77", "min_confidence": 0.5}), 409)
        assert error["code"] == "not_calibrated"
        assert "send keywords as false" in error["message"]


def test_what_was_taken_out_of_the_index_is_not_found_by_its_words(service, open_index, models, tmp_path):
    with service(0.3) as client:
        assert "error/x77" in found(client)[1]
        rest = {a: text for a, text in TEXTS.items() if a != "error/x77"}
        reindex(open_index(), rest, models.get("tuned").encoder, tmp_path / "work")
        body, scores = found(client)
        assert body["version"] == 2
        assert set(scores) == set(rest)
        assert "error/x77" in found(client, version=1)[1]


def test_with_nothing_in_common_the_vectors_decide(service):
    with service(0.1) as client:
        assert list(found(client, query="zzzz")[1]) == list(found(client, query="zzzz", keywords=False)[1])


@pytest.mark.parametrize("value", ["yes", 1, "true"])
def test_keywords_are_a_truth_value(service, value):
    with service(0.5) as client:
        assert refusal(client.post("/search", json={"query": "x77", "keywords": value}), 400)["param"] == "keywords"
