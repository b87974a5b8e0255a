"""Models to load, and to change."""

import shutil

import pytest

from tests.double import Double
from tests.models.embeddings import KEY, embeddings
from tutorial_lib.models.encoder import Encoder


@pytest.fixture
def tiny(tiny_folder):
    """The tiny BERT."""
    return Encoder.load(tiny_folder)


@pytest.fixture
def copy(tiny_folder, tmp_path):
    """A folder of the tiny BERT that may be changed."""
    return shutil.copytree(tiny_folder, tmp_path / "copy")


@pytest.fixture
def precision(monkeypatch):
    """Return a function that makes this processor one with or without units for bfloat16."""
    from tutorial_lib.models import hardware

    def precision(*, bf16):
        monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None: bf16)

    return precision


@pytest.fixture
def hosted(monkeypatch):
    """A server that speaks the embeddings API; a key is in the environment."""
    pytest.importorskip("httpx")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    double = Double(embeddings)
    yield double
    double.close()
