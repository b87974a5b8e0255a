"""``train``: everything up to the merged model, without a notebook, in one process or, under torchrun, several."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tutorial_lib.cli.options import DataOptions, Flat
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.run_settings import RunSettings
from tutorial_lib.training.settings import TrainResult


@dataclass(frozen=True, kw_only=True)
class Train:
    """Mine hard negatives, check, train an adapter and merge it into a model.

    Under torchrun each batch is shared among the processes, and the first of them mines and writes; --out must then be a
    folder that all of them see. An interrupted run goes on from its last checkpoint when the same command is given again.

    Attributes:
        out: Folder of this run: dataset, negatives, checkpoints, then adapter and model.
        source: What to read.
        model: Base model: name, folder or Hub id.
        device: cpu, cuda or cuda:N; by default a GPU if there is one.
        settings: Settings of all stages.
    """

    out: Path
    source: Annotated[DataOptions, Flat] = field(default_factory=DataOptions)
    model: str = DEFAULT_MODEL
    device: str | None = None
    settings: Annotated[RunSettings, Flat] = field(default_factory=RunSettings)

    def run(self) -> int:
        """Do what is left to do and print one line on how it went; return the exit status.

        Raises:
            DataError: The data cannot be used, a check found an error, or ``out`` holds something else.
            ModelError: The model cannot be used.
        """
        from tutorial_lib.cli.opening import opened
        from tutorial_lib.models.hardware import named_device
        from tutorial_lib.stage import Processes

        device = named_device(self.device)
        processes = Processes.of_this_run(on_cpu=device.type == "cpu")
        with opened(self.out, self.source, self.model, self.settings, device) as space:
            for note in space.dataset().notes if processes.first else ():
                print(f"note: {note}", file=sys.stderr, flush=True)
            model = space.need("model")
            result = space.training()
        if processes.first:
            print(result_line(result, model, documents=self.settings.train.train_documents))
        processes.leave()
        return 0


def result_line(result: TrainResult, model: Path, *, documents: bool) -> str:
    """Return what dev said of the training, and where the model is.

    Args:
        result: Of the training run.
        model: Folder of the merged model.
        documents: Whether it is meant to encode documents, or queries only.
    """
    what = "queries and articles" if documents else "queries, for the base model's articles"
    if not result.dev:
        return f"{result.steps} steps, dev not scored: {model} encodes {what}"
    scores = f"dev {MAIN_MEASURE} {result.dev[0][1]:.3f} -> {result.dev_kept:.3f}"
    return f"{scores}, {result.what_was_kept}: {model} encodes {what}"
