"""What is refused before a request is read."""

import asyncio
import json

import pytest

from tests.serving.calls import AS_JSON, client_of, refusal
from tutorial_lib.serving.guards import HEADER_BYTES, Guards
from tutorial_lib.serving.keys import Keys
from tutorial_lib.serving.limits import Limits

BODY = json.dumps({"model": "tuned", "input": "refund"}).encode()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
)
def test_what_a_page_of_elsewhere_may_post_without_asking_is_refused(client, kind):
    answer = client.post("/v1/embeddings", content=BODY, headers={"Content-Type": kind})
    assert "send application/json" in refusal(answer, 415)["message"]


def test_without_a_body_there_is_no_type_to_refuse(client):
    assert refusal(client.post("/healthz"), 405)
    assert refusal(client.post("/search"), 400)["message"] == "the body: it is missing"


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_taken(client, kind):
    assert client.post("/v1/embeddings", content=BODY, headers={"Content-Type": kind}).status_code == 200


def test_no_page_of_elsewhere_is_let_in(client):
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answers = [
        client.options("/v1/embeddings", headers=asked),
        client.post("/v1/embeddings", content=BODY, headers={**AS_JSON, "Origin": "https://elsewhere.example"}),
    ]
    assert answers[0].status_code == 405
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("[::1]:8000", 200),
        ("[::1]", 200),
        ("rebound.example", 400),
        ("localhost.evil.example:80", 400),
    ],
)
def test_a_name_that_was_made_to_lead_here_is_refused(models, host, status):
    with client_of(models, hosts=("localhost", "127.0.0.1", "[::1]")) as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == status


def test_a_body_that_is_too_large_is_refused_by_what_it_says_and_by_what_comes(models):
    with client_of(models, limits=Limits(body_bytes=1000)) as client:
        said = client.post("/v1/embeddings", content=BODY, headers={**AS_JSON, "Content-Length": "2000"})
        streamed = client.post("/v1/embeddings", content=(b" " * 100 for _ in range(1000)), headers=AS_JSON)
        for answer in (said, streamed):
            assert "send at most 1,000" in refusal(answer, 413)["message"]
            assert answer.headers["connection"] == "close"
        assert client.post("/v1/embeddings", content=BODY + b" " * 900, headers=AS_JSON).status_code == 200


def test_an_address_and_headers_that_are_too_large_are_refused_though_they_come_at_once(client):
    for path, headers in (("/healthz", {"Cookie": "a" * HEADER_BYTES}), ("/document?id=" + "a" * HEADER_BYTES, {})):
        answer = client.get(path, headers=headers)
        assert "send at most 32,768" in refusal(answer, 431)["message"]
        assert answer.headers["connection"] == "close"


def answered(guards, messages, headers=AS_JSON):
    """Ask a guarded application that never answers with ``messages``; return the messages that it sends."""
    sent = []
    coming = iter(messages)

    async def receive():
        message = next(coming, None)
        if message is None:
            await asyncio.sleep(60)
        return message

    async def send(message):
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/search", "headers": raw}
    asyncio.run(guards(scope, receive, send))
    return sent


def test_a_body_that_never_ends_is_not_waited_for():
    guards = Guards(None, limits=Limits(body_seconds=0.05), keys=Keys())
    sent = answered(guards, [{"type": "http.request", "body": b"{", "more_body": True}])
    assert sent[0]["status"] == 408
    assert b"has not come within 0.05 s" in sent[1]["body"]


def test_the_application_gets_the_whole_body_at_once():
    read = []

    async def app(scope, receive, send):
        read.append(await receive())

    parts = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.request", "body": b"}"}]
    answered(Guards(app, limits=Limits(), keys=Keys()), parts)
    assert read == [{"type": "http.request", "body": b"{}", "more_body": False}]
