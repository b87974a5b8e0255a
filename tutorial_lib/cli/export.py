"""``export``: a run's fine-tuned model as ONNX, with a table of what it finds beside the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from tutorial_lib.cli.options import Flat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.parity import ExportSettings


@dataclass(frozen=True)
class Export:
    """Write a run's fine-tuned model as ONNX, with weights as float32 and as whole numbers of 8 bits.

    It stands in the run's folder, as ``export``, with a table of what it finds on the run's test queries beside the model
    itself. What does not find nearly the same is refused, and nothing of it is kept.

    Attributes:
        folder: Folder of a run that ``run`` or ``train`` has made.
        settings: What is written, and how close it must come to the model.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    settings: Annotated[ExportSettings, Flat] = field(default_factory=ExportSettings)

    def run(self) -> int:
        """Export and print the table; return the exit status.

        Raises:
            DataError: There is no run in the folder, it has no test queries, or another command is at work in it.
            ModelError: What was written is not close enough to the model, or a package is missing.
        """
        from tutorial_lib.asked_for import EXPORT
        from tutorial_lib.evaluation.exporting import TABLE
        from tutorial_lib.run_marker import alone_in, folder_of, noted_in
        from tutorial_lib.stage import record_of
        from tutorial_lib.workspace import Workspace

        folder = folder_of(self.folder)
        noted = noted_in(folder)
        if noted is None or record_of(folder, "model") is None:
            lack = "run" if noted is None else "fine-tuned model yet"
            raise DataError(
                f"{self.folder} holds no {lack}: make one first, python -m tutorial_lib train --out {self.folder}"
            )
        with alone_in(folder):
            made = Workspace(self.folder, noted.dataset, noted.model).need(EXPORT, export=self.settings)
        print(shown(json.loads((made / TABLE).read_text(encoding="utf-8"))["rows"]))
        print(f"written: {', '.join(str(p) for p in sorted(made.iterdir()) if p.is_dir())}")
        return 0


def shown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of an export as lines of text.

    Args:
        rows: Of its ``parity.json``.
    """
    head = f"{'':20}{'cosine, mean':>13}{'least':>8}{'nDCG@10':>9}{'difference (95 %)':>29}{'articles/CPU-s':>16}{'MB':>6}"
    lines = [
        f"{r['way']:20}{r['cosine_mean']:13.4f}{r['cosine_min']:8.4f}{r['score']:9.4f}"
        f"{r['difference']:+10.4f} ({r['low']:+.4f} to {r['high']:+.4f})"
        f"{r['documents_per_cpu_second']:14.1f}{r['megabytes']:6.0f}"
        for r in rows
    ]
    return "\n".join([head, *lines])
