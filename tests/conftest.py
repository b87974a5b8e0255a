"""No test downloads anything, and none draws a progress bar."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import pytest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Folder of the tiny BERT, the same for all tests; copy it to change it."""
    from tests.tiny import tiny_bert

    return tiny_bert(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def float32(monkeypatch):
    """Encode and train in float32 whatever the processor can do, so that results compare to the last digits."""
    from tutorial_lib import encoder, finetune

    for module in (encoder, finetune):
        monkeypatch.setattr(module, "bf16_is_fast", lambda device=None: False)
