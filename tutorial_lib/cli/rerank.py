"""``rerank``: a cross-encoder for a run that has a fine-tuned model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tutorial_lib.cli.options import Flat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.training.cross_settings import RESULT_FILE, CrossResult, CrossSettings


@dataclass(frozen=True, kw_only=True)
class Rerank:
    """Train a cross-encoder that ranks again what a run's fine-tuned model finds first.

    It stands in the run's folder, as ``reranker``, and is there as the system "tuned+cross". An interrupted training goes on
    from its last checkpoint when the same command is given again.

    Attributes:
        out: Folder of a run that ``run`` or ``train`` has made.
        device: cpu, cuda or cuda:N; by default a GPU if there is one.
        settings: How the cross-encoder is trained.
    """

    out: Path
    device: str | None = None
    settings: Annotated[CrossSettings, Flat] = field(default_factory=CrossSettings)

    def run(self) -> int:
        """Train what is not trained yet and print one line on what dev says of it; return the exit status.

        Raises:
            DataError: ``out`` holds no run, another command is at work in it, or there are no dev queries.
            ModelError: The run's model cannot be used.
        """
        from tutorial_lib.asked_for import RERANKER
        from tutorial_lib.models.hardware import named_device
        from tutorial_lib.run_marker import alone_in, folder_of, noted_in
        from tutorial_lib.workspace import Workspace

        device, folder = named_device(self.device), folder_of(self.out)
        noted = noted_in(folder)
        if noted is None:
            raise DataError(f"{self.out} holds no run: make one first, python -m tutorial_lib train --out {self.out}")
        with alone_in(folder):
            space = Workspace(self.out, noted.dataset, noted.model, device=device)
            made = space.need(RERANKER, cross=self.settings)
        print(result_line(CrossResult.load(made / RESULT_FILE), made))
        return 0


def result_line(result: CrossResult, folder: Path) -> str:
    """Return what dev said of a cross-encoder, and where it is.

    Args:
        result: Of its training.
        folder: Where it stands.
    """
    before, best = result.dev[0][1], max(score for _, score in result.weights)
    found = f"dev {MAIN_MEASURE} {before:.3f} by the first ranking, {best:.3f} with its first {result.depth} ranked again"
    said = f"use it at a share of {result.weight:g}" if result.weight else "no clear rise, so the first ranking stays"
    return f"{found}: {said}; {folder}"
