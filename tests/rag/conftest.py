"""A double of a chat endpoint, and an environment without anybody's key."""

import pytest

from tests.double import Double
from tests.rag.replies import echo

KEY = "sk-secret-key"


@pytest.fixture
def endpoint(monkeypatch):
    """A chat endpoint that repeats the last message; its address and a key are in the environment."""
    pytest.importorskip("httpx")
    double = Double(echo)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{double.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield double
    double.close()
