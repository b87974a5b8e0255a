"""Fine-tune an embedding model for retrieval, and prove the gain: the package behind the course's notebooks.

The dozen names that most programs need; nothing is loaded before it is asked for.
"""

from tutorial_lib.lazy import lazy_face

__all__ = [
    "BM25",
    "Encoder",
    "LoraSettings",
    "MiningSettings",
    "RetrievalDataset",
    "TrainSettings",
    "VectorIndex",
    "Workspace",
    "compare",
    "evaluate_run",
    "mine_negatives",
    "ship_decision",
]
_HOMES = {
    "tutorial_lib.data": ["RetrievalDataset"],
    "tutorial_lib.evaluation": ["compare", "evaluate_run", "ship_decision"],
    "tutorial_lib.index": ["VectorIndex"],
    "tutorial_lib.models": ["Encoder"],
    "tutorial_lib.retrieval": ["BM25"],
    "tutorial_lib.training": ["LoraSettings", "MiningSettings", "TrainSettings", "mine_negatives"],
    "tutorial_lib.workspace": ["Workspace"],
}
__getattr__, __dir__ = lazy_face(__name__, _HOMES, __all__)
