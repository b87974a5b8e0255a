"""API keys: who is let in, who is not, and that no key is ever shown."""

import hmac

import pytest

from tests.serving.calls import client_of, refusal
from tutorial_lib.data.dataset import DataError
from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.keys import VARIABLE, Keys

ONE, OTHER = "first-key-0123456789", "second-key-0123456789"


def test_without_keys_everybody_is_let_in(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert not Keys.from_environment()
    Keys.from_environment().check(None)


@pytest.mark.parametrize("sent", [f"Bearer {ONE}", f"bearer {OTHER}", f"Bearer  {OTHER} "])
def test_each_of_several_keys_is_let_in(sent, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"{ONE}, {OTHER},")
    keys = Keys.from_environment()
    assert keys
    keys.check(sent)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (None, "missing_api_key"),
        ("", "missing_api_key"),
        (ONE, "missing_api_key"),
        (f"Basic {ONE}", "missing_api_key"),
        ("Bearer ", "missing_api_key"),
        ("Bearer wrong", "invalid_api_key"),
        (f"Bearer {ONE[:-1]}", "invalid_api_key"),
        (f"Bearer {ONE}x", "invalid_api_key"),
        (f"Bearer {ONE},{OTHER}", "invalid_api_key"),
        ("Bearer \udcff\udcfe", "invalid_api_key"),
        ("Bearer ключ", "invalid_api_key"),
    ],
)
def test_nobody_else_is(sent, code):
    with pytest.raises(ApiError) as refused:
        Keys([ONE, OTHER]).check(sent)
    assert (refused.value.status, refused.value.code) == (401, code)
    assert ONE not in str(refused.value)


def test_every_key_is_compared_whichever_fits(monkeypatch):
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or real(a, b))
    Keys([ONE, OTHER]).check(f"Bearer {ONE}")
    assert compared == [(32, 32), (32, 32)]  # hashes: of the same length whatever was sent


@pytest.mark.parametrize("key", ["short", "with a space in the key", "schlüssel-0123456789", "line\nbreak-0123456789"])
def test_a_key_that_is_none_is_refused_and_not_shown(key):
    with pytest.raises(DataError, match=r"key 2 of 2 in TUTORIAL_API_KEYS cannot be used") as refused:
        Keys([ONE, key])
    assert key not in str(refused.value)


def test_over_http_only_what_shows_nobodys_data_is_open(models):
    with client_of(models, keys=Keys([ONE])) as client:
        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert client.get(path).status_code == 200
        body = {"model": "tuned", "input": "refund"}
        for call in (
            lambda **h: client.post("/v1/embeddings", json=body, **h),
            lambda **h: client.post("/v1/rerank", json={"query": "a", "documents": ["a"]}, **h),
            lambda **h: client.get("/v1/models", **h),
            lambda **h: client.get("/metrics", **h),
        ):
            answer = call()
            assert refusal(answer, 401)["type"] == "authentication_error"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert call(headers={"Authorization": f"Bearer {ONE}"}).status_code == 200
        assert refusal(client.post("/search", json={"query": "a"}), 401)
        assert refusal(client.get("/%2e%2e/healthz"), 401)
        assert refusal(client.get("/healthz/"), 401)
