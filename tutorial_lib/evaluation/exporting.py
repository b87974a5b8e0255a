"""Export with its proof: a model is written as ONNX only if what was written finds what the model finds."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.parity import ExportSettings, Parities, megabytes, table
from tutorial_lib.files import new_folder, told_as_os_errors, write_json
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.onnx import GRAPH, OnnxEncoder
from tutorial_lib.models.onnx_export import FLOAT32, INT8, SIGNED, write_float32, write_int8

TABLE = "parity.json"
"""In an export's folder: the rows of its table, and where they were measured."""


def export_model(
    encoder: Encoder,
    dataset: RetrievalDataset,
    folder: str | Path,
    settings: ExportSettings | None = None,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Write ``encoder`` as ONNX into ``folder``: ``float32/`` and ``int8/``, each for ``OnnxEncoder.load``, and their table.

    Args:
        encoder: The model, on the CPU.
        dataset: On whose articles and test queries it is compared with what was written.
        folder: Where to; what stands there is replaced, but only when all is done.
        settings: What to write, and how close it must come.
        say: Is told what is done.

    Returns:
        The table: one row a way, columns as in ``Parity``.

    Raises:
        DataError: There is no test query.
        ModelError: What was written comes not as close as was wanted, or a package is missing; then nothing is left.
    """
    asked, path = settings or ExportSettings(), Path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(path) as part, told_as_os_errors(path.parent):
        whole = part / FLOAT32
        say("writing float32")
        write_float32(encoder, whole)
        say(f"encoding {len(dataset.corpus):,} articles with each way")
        compared = Parities(dataset, encoder, sum(p.numel() for p in encoder.model.parameters()) * 4 / 1e6)
        compared.add(FLOAT32, _read(whole), _size(whole)).check(asked, mean=False)
        if asked.openvino:
            compared.add("float32 on openvino", _read(whole, "openvino"), _size(whole))
        if asked.signed:
            _measure_signed(compared, whole, part)
        if asked.int8:
            write_int8(whole, part / INT8)
            compared.add(INT8, _read(part / INT8), _size(part / INT8)).check(asked, mean=True)
        rows = [asdict(row) for row in compared.rows]
        write_json(part / TABLE, {"rows": rows, "settings": asdict(asked), "measured_on": _machine()})
    return table(compared.rows)


def _read(folder: Path, engine: str = "onnxruntime") -> OnnxEncoder:
    return OnnxEncoder.load(folder, threads=1, engine=engine)  # one thread: none waits for another, which would cost time


def _size(folder: Path) -> float:
    return megabytes(folder, GRAPH)


def _measure_signed(compared: Parities, whole: Path, part: Path) -> None:
    with tempfile.TemporaryDirectory(dir=part) as passing:
        write_int8(whole, Path(passing), SIGNED)
        compared.add(SIGNED, _read(Path(passing)), _size(Path(passing)))


def _machine() -> dict[str, str]:
    """Return what the figures hang on: whole numbers are added up in other ways by processors with VNNI and without."""
    processor = torch.cpu.get_capabilities().get("cpu_name", platform.processor())
    return {"processor": str(processor), **{p: version(p) for p in ("torch", "transformers", "onnxruntime")}}
