"""One batch learnt by heart: a check that takes seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from tutorial_lib.models.merged_linear import forget_merged
from tutorial_lib.training.findings import Finding
from tutorial_lib.training.finetune import FineTuning
from tutorial_lib.training.pairs import Pair

BATCH_PAIRS, BATCH_TOKENS, BATCH_STEPS = 16, 4_096, 12
"""Size of the batch that is learnt by heart and steps taken on it: a few seconds with MiniLM on a laptop."""


BATCH_FALL, BATCH_RISE, LEARNT = 0.8, 1.2, 0.05
"""The loss of that batch must fall to the first share of what it was, or be as low as the last; above the second share it has
come apart."""


def one_batch(run: FineTuning) -> list[Finding]:
    """Return a finding unless the loss of one small batch falls when trained on again and again."""
    losses = one_batch_losses(run)
    first, last, steps = losses[0], losses[-1], len(losses) - 1
    tried = f"one batch was trained on {steps} times at the learning_rate {run.settings.learning_rate:g}, and its loss"
    if not math.isfinite(last):
        return [
            Finding(
                "error",
                f"{tried} became {last}: lower the learning_rate, raise the temperature "
                f"({run.settings.temperature:g}), or train in float32 (TUTORIAL_PRECISION=float32)",
            )
        ]
    if last <= max(BATCH_FALL * first, LEARNT):
        return []
    if last > BATCH_RISE * first:
        return [
            Finding(
                "warning",
                f"{tried} rose from {first:.3f} to {last:.3f}: the learning_rate is likely too high, try a tenth of it",
            )
        ]
    return [
        Finding(
            "warning",
            f"{tried} did not fall by a fifth ({first:.3f} before, {last:.3f} after): the learning_rate "
            "is too low, or far too high, or the positives do not answer their queries",
        )
    ]


def one_batch_losses(run: FineTuning) -> list[float]:
    """Return the loss of one small batch before each of ``BATCH_STEPS`` steps and after the last; then undo them.

    The model is trained as in ``run.train()``, but at the full learning rate from the first step on, and with the other
    pairs' articles as the only negatives. A loss that is not finite ends it.
    """
    args, losses = run.trainer.args, []
    with _unchanged(run) as trained, run.training_precision():
        batch = _small_batch(run)
        optimizer = torch.optim.AdamW(
            trained, args.learning_rate, (args.adam_beta1, args.adam_beta2), args.adam_epsilon, weight_decay=args.weight_decay
        )
        for _ in range(BATCH_STEPS + 1):
            with _autocast(run):
                losses.append(float(run.trainer.training_step(run.encoder.model, batch)))
            if not math.isfinite(losses[-1]):
                break
            torch.nn.utils.clip_grad_norm_(trained, args.max_grad_norm)
            optimizer.step()
            forget_merged(run.encoder.model)
            optimizer.zero_grad()
    return losses


def _small_batch(run: FineTuning) -> dict[str, Any]:
    """Return a collated batch of pairs that share no query text and no positive, without their mined negatives."""
    chosen: dict[str, Pair] = {}
    for n in np.random.default_rng(run.settings.seed).permutation(len(run.pairs)):
        pair = run.pairs[n]
        if pair.positive_id not in chosen and all(p.query != pair.query for p in chosen.values()):
            chosen[pair.positive_id] = replace(pair, negative_ids=())
        if len(chosen) == BATCH_PAIRS:
            break
    pairs = list(chosen.values())
    collate: Any = run.trainer.data_collator
    batch = collate(pairs)
    tokens = sum(group["input_ids"].numel() for group in batch["groups"])
    return batch if tokens <= BATCH_TOKENS else collate(pairs[: max(4, len(pairs) * BATCH_TOKENS // tokens)])


def _autocast(run: FineTuning) -> torch.autocast:
    """Return the context that accelerate puts around the model; one a step, for it keeps copies of the weights to its end."""
    return torch.autocast(run.encoder.device.type, dtype=torch.bfloat16, enabled=run.trainer.args.bf16)


@contextmanager
def _unchanged(run: FineTuning) -> Iterator[list[torch.nn.Parameter]]:
    """Yield the trained parameters; afterwards they, the modules' modes and all random numbers are what they were."""
    model, device = run.encoder.model, run.encoder.device
    trained = [p for p in model.parameters() if p.requires_grad]
    values = [p.detach().clone() for p in trained]
    modes = {module: module.training for module in model.modules()}
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield trained
        finally:
            with torch.no_grad():
                for parameter, value in zip(trained, values, strict=True):
                    parameter.copy_(value)
                    parameter.grad = None
            for module, training in modes.items():
                module.training = training
            run.encoder.changed()
