"""The only place where private names of other libraries are used: a release of theirs that breaks one breaks it here."""

from __future__ import annotations

from typing import Any


def take_one_gpu(arguments: Any) -> None:
    """Let transformers' ``TrainingArguments`` count one GPU at most, however many this process sees.

    Trainer would multiply the batch by their number and wrap the model in DataParallel; ``n_gpu`` has no setter
    (transformers 5.0 to 5.23).
    """
    arguments._n_gpu = min(1, arguments.n_gpu)
