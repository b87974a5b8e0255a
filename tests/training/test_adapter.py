"""An adapter from pairs to folder: what is written, by whom, and what is refused before."""

import pytest
import torch

from tests.tiny import LORA, TRAIN, tiny_dataset
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training import adapter
from tutorial_lib.training.adapter import train_adapter
from tutorial_lib.training.findings import Finding, PreflightReport
from tutorial_lib.training.settings import TrainResult


@pytest.fixture
def trained(tiny_folder, tmp_path):
    """Return a function that trains on the tiny dataset and gives the adapter's folder."""
    dataset = tiny_dataset()

    def trained(**options):
        folder = tmp_path / "adapter"
        folder.mkdir()
        given = {"model": str(tiny_folder), "lora": LORA, "settings": TRAIN, "device": torch.device("cpu"), **options}
        train_adapter(dataset, {}, BM25(dataset.document_texts()), folder, tmp_path / "checkpoints.key", **given)
        return folder

    return trained


def test_the_folder_holds_the_adapter_its_card_and_what_training_did(trained, tmp_path):
    folder = trained()
    assert {p.name for p in folder.iterdir()} >= {"adapter_model.safetensors", "README.md", "training.json"}
    assert TrainResult.load(folder / "training.json").steps == 4
    assert len(Encoder.load(folder).encode(["cancel the invoice"])) == 1
    assert list(tmp_path.glob("checkpoints.*")) == []


def test_a_process_that_does_not_write_leaves_the_folder_empty(trained, capsys):
    assert list(trained(writes=False).iterdir()) == []
    assert "warning" not in capsys.readouterr().err


def test_what_a_check_refuses_is_not_trained(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(adapter, "preflight", lambda *_: PreflightReport([Finding("error", "no memory")]))
    with pytest.raises(DataError, match="no memory"):
        trained()
    assert not list(tmp_path.glob("checkpoints.*/checkpoint-*"))
