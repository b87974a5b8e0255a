"""Around every request: its number, its note in the log, and an answer where the service has failed."""

import logging

from tests.serving.calls import refusal


def test_a_number_to_speak_of_it_by(client):
    assert client.get("/healthz", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    for sent in ("a b", "<script>", "x" * 65, ""):
        number = client.get("/healthz", headers={"X-Request-ID": sent}).headers["x-request-id"]
        assert len(number) == 32
        assert number.isalnum()


def test_answers_are_not_kept_and_not_guessed_at(client):
    for answer in (client.get("/healthz"), client.get("/no/such/path")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_a_note_in_the_log_without_the_text(client, caplog):
    with caplog.at_level(logging.INFO, logger="tutorial_lib"):
        client.post("/v1/embeddings", json={"model": "tuned", "input": "a private question"})
    note = next(record for record in caplog.records if record.getMessage() == "answered")
    assert (note.route, note.status, note.method) == ("/v1/embeddings", 200, "POST")
    assert note.ms > 0
    assert "private" not in str([vars(record) for record in caplog.records])


def test_where_the_service_fails_it_says_so_and_no_more(client, models, monkeypatch, caplog):
    def broken(texts):
        raise RuntimeError("CUDA error at /opt/secret")

    monkeypatch.setattr(models.get("tuned").encoder, "encode", broken)
    error = refusal(
        client.post("/v1/embeddings", json={"model": "tuned", "input": "a"}, headers={"X-Request-ID": "r-1"}), 500
    )
    assert error["message"] == "this service has failed; its log says more of request r-1"
    assert "CUDA error" in caplog.text
