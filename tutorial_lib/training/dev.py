"""The dev pool that a training run is scored on, and the log of its scores."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.dev_pool import DevSet, dev_pool, mean_score
from tutorial_lib.files import write_text
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.settings import TrainSettings


@dataclass
class DevLog:
    """What the dev pool scored in the course of a run, kept in a file: it outlives an interruption.

    Attributes:
        file: Where it is kept.
        scores: Step -> nDCG@10 by query; step 0 is the model before training.
        seconds: Time that scoring took in the midst of training, in this process.
    """

    file: Path
    scores: dict[int, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0

    def read(self, file: Path | None = None) -> bool:
        """Take the scores that an interrupted run has left in the file, or in another; return whether there is one."""
        file = file or self.file
        if not file.exists():
            return False
        written = json.loads(file.read_text(encoding="utf-8"))
        self.scores = {int(step): scores for step, scores in written.items()}
        return True

    def write(self) -> None:
        """Keep the scores in the file, in a folder that is made if need be."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.file, json.dumps(self.scores))

    def means(self) -> list[tuple[int, float]]:
        """Return (step, mean score) in the order of steps."""
        return [(step, mean_score(scores)) for step, scores in sorted(self.scores.items())]


def dev_set(dataset: RetrievalDataset, bm25: BM25, settings: TrainSettings, base: Vectors | None = None) -> DevSet:
    """Return the dev pool of the size that ``settings`` ask for: see ``evaluation.dev_pool``."""
    queries, per_query = settings.dev_queries, settings.dev_pool_per_query
    return dev_pool(dataset, bm25, base=base, queries=queries, per_query=per_query, seed=settings.seed)
