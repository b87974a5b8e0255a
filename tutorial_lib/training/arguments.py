"""Our settings in the terms of transformers' Trainer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models import hardware
from tutorial_lib.private_api import take_one_gpu
from tutorial_lib.training.schedule import Schedule
from tutorial_lib.training.settings import TrainSettings


def trainer_arguments(
    checkpoints: Path, settings: TrainSettings, schedule: Schedule, device: torch.device, *, scored: bool, amp: bool
) -> TrainingArguments:
    """Return what the Trainer is told.

    Args:
        checkpoints: Folder of the run's checkpoints.
        settings: Training settings.
        schedule: Its steps; the Trainer takes their rates and those of dev from it (``ContrastiveTrainer``).
        device: Where to train.
        scored: Whether dev is scored, and the best checkpoint by dev kept.
        amp: Whether to compute in bfloat16 where that is fast, beside weights in float32; an adapter's run sees to its
            precision itself.
    """
    on_cpu = device.type == "cpu"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=schedule.steps,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        optim="adamw_torch",
        weight_decay=0.0,
        seed=settings.seed,
        data_seed=settings.seed,
        bf16=amp and hardware.bf16_is_fast(device),
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and int(os.environ.get("WORLD_SIZE", "1")) > 1 else None,
        ddp_find_unused_parameters=False,
        logging_steps=max(1, min(10, schedule.steps // 20)),
        remove_unused_columns=False,
        label_names=[],
        dataloader_pin_memory=False,
        report_to="none",
        **_saving(schedule.steps, scored=scored),
    )
    take_one_gpu(arguments)
    return arguments


def _saving(steps: int, *, scored: bool) -> dict[str, Any]:
    """Return which checkpoint is kept; with dev more are written, when it is scored (``callbacks.ScoreDev``)."""
    return {
        "eval_strategy": "steps" if scored else "no",
        "eval_steps": steps,
        "save_strategy": "steps",
        "save_steps": steps,
        "save_total_limit": 2,
        "load_best_model_at_end": scored,
        "metric_for_best_model": f"eval_{MAIN_MEASURE}" if scored else None,
        "greater_is_better": True if scored else None,
    }
