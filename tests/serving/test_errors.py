"""Refusals: OpenAI's form, one line, safe to send whatever they quote."""

import json

import pytest

from tests.serving.calls import AS_JSON, refusal
from tutorial_lib.serving.errors import LONGEST, ApiError, ErrorBody, NotReadyError, of_http, of_validation


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (429, "rate_limit_error"), (503, "server_error")],
)
def test_each_status_has_openais_word_for_it(status, kind):
    error = ApiError(status, "no", param="input", code="x")
    assert error.body() == {"error": {"message": "no", "type": kind, "param": "input", "code": "x"}}
    ErrorBody(**error.body())


def test_what_is_quoted_is_cut_and_can_be_sent():
    error = ApiError(400, "found \ud800 and " + "x" * 1000, param="\udfff")
    assert len(error.message) == LONGEST
    assert json.loads(bytes(error.response().body)) == error.body()
    assert "\\ud800" in error.message


@pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (7.4, "7"), (None, None)])
def test_when_to_come_again_is_a_header_in_whole_seconds(seconds, header):
    assert ApiError(429, "busy", retry_after=seconds).response().headers.get("retry-after") == header


def test_the_first_thing_wrong_is_said_in_plain_words():
    missing = {"type": "missing", "loc": ("body", "query"), "msg": "Field required"}
    assert (of_validation([missing]).message, of_validation([missing]).param) == ("query: it is missing", "query")
    tried = {
        "type": "string_type",
        "loc": ("body", "documents", 3, "constrained-str"),
        "msg": "Input should be a valid string",
    }
    assert of_validation([tried]).param == "documents.3"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body: it is missing"),
        (b"{", "the body is no JSON: "),
        (b"\xff\xfe\x00", "the body cannot be read as JSON"),
        (b'{"model": "tuned", "input": "caf\xe9"}', "the body cannot be read as JSON: it is no UTF-8"),
        (b"[" * 100_000, "too deep"),
        (b'{"a":' * 100_000, "too deep"),
        (b'{"model": "tuned", "input": ' + b"9" * 100_000 + b"}", "a number that is too long"),
        (b'{"model": "tuned", "input": "\\ud800"}', "half of a surrogate pair"),
        (b'{"model": "tuned", "input": "a", "dimensions": NaN}', "dimensions: Input should be a"),
        (b"[]", "the body: "),
        (b'"refund"', "the body: "),
    ],
)
def test_a_body_that_is_no_request_is_told_so(client, body, said):
    assert said in refusal(client.post("/v1/embeddings", content=body, headers=AS_JSON), 400)["message"]


def test_no_route_and_no_such_method(client):
    assert "no such path" in refusal(client.get("/v1/chat/completions"), 404)["message"]
    answer = client.get("/v1/embeddings")
    assert refusal(answer, 405)
    assert answer.headers["allow"] == "POST"
    assert of_http(418, "a teapot").message == "a teapot"


def test_what_names_folders_is_kept_from_the_answer():
    error = NotReadyError("the model is gone", "there is no folder /home/ada/run")
    assert (str(error), error.detail) == ("the model is gone", "there is no folder /home/ada/run")
