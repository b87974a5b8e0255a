"""A model is written with its proof or not at all."""

import json

import numpy as np
import pytest

from tests.tiny import tiny_dataset
from tutorial_lib.evaluation.exporting import TABLE, export_model
from tutorial_lib.evaluation.parity import ExportSettings
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.onnx import OnnxEncoder
from tutorial_lib.models.settings import ModelError

pytestmark = pytest.mark.usefixtures("float32")


@pytest.fixture
def encoder(tiny_folder):
    return Encoder.load(tiny_folder)


def test_two_models_and_their_table_are_written(encoder, tmp_path):
    told = []
    rows = export_model(encoder, tiny_dataset(), tmp_path / "export", ExportSettings(signed=True), say=told.append)
    assert sorted(p.name for p in (tmp_path / "export").iterdir()) == ["float32", "int8", TABLE]
    assert list(rows.index) == ["torch", "float32", "int8 signed", "int8"]
    assert rows.loc["float32", "cosine_min"] > 0.99999
    assert rows.loc["float32", "difference"] == 0
    record = json.loads((tmp_path / "export" / TABLE).read_text())
    assert [row["way"] for row in record["rows"]] == list(rows.index)
    assert record["measured_on"]["processor"]
    assert told == ["writing float32", "encoding 24 articles with each way"]

    text = ["how to reset a password"]
    found = {name: OnnxEncoder.load(tmp_path / "export" / name).encode(text) for name in ("float32", "int8")}
    assert np.allclose(found["float32"], encoder.encode(text), atol=1e-5)
    assert not np.allclose(found["int8"], found["float32"], atol=1e-7)


def test_without_int8(encoder, tmp_path):
    rows = export_model(encoder, tiny_dataset(), tmp_path / "export", ExportSettings(int8=False))
    assert list(rows.index) == ["torch", "float32"]
    assert not (tmp_path / "export" / "int8").exists()


@pytest.mark.parametrize("bound", [{"min_cosine": 1.0}, {"min_cosine_int8": 1.0}])
def test_what_is_not_close_enough_leaves_nothing_behind_and_what_was_there_stays(bound, encoder, tmp_path, monkeypatch):
    from tutorial_lib.evaluation import exporting

    write = exporting.write_float32
    # The tiny model is exact to the last digit: one turned by a matrix is written in its place.
    turn = np.eye(32, dtype=np.float32)
    turn[0, 1] = 2.0
    monkeypatch.setattr(exporting, "write_float32", lambda model, folder: write(model.with_matrix(turn), folder))
    with pytest.raises(ModelError, match=r"is not the model: .* nothing is kept"):
        export_model(
            encoder, tiny_dataset(), tmp_path / "export", ExportSettings(**({"min_cosine": -1.0, "max_loss": 1.0} | bound))
        )
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()

    export_model(encoder, tiny_dataset(), tmp_path / "export", ExportSettings(int8=False))
    before = (tmp_path / "export" / TABLE).read_bytes()
    monkeypatch.setattr(exporting, "write_float32", lambda model, folder: write(model.with_matrix(turn), folder))
    with pytest.raises(ModelError):
        export_model(encoder, tiny_dataset(), tmp_path / "export")
    assert (tmp_path / "export" / TABLE).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["export"]
