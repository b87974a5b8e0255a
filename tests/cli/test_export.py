"""``python -m tutorial_lib export``: a finished run's model as ONNX, and what it refuses."""

import shutil

import numpy as np
import pytest

from tutorial_lib.asked_for import EXPORT
from tutorial_lib.cli import main
from tutorial_lib.cli.export import shown
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.onnx import OnnxEncoder

pytestmark = pytest.mark.usefixtures("at_home", "float32")

LOOSE = ["--min-cosine-int8", "0.5", "--max-loss", "1"]
"""The tiny model's random weights are large: whole numbers do not hold them well."""


def test_a_finished_run_is_exported_once(copied, capsys):
    command = ["export", str(copied.root), *LOOSE]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "making export" in said.err
    assert f"written: {copied.root / EXPORT / 'float32'}, {copied.root / EXPORT / 'int8'}" in said.out
    text = ["refund"]
    found, model = OnnxEncoder.load(copied.root / EXPORT / "float32"), Encoder.load(copied.root / "model")
    assert np.allclose(found.encode(text), model.encode(text), atol=1e-5)
    assert main(command) == 0
    again = capsys.readouterr()
    assert (again.out, "making" in again.err) == (said.out, False)


def test_a_model_that_is_not_close_enough_is_refused_and_nothing_is_left(copied, capsys):
    assert main(["export", str(copied.root), "--min-cosine-int8", "1"]) == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("error: the exported int8 model is not the model: mean cosine 0.")
    assert copied.record(EXPORT) is None
    assert not list(copied.root.glob(f"{EXPORT}*"))


def test_a_folder_without_a_run_or_a_model_is_refused(fails, copied, tmp_path):
    assert "holds no run: make one first, python -m tutorial_lib train --out" in fails("export", tmp_path / "none")
    shutil.rmtree(copied.root / "model")
    assert "holds no fine-tuned model yet" in fails("export", copied.root)


def test_bounds_that_cannot_be_are_refused(copied, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["export", str(copied.root), "--max-loss", "2"])
    assert ended.value.code == 2
    assert "max_loss is 2.0: pass at least 0 and at most 1" in capsys.readouterr().err


def test_the_table_has_a_line_a_way():
    row = {"way": "int8", "cosine_mean": 0.99512, "cosine_min": 0.991, "score": 0.8255, "difference": -0.0053}
    row |= {"low": -0.012, "high": 0.001, "documents_per_cpu_second": 11.04, "megabytes": 23.2}
    head, line = shown([row]).splitlines()
    assert line.split() == ["int8", "0.9951", "0.9910", "0.8255", "-0.0053", "(-0.0120", "to", "+0.0010)", "11.0", "23"]
    assert len(head) == len(line)
