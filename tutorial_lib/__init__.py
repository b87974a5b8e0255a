"""Fine-tune an embedding model for retrieval, and prove the gain: the package behind the course's notebooks."""

from typing import Any

from tutorial_lib.lazy import lazy_face

HOME = {
    "BM25": "retrieval",
    "Encoder": "models",
    "LoraSettings": "training",
    "MiningSettings": "training",
    "RetrievalDataset": "data",
    "TrainSettings": "training",
    "VectorIndex": "index",
    "Workspace": "workspace",
    "compare": "evaluation",
    "evaluate_run": "evaluation",
    "mine_negatives": "training",
    "ship_decision": "evaluation",
}
"""The dozen names that most programs need, and the folder that holds each; nothing is loaded before it is asked for."""
__all__ = sorted(HOME)


def __getattr__(name: str) -> Any:
    return lazy_face(__name__, HOME)(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *HOME})
