"""Several trainings that differ in nothing but their seed, and the mean of what they learned: a model soup.

Reference: Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time", arXiv:2203.05482 (its uniform soup).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tutorial_lib.evaluation.dev_pool import mean_score, rises
from tutorial_lib.fields import MOST_SEED
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import adapter_update, mean_adapter, save_adapter, set_strength
from tutorial_lib.training.finetune import FineTuning
from tutorial_lib.training.schedule import Schedule
from tutorial_lib.training.settings import TrainResult, TrainSettings

RUNS_OF_FEW = 3
"""Trainings where pairs are few: one of them hangs on the order of few batches and on what few dev queries like."""


def runs_of(settings: TrainSettings, pairs: int) -> int:
    """Return how many trainings so many pairs get: as many as the settings say, or three where the schedule calls them few.

    >>> runs_of(TrainSettings(), pairs=700), runs_of(TrainSettings(), pairs=4000), runs_of(TrainSettings(runs=2), pairs=4000)
    (3, 1, 2)
    """
    if settings.runs is not None:
        return settings.runs
    return RUNS_OF_FEW if Schedule.of(settings, pairs).gentle else 1


def train_soup(
    first: FineTuning, prepare: Callable[..., FineTuning], runs: int, *, writes: bool = True
) -> tuple[Encoder, TrainResult] | None:
    """Train ``runs`` times with as many seeds; return an encoder with the mean of the adapters, and what was done.

    Each training chooses its checkpoint and share of the update by dev, as one alone does. If the mean is not above the base
    model by more than dev's standard error, the base model is kept. A training that is done is kept beside its checkpoints:
    an interrupted soup goes on with the next.

    Args:
        first: The first training, not yet trained, with an adapter.
        prepare: Prepares another: ``prepare(checkpoints, settings=settings)``.
        runs: How many, at least one.
        writes: Whether this process writes and tells on stderr; of several one does. The others get None.
    """
    folder, members = Path(str(first.trainer.args.output_dir)), []
    for n, seed in enumerate(_seeds(first, runs)):
        checkpoints = folder if not n else folder.with_name(f"{folder.name}.{n + 1}")
        members.append(checkpoints / "trained")
        if members[-1].exists():
            continue
        if writes:
            print(f"training {n + 1} of {runs}, with seed {seed}", file=sys.stderr, flush=True)  # noqa: T201
        run = prepare(checkpoints, settings=replace(first.settings, seed=seed)) if n else first
        result = run.train(resume=True)
        if writes:
            _keep(run.encoder, result, members[-1])
    return _mean(first, members) if writes else None


def _seeds(first: FineTuning, runs: int) -> list[int]:
    return [(first.settings.seed + n) % (MOST_SEED + 1) for n in range(runs)]


def _keep(encoder: Encoder, result: TrainResult, folder: Path) -> None:
    """Write an adapter and its result into ``folder``, which appears when it is complete."""
    unfinished = folder.with_name("trained.part")
    save_adapter(encoder, unfinished, "")
    result.save(unfinished / "training.json")
    unfinished.replace(folder)


def _mean(first: FineTuning, members: list[Path]) -> tuple[Encoder, TrainResult]:
    """Return the mean of the adapters and the record of all trainings, or the base model where dev does not rise."""
    settings, dev = first.settings, first.trainer.dev
    results = [TrainResult.load(member / "training.json") for member in members]
    base = Encoder.load(
        first.encoder.name,
        device=first.encoder.device,
        query_prompt=settings.query_prompt,
        document_prompt=settings.document_prompt,
    )
    before = dev.score(_as_trained(base, first)) if dev else {}
    encoder = mean_adapter(base, members)
    runs = [(seed, r.dev_kept or 0.0) for seed, r in zip(_seeds(first, len(results)), results, strict=True)]
    told = next((r for r in results if r.best_step), results[0])  # one that took part in the mean
    result = replace(told, seconds=sum(r.seconds for r in results), runs=runs)
    if dev is None:
        return encoder, result
    after = dev.score(_as_trained(encoder, first))
    if not rises(before, after):
        set_strength(encoder, adapter_update(encoder), 0.0)
        return encoder, replace(result, best_step=0, strength=0.0, dev_of_mean=mean_score(before))
    return encoder, replace(result, dev_of_mean=mean_score(after))


def _as_trained(encoder: Encoder, run: FineTuning) -> Encoder:
    """Return ``encoder`` with the window that training and dev read."""
    return encoder.with_window(run.trainer.encoder.settings.max_length)
