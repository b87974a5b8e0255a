"""A search over HTTP: documents, confidence, highlights, and what is handed to who records it."""

import logging

import pytest

from tests.serving.calls import client_of, refusal
from tutorial_lib.data.dataset import Document
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.retrieval.calibration import Calibration
from tutorial_lib.serving.live import Live
from tutorial_lib.serving.searching import CLOSE, log_query

DOCUMENTS = {
    "billing/refund": Document("billing/refund", "refund", "cancel the invoice and open the refund page"),
    "devices/router": Document("devices/router", "router", "reset the router"),
    "devices/<b>": Document("devices/<b>", "<script>", "repair the camera"),
}
HALF_AT = Calibration(slope=10.0, intercept=-9.5, queries=100, no_answer_share=0.5)
"""A score of 0.95 is worth 0.5."""


@pytest.fixture
def open_index(tmp_path):
    return lambda: VectorIndex(FlatStore(tmp_path / "flat"))


@pytest.fixture
def indexed(open_index, models, tmp_path):
    texts = {a: document.full_text for a, document in DOCUMENTS.items()} | {"unknown": "shipping"}
    reindex(open_index(), texts, models.get("tuned").encoder, tmp_path / "work", calibration=HALF_AT)


@pytest.fixture
def seen():
    return []


@pytest.fixture
def search(indexed, open_index, models, seen):
    with client_of(models, live=Live(open_index, models), documents=DOCUMENTS, record=seen.append) as client:
        yield lambda **body: client.post("/search", json=body)


def test_documents_come_best_first_with_what_a_page_shows(search, models):
    body = search(query="router\nreset the router", k=2).json()
    first = body["results"][0]
    assert (first["id"], first["position"], first["title"], first["snippet"]) == (
        "devices/router",
        1,
        "router",
        "reset the router",
    )
    assert first["score"] == pytest.approx(1, abs=1e-4)
    assert first["confidence"] == pytest.approx(float(HALF_AT.confidence(1.0)), abs=1e-3)
    assert (len(body["results"]), body["version"]) == (2, 1)
    assert body["model"] == models.get("tuned").encoder.fingerprint
    assert body["results"][0]["score"] >= body["results"][1]["score"]


def test_a_document_that_the_run_has_no_text_of_is_named_without_one(search):
    found = next(hit for hit in search(query="shipping").json()["results"] if hit["id"] == "unknown")
    assert (found["title"], found["snippet"]) == (None, None)


def test_without_enough_confidence_nothing_is_shown(search):
    sure, unsure = "router\nreset the router", "battery"
    assert search(query=sure, min_confidence=0.5).json()["results"]
    assert search(query=unsure).json()["results"][0]["confidence"] < 0.5
    assert search(query=unsure, min_confidence=0.5).json()["results"] == []


def test_without_a_calibration_there_is_no_confidence_to_ask_for(open_index, models, tmp_path):
    reindex(open_index(), {"a": "refund"}, models.get("tuned").encoder, tmp_path / "work")
    with client_of(models, live=Live(open_index, models)) as client:
        assert client.post("/search", json={"query": "refund"}).json()["results"][0]["confidence"] is None
        error = refusal(client.post("/search", json={"query": "refund", "min_confidence": 0.5}), 409)
        assert "version 1 does not say what its scores are worth" in error["message"]


@pytest.mark.usefixtures("float32")
def test_words_of_the_snippet_that_are_close_are_marked(search):
    hit = next(h for h in search(query="cancel", highlights=True).json()["results"] if h["id"] == "billing/refund")
    marked = {hit["snippet"][h["start"] : h["end"]]: h["cosine"] for h in hit["highlights"]}
    assert all(cosine >= CLOSE for cosine in marked.values())
    assert set(marked) <= set(hit["snippet"].split())
    whole = search(query="reset the router", highlights=True).json()["results"]
    router = next(h for h in whole if h["id"] == "devices/router")
    assert {router["snippet"][h["start"] : h["end"]] for h in router["highlights"]} == {"reset", "the", "router"}


def test_what_was_searched_and_shown_is_handed_on_by_its_number(search, seen):
    body = search(query="router", k=2, query_id="q-1", client_id="c-1").json()
    other = search(query="router").json()
    assert body["query_id"] == "q-1"
    assert len(other["query_id"]) == 32
    assert [(s.asked.query, s.asked.client_id, s.answer.query_id) for s in seen] == [
        ("router", "c-1", "q-1"),
        ("router", None, other["query_id"]),
    ]
    assert [hit.id for hit in seen[0].answer.results] == [hit["id"] for hit in body["results"]]
    assert seen[0].when.utcoffset().total_seconds() == 0


def test_a_recorder_that_fails_fails_no_search_and_is_counted(indexed, open_index, models, caplog):
    def full(_):
        raise OSError("no space left on device")

    with client_of(models, live=Live(open_index, models), record=full) as client:
        assert client.post("/search", json={"query": "router"}).status_code == 200
        assert "tutorial_unrecorded_searches_total 1.0" in client.get("/metrics").text
    assert "no space left on device" in caplog.text


def test_queries_are_logged_for_those_who_ask_for_it(indexed, open_index, models, caplog):
    with (
        caplog.at_level(logging.INFO, logger="tutorial_lib"),
        client_of(models, live=Live(open_index, models), record=log_query) as client,
    ):
        client.post("/search", json={"query": "router", "k": 1})
    note = next(record for record in caplog.records if record.getMessage() == "searched")
    assert (note.query, note.version, len(note.found)) == ("router", 1, 1)


def test_a_query_that_is_too_long_is_refused(search):
    assert "query has 10,001 characters: send at most 10,000" in refusal(search(query="a" * 10_001), 400)["message"]
