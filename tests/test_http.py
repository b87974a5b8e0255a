"""JSON over HTTP; what a chat endpoint may answer is in test_endpoint."""

import sys

import pytest

from tests.double import Double
from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import EndpointError, HttpSettings, JsonClient, address, key_in, one_line

KEY = "sk-secret-key"


@pytest.fixture
def endpoint(monkeypatch):
    pytest.importorskip("httpx")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    double = Double(lambda path, body: (200, {}))
    yield double
    double.close()


def test_a_reply_and_its_seconds(endpoint):
    endpoint.replies = [(200, {"a": [1]})]
    reply, seconds = JsonClient().post(f"{endpoint.url}/x", {"b": 2}, headers={"X-Key": "k"})
    assert reply == {"a": [1]}
    assert seconds > 0
    path, headers, body = endpoint.asked[0]
    assert (path, headers["x-key"], body) == ("/x", "k", {"b": 2})


def test_a_server_that_is_not_there_is_asked_again(endpoint):
    pauses = []
    endpoint.close()
    client = JsonClient(HttpSettings(retries=1, pause=0), sleep=pauses.append)
    with pytest.raises(EndpointError, match=r"cannot be reached, or hung up: .* \(2 tries\)$"):
        client.post(endpoint.url, {}, headers={})
    assert pauses == [0]


def test_without_httpx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(DataError, match=r"takes the package httpx: pip install 'tutorial-lib\[rag\]'"):
        JsonClient().post("http://127.0.0.1:1", {}, headers={})


def test_messages_are_one_line_without_secrets():
    assert one_line(f"refused\n{KEY} ", (KEY, "")) == "refused ***"
    assert len(one_line("x" * 1000, ())) == 400
    assert one_line("\x1b[2Jgone\x00", ()) == "�[2Jgone�"  # no order for a terminal
    assert address("http://me:pass@host:1/v1?key=1") == "http://host:1/v1"


def test_a_key_that_no_header_may_hold_is_not_shown(monkeypatch):
    monkeypatch.setenv("SOME_KEY", " sk-1\n")
    assert key_in("SOME_KEY") == "sk-1"
    monkeypatch.setenv("SOME_KEY", "sk\n1")
    with pytest.raises(EndpointError, match=r"^SOME_KEY holds spaces or signs that no key has: set it again$"):
        key_in("SOME_KEY")
    monkeypatch.delenv("SOME_KEY")
    assert key_in("SOME_KEY") == ""
