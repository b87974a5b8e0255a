"""Models to load, and to change."""

import shutil

import pytest

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
