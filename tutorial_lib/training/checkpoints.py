"""Checkpoints that notice damage: each with the dev scores so far and, written last, the sums of all its files."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerState

from tutorial_lib.checksums import DamagedError, difference, read_sealed, sums_of, write_sealed
from tutorial_lib.training.dev import DevLog

RECORD = "files.json"
"""In each checkpoint, written last: what its other files are, and which checkpoint was the best by dev until then."""
DEV_SCORES = "dev.json"
"""In each checkpoint: what dev scored until then."""


class SealCheckpoints(TrainerCallback):
    """Ends every checkpoint that the Trainer writes with the dev scores so far and a record of its files."""

    def __init__(self, dev_log: DevLog) -> None:
        self._dev_log = dev_log

    def on_save(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        """End the checkpoint that was just written."""
        if args.world_size > 1:
            torch.distributed.barrier()  # each process has written its random state
        if args.process_index == 0:
            folder = Path(args.output_dir, f"checkpoint-{state.global_step}")
            if self._dev_log.scores:
                DevLog(folder / DEV_SCORES, self._dev_log.scores).write()
            sums = sums_of(folder, leave_out=[RECORD])
            write_sealed(folder / RECORD, {"files": sums, "best": _name(state.best_model_checkpoint)})

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        """Find the best checkpoint where it lies now: the Trainer looks for it where the folder was when it was written."""
        best = Path(args.output_dir, f"checkpoint-{state.best_global_step}")
        if state.best_global_step and best.is_dir():
            state.best_model_checkpoint = str(best)


def _name(path: str | None) -> str | None:
    return Path(path).name if path else None


def step_of(checkpoint: str | Path) -> int:
    """Return the step after which a checkpoint was written, by its name.

    >>> step_of("run/checkpoint-40")
    40
    """
    return int(str(checkpoint).rsplit("-", 1)[1])


@dataclass(frozen=True)
class Found:
    """Where an interrupted training can go on.

    Attributes:
        checkpoint: Folder of the newest checkpoint that is whole, and whose best one by dev is; None if there is none.
        passed_over: One line for each newer one: what is wrong with it.
    """

    checkpoint: Path | None
    passed_over: tuple[str, ...] = ()


def newest_whole(folder: Path) -> Found:
    """Return the newest checkpoint in ``folder`` that can be gone on from; a kill or a full disk cuts one short."""
    passed_over: list[str] = []
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True):
        wrong = _damage(checkpoint)
        if wrong is None:
            return Found(checkpoint, tuple(passed_over))
        passed_over.append(f"{checkpoint.name} is passed over: {wrong}")
    return Found(None, tuple(passed_over))


def to_go_on_from(folder: Path, *, said: bool = True) -> Path | None:
    """Return the newest whole checkpoint or None; ``said``: tell on stderr which it is, and which were passed over."""
    found = newest_whole(folder)
    lines = list(found.passed_over)
    if found.checkpoint or lines:
        step = step_of(found.checkpoint) if found.checkpoint else 0
        lines.append(f"training goes on from step {step}" if step else "training begins anew")
    for line in lines if said else ():
        print(line, file=sys.stderr, flush=True)  # noqa: T201
    return found.checkpoint


def _damage(checkpoint: Path, *, with_best: bool = True) -> str | None:
    try:
        record = read_sealed(checkpoint / RECORD)
    except DamagedError as error:
        return str(error)
    if record is None:
        return "it was not written to its end"
    wrong = difference(checkpoint, record["files"])
    if wrong is None and with_best and record["best"] not in (None, checkpoint.name):
        wrong = _damage(checkpoint.parent / record["best"], with_best=False)
        return f"the best one by dev, {record['best']}, is damaged: {wrong}" if wrong else None
    return wrong


def remove_checkpoints(checkpoints: Path) -> None:
    """Delete the checkpoints of a finished run."""
    shutil.rmtree(checkpoints, ignore_errors=True)
