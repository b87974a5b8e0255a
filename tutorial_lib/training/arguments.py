"""Our settings in the terms of transformers' Trainer."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models import hardware
from tutorial_lib.private_api import take_one_gpu
from tutorial_lib.training.settings import MAX_EPOCHS, TrainSettings


def trainer_arguments(
    checkpoints: Path, settings: TrainSettings, device: torch.device, pairs: int, *, scored: bool, amp: bool
) -> TrainingArguments:
    """Return what the Trainer is told.

    Args:
        checkpoints: Folder of the run's checkpoints.
        settings: Training settings.
        device: Where to train.
        pairs: Number of training pairs.
        scored: Whether dev is scored, and the best checkpoint by dev kept.
        amp: Whether to compute in bfloat16 where that is fast, beside weights in float32; an adapter's run sees to its
            precision itself.
    """
    epochs, steps = _length(settings, pairs)
    on_cpu = device.type == "cpu"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        optim="adamw_torch",
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup * steps),
        weight_decay=0.0,
        seed=settings.seed,
        data_seed=settings.seed,
        bf16=amp and hardware.bf16_is_fast(device),
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and int(os.environ.get("WORLD_SIZE", "1")) > 1 else None,
        ddp_find_unused_parameters=False,
        logging_steps=max(1, min(10, steps // 20)),
        remove_unused_columns=False,
        label_names=[],
        dataloader_pin_memory=False,
        report_to="none",
        **_saving(settings, steps, scored=scored),
    )
    take_one_gpu(arguments)
    return arguments


def _length(settings: TrainSettings, pairs: int) -> tuple[float, int]:
    """Return the passes over the pairs that settings ask for, and the steps they make."""
    per_epoch = math.ceil(pairs / settings.batch_size)
    epochs = max(settings.epochs, min(settings.min_steps / per_epoch, MAX_EPOCHS))
    return epochs, math.ceil(per_epoch * epochs)


def _saving(settings: TrainSettings, steps: int, *, scored: bool) -> dict[str, Any]:
    """Return when dev is scored and checkpoints are written, and which of them is kept."""
    every = max(1, steps // settings.dev_evaluations) if scored else steps
    return {
        "eval_strategy": "steps" if scored else "no",
        "eval_steps": every,
        "save_strategy": "steps",
        "save_steps": every,
        "save_total_limit": 2,
        "load_best_model_at_end": scored,
        "metric_for_best_model": f"eval_{MAIN_MEASURE}" if scored else None,
        "greater_is_better": True if scored else None,
    }
