"""The application: which routes there are, and what they answer while something is missing."""

import pytest

from tests.serving.calls import client_of, refusal
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.serving.batching import BusyError
from tutorial_lib.serving.live import Live
from tutorial_lib.serving.service import Service


def test_the_routes(client):
    assert set(client.get("/openapi.json").json()["paths"]) == {
        "/v1/embeddings",
        "/v1/models",
        "/search",
        "/events",
        "/document",
        "/compare",
        "/v1/rerank",
        "/v2/rerank",
        "/healthz",
        "/readyz",
        "/metrics",
    }


def test_without_an_index_it_is_ready_and_a_search_says_why_not(client):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "version": None, "model": None}
    answer = client.post("/search", json={"query": "refund"})
    assert refusal(answer, 503)["message"] == "this service has no index to search"
    assert answer.headers["retry-after"] == "5"


def test_with_an_index_it_is_ready_once_a_version_is_live(models, tmp_path):
    def open_index():
        return VectorIndex(FlatStore(tmp_path / "flat"))

    with client_of(models, live=Live(open_index, models)) as client:
        assert refusal(client.get("/readyz"), 503)["message"] == "no version of the index is live"
        assert client.get("/healthz").status_code == 200
        encoder = models.get("tuned").encoder
        reindex(open_index(), {"a": "refund"}, encoder, tmp_path / "work")
        assert client.get("/readyz").json() == {"status": "ready", "version": 1, "model": encoder.fingerprint}
        assert "tutorial_live_version 1.0" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("raised", "status", "said", "after"),
    [
        (BusyError(40, 7.2), 429, "40 texts wait already: send this again in 7 s", "7"),
        (TimeoutError(), 503, "it was not answered in time", "5"),
    ],
)
def test_who_comes_at_a_bad_time_is_told_when_to_come_again(client, monkeypatch, raised, status, said, after):
    async def fail(*_):
        raise raised

    monkeypatch.setattr(Service, "encoded", fail)
    for path, body in {
        "/v1/embeddings": {"model": "tuned", "input": "a"},
        "/v2/rerank": {"query": "a", "documents": ["a"]},
    }.items():
        answer = client.post(path, json=body)
        assert said in refusal(answer, status)["message"]
        assert answer.headers["retry-after"] == after
