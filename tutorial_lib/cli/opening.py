"""Opening the workspace of a run: what cannot be used is refused before anything is written, and no other run is let in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from tutorial_lib.cli.options import DataOptions
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.folder import resolve_model
from tutorial_lib.run_marker import alone_in, noted_in
from tutorial_lib.run_settings import RunSettings
from tutorial_lib.stage import Processes
from tutorial_lib.training.finetune import check_sizes
from tutorial_lib.workspace import STAGES, Workspace


@contextmanager
def opened(
    out: Path, source: DataOptions, model: str, settings: RunSettings, device: torch.device | None = None
) -> Iterator[Workspace]:
    """Give the workspace of a run, its data read, and say what an earlier try has left; no other run is let in meanwhile.

    Args:
        out: Folder of the run. A new one that nothing was made in is gone after the block.
        source: What to read.
        model: Base model: name, folder or Hub id.
        settings: Settings of all stages.
        device: Where to encode and train, a GPU if there is one.

    Raises:
        DataError: The data, the settings or the output folder cannot be used, or another run is at work in it.
        ModelError: There is no such model, it is damaged, or too small for the settings.
    """
    resolve_model(model)
    first = Processes.of_this_run().first
    if first and noted_in(out, told=True) is None:
        check_model(model, settings)
    with alone_in(out) if first else nullcontext():
        space = Workspace(out, source.data, model, help_desk=source.help_desk(), settings=settings, device=device)
        there = [stage for stage in STAGES if space.record(stage)]
        space.dataset()
        if first and there:
            print(f"going on with what is there: {', '.join(there)}", file=sys.stderr, flush=True)
        yield space


def check_model(model: str, settings: RunSettings) -> None:
    """Refuse a model that cannot be loaded, or is too small for the settings: before hours are spent, and a folder claimed.

    Raises:
        ModelError: It cannot be used; says what to pass.
    """
    train = settings.train
    encoder = Encoder.load(
        model, device=torch.device("cpu"), query_prompt=train.query_prompt, document_prompt=train.document_prompt
    )
    check_sizes(encoder, train, settings.lora)
