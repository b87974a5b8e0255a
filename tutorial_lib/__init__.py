"""Fine-tune an embedding model for retrieval, and prove the gain: the package behind the course's notebooks."""

from tutorial_lib.data.dataset import DataError, LeakageError, RetrievalDataset
from tutorial_lib.evaluation.measures import evaluate_run
from tutorial_lib.evaluation.ship import ship_decision
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.index.vector_index import VectorIndex
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import ModelError
from tutorial_lib.notebook import show_source
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.mining import MiningSettings, mine_negatives
from tutorial_lib.training.settings import LoraSettings, TrainSettings
from tutorial_lib.workspace import Workspace

__all__ = [
    "BM25",
    "DataError",
    "Encoder",
    "LeakageError",
    "LoraSettings",
    "MiningSettings",
    "ModelError",
    "RetrievalDataset",
    "TrainSettings",
    "VectorIndex",
    "Workspace",
    "compare",
    "evaluate_run",
    "mine_negatives",
    "ship_decision",
    "show_source",
]
