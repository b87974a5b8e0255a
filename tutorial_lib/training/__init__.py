"""Settings, hard negatives, pairs, losses, the training run. A name's module is imported when the name is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "LoraSettings": "settings",
    "MinedNegatives": "mining",
    "MiningSettings": "mining",
    "TrainResult": "settings",
    "TrainSettings": "settings",
    "contrastive_loss": "losses",
    "cross_fitted_pairs": "crossfit",
    "cross_fitted_vectors": "crossfit",
    "mine_negatives": "mining",
    "preflight": "checks",
    "prepare_training": "finetune",
    "training_pairs": "pairs",
}
"""Name -> module; no name is a module's too, or the module would hide it once it is imported."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
