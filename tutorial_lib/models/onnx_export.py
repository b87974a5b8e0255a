"""A model written as ONNX: with its weights as float32, or as whole numbers of 8 bits.

Optimum, the usual way, pins older versions of transformers; torch and onnxruntime do it directly.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import save_file

from tutorial_lib.checksums import sha256_of
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE, one_line
from tutorial_lib.models.hardware import attend_by
from tutorial_lib.models.onnx import ABOUT, GRAPH, INPUTS, MATRICES, OUTPUT
from tutorial_lib.models.settings import ModelError

OPSET = 17
"""Version of ONNX' operations: the first with a layer norm of its own, and old enough for every engine in use."""

FLOAT32, INT8, SIGNED = "float32", "int8", "int8 signed"
WAYS: dict[str, dict[str, Any]] = {
    # Unsigned: a processor without VNNI adds up two products of signed numbers in 16 bits, where they saturate. A scale for
    # each output: one scale for the whole matrix leaves its small columns a few steps of the 256.
    INT8: {"weight": "QUInt8", "per_channel": True},
    # What most tutorials copy; for comparison.
    SIGNED: {"weight": "QInt8", "per_channel": False},
}
"""Ways to make whole numbers of the weights, as onnxruntime's ``quantize_dynamic`` is told them."""


class _Network(torch.nn.Module):
    """A transformer with its pooling: token ids in, one unit vector a text out."""

    def __init__(self, model: Any, pooling: str) -> None:
        super().__init__()
        self.model, self.pooling = model, pooling

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        # By weights, not by positions as ``batching.pooled``: a trace would keep the number of texts in its example.
        counted = attention_mask.cumsum(1)
        chosen = {"mean": counted >= 0, "cls": counted == 1, "lasttoken": counted == attention_mask.sum(1, keepdim=True)}
        weights = (chosen[self.pooling] * attention_mask).unsqueeze(-1).float()  # (batch, tokens, 1)
        vectors = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(vectors, dim=1)


def write_float32(encoder: Encoder, folder: Path) -> None:
    """Write ``encoder`` into ``folder`` for ``OnnxEncoder.load``.

    Args:
        encoder: The model; it stays as it is.
        folder: Made if need be.

    Raises:
        ModelError: Its architecture cannot be exported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # A copy: the export moves, and leaves the model in the mode that the wrapper came in. A new module is in training mode:
    # without eval() here dropout would be on in the model that the parity is measured against.
    model = copy.deepcopy(encoder.model).cpu().float()
    attend_by(model, "eager")
    network = _Network(model, encoder.settings.pooling).eval()
    example = encoder.tokenizer(["a", "a a a"], padding=True, return_tensors="pt")
    try:
        with _quietly():
            _trace(network, tuple(example[name] for name in INPUTS), folder / GRAPH)
    except Exception as error:  # of a dozen kinds: an operation of this architecture is unknown to the exporter
        raise ModelError(f"{encoder.name} cannot be exported ({one_line(error)}): pass another architecture") from error
    _describe(encoder, folder)


def _trace(network: _Network, example: tuple[torch.Tensor, ...], file: Path) -> None:
    # dynamo=False, which is deprecated: the new exporter takes 54 s instead of 3 and one more package, for the same file.
    axes = {name: {0: "batch", 1: "tokens"} for name in INPUTS} | {OUTPUT: {0: "batch"}}
    names: dict[str, Any] = {"input_names": list(INPUTS), "output_names": [OUTPUT], "dynamic_axes": axes}
    with torch.inference_mode(False), torch.no_grad():
        torch.onnx.export(network, example, str(file), dynamo=False, opset_version=OPSET, **names)


def write_int8(source: Path, folder: Path, way: str = INT8) -> None:
    """Write the model of ``source`` into ``folder`` with the weights of its matrices as whole numbers of 8 bits.

    Args:
        source: What ``write_float32`` has written.
        folder: Made if need be.
        way: One of ``WAYS``.

    Raises:
        ModelError: The packages of the extra ``export`` are missing.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ModelError(f"to export takes more packages ({one_line(error)}): pip install 'tutorial-lib[export]'") from None
    folder.mkdir(parents=True, exist_ok=True)
    told = WAYS[way]
    with _quietly():
        weight = getattr(QuantType, told["weight"])
        quantize_dynamic(source / GRAPH, folder / GRAPH, weight_type=weight, per_channel=told["per_channel"])
    for file in source.iterdir():
        if file.name not in (GRAPH, CHECKSUM_FILE):
            (folder / file.name).write_bytes(file.read_bytes())
    _write_sums(folder)


def _describe(encoder: Encoder, folder: Path) -> None:
    """Write all that decides a vector besides the network."""
    encoder.tokenizer.save_pretrained(str(folder))
    # As it was loaded: without the window and padding that encoding leaves behind.
    (folder / "tokenizer.json").write_text(encoder._tokenizer_as_loaded, encoding="utf-8")
    matrices = {"both": encoder.matrix, "queries": encoder.query_matrix}
    if given := {name: matrix for name, matrix in matrices.items() if matrix is not None}:
        save_file(given, folder / MATRICES)
    about = {"settings": asdict(encoder.settings), "dimension": encoder.dimension, "exported_from": encoder.fingerprint}
    (folder / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    _write_sums(folder)


def _write_sums(folder: Path) -> None:
    sums = {name: sha256_of(folder / name) for name in (GRAPH, MATRICES, ABOUT) if (folder / name).exists()}
    (folder / CHECKSUM_FILE).write_text(json.dumps(sums, indent=2), encoding="utf-8")


@contextmanager
def _quietly() -> Iterator[None]:
    """Within the block no warnings, of which torch and onnxruntime have many for those who would change their code.

    onnxruntime warns through the root logger, which then, if it has no handler, gets one for good: it is given one meanwhile.
    """
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeHandler(silent)
