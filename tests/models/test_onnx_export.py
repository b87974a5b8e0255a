"""Writing a model as ONNX leaves the model as it is, and weights of 8 bits make a smaller one that does not mix texts."""

import logging
import sys
import warnings

import numpy as np
import onnx
import pytest

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.onnx import GRAPH, OnnxEncoder
from tutorial_lib.models.onnx_export import INT8, WAYS, write_float32, write_int8
from tutorial_lib.models.settings import ModelError

pytestmark = pytest.mark.usefixtures("float32")
TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


@pytest.fixture
def encoder(tiny_folder):
    return Encoder.load(tiny_folder)


@pytest.fixture
def whole(encoder, tmp_path):
    write_float32(encoder, tmp_path / "float32")
    return tmp_path / "float32"


def weights(folder):
    """Bytes of all weights in an exported model."""
    return sum(len(onnx.numpy_helper.to_array(t).tobytes()) for t in onnx.load(folder / GRAPH).graph.initializer)


def test_the_model_stays_as_it_was(encoder, tmp_path):
    # torch leaves a model in the mode that its wrapper came in: with dropout on, two encodings would differ.
    before, fingerprint = encoder.encode(TEXTS), encoder.fingerprint
    write_float32(encoder, tmp_path)
    encoder.changed()
    assert np.array_equal(encoder.encode(TEXTS), before)
    assert encoder.fingerprint == fingerprint
    assert not any(part.training for part in encoder.model.modules())


def test_nothing_is_warned_of_and_no_logger_is_left_behind(encoder, tmp_path, capfd):
    handlers = list(logging.getLogger().handlers)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_float32(encoder, tmp_path / "float32")
        write_int8(tmp_path / "float32", tmp_path / "int8")
    assert logging.getLogger().handlers == handlers
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("way", WAYS)
def test_weights_of_8_bits_are_near_and_in_a_smaller_file(way, whole, encoder, tmp_path):
    write_int8(whole, tmp_path / "small", way)
    found = OnnxEncoder.load(tmp_path / "small", threads=1)
    assert weights(tmp_path / "small") < 0.35 * weights(whole)  # of a model this small the file is mostly its plan
    assert found.fingerprint != OnnxEncoder.load(whole).fingerprint
    cosines = np.einsum("nd,nd->n", found.encode(TEXTS), encoder.encode(TEXTS))
    assert (cosines > 0.9).all()
    assert (cosines < 0.9999999).any()


def test_a_vector_does_not_hang_on_the_texts_beside_it(whole, tmp_path):
    write_int8(whole, tmp_path / INT8)
    found = OnnxEncoder.load(tmp_path / INT8, threads=1)
    together = found.encode([*TEXTS, "reset " * 60])
    assert all(np.array_equal(found.encode([text])[0], vector) for text, vector in zip(TEXTS, together, strict=False))
    # What that is for: the file itself, given them at once, scales them by the largest number of all.
    tokens = found.tokenizer([*TEXTS, "reset " * 60], padding=True, return_tensors="np")
    at_once = found.network({name: tokens[name].astype(np.int64) for name in ("input_ids", "attention_mask")})
    assert not np.allclose(at_once, together, atol=1e-4)


def test_packages_that_are_missing_are_named(whole, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", None)
    with pytest.raises(ModelError, match=r"to export takes more packages .*: pip install 'tutorial-lib\[export\]'"):
        write_int8(whole, tmp_path / INT8)


def test_an_architecture_that_cannot_be_exported_is_refused_in_one_line(encoder, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("Exporting the operator 'aten::strange'\nto ONNX is not supported")

    monkeypatch.setattr("torch.onnx.export", fails)
    with pytest.raises(ModelError, match=r"cannot be exported .*aten::strange' to ONNX is not supported"):
        write_float32(encoder, tmp_path)
