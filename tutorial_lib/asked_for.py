"""Stages that a workspace makes when somebody asks for them: they take minutes or money, and no report waits for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

import torch

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.parity import SPLIT, ExportSettings, searched
from tutorial_lib.evaluation.reranked import Reranking
from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.cross_encoder import CrossReranker
from tutorial_lib.retrieval.dense import VectorScorer
from tutorial_lib.retrieval.hosted import HOSTED, HOSTED_VECTORS, make_hosted_vectors
from tutorial_lib.retrieval.systems import CANDIDATE
from tutorial_lib.stage import Stage
from tutorial_lib.training.checkpoints import remove_checkpoints
from tutorial_lib.training.cross_settings import RESULT_FILE, CrossResult, CrossSettings

RERANKER = "reranker"
EXPORT = "export"


class Space(Reranking, Protocol):
    """What a cross-encoder is trained with; ``Workspace`` is one."""

    root: Path
    device: torch.device | None

    def need(self, stage: str) -> Path:
        """Return the folder of a stage."""
        ...


def make_reranker(space: Space, folder: Path, cross: CrossSettings) -> None:
    """Train a cross-encoder from the fine-tuned model, on negatives from that model's own first documents.

    An interrupted training goes on from its last checkpoint.

    Args:
        space: A workspace.
        folder: An empty folder.
        cross: Training settings.

    Raises:
        DataError: There are no dev queries, which tell whether the cross-encoder is any good.
    """
    from tutorial_lib.training.cross_encoder import reranking_pairs, train_cross_encoder  # here: it takes seconds

    dataset, model = space.dataset(), space.need("model")
    scorer = VectorScorer(list(dataset.corpus), space.tuned_vectors().documents, space.tuned_encoder())
    pairs = reranking_pairs(dataset, scorer, space.base_vectors())
    checkpoints = space.root / f"{RERANKER}_checkpoints.{folder.name.split('.')[1]}"  # of this key
    first = space.run_of(CANDIDATE, "dev")
    train_cross_encoder(dataset, pairs, first, folder, checkpoints, model=model, settings=cross, device=space.device)
    for stale in space.root.glob(f"{RERANKER}_checkpoints.*"):
        remove_checkpoints(stale)


def read_reranker(folder: Path, dataset: RetrievalDataset, device: torch.device | None = None) -> CrossReranker:
    """Return the cross-encoder that ``make_reranker`` left, with the depth and the share that dev chose.

    Args:
        folder: Of the stage.
        dataset: Whose documents it ranks.
        device: Where to run; a GPU if there is one.

    Raises:
        ModelError: The folder holds no cross-encoder.
    """
    result = CrossResult.load(folder / RESULT_FILE)
    model = CrossEncoder.load(folder, device=device)
    return CrossReranker(model, dataset.document_texts(), result.depth, result.weight)


def make_export(space: Space, folder: Path, export: ExportSettings) -> None:
    """Write the fine-tuned model as ONNX, with a table of what it finds beside the model.

    Args:
        space: A workspace.
        folder: An empty folder.
        export: What to write, and how close it must come to the model.

    Raises:
        DataError: There are no test queries.
        ModelError: It does not come that close, or a package is missing.
    """
    from tutorial_lib.evaluation.exporting import export_model  # here: most runs export nothing

    model = Encoder.load(space.need("model"), device=torch.device("cpu"))
    dataset = searched(space.dataset(), space.run_of(CANDIDATE, SPLIT), export.articles)
    export_model(model, dataset, folder, export, say=lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201


ASKED_FOR = {
    HOSTED_VECTORS: Stage(make_hosted_vectors, ("dataset",), (HOSTED,)),
    EXPORT: Stage(make_export, ("dataset", "model", "tuned_vectors"), ("export",)),
    RERANKER: Stage(make_reranker, ("dataset", "base_vectors", "model", "tuned_vectors"), ("cross",)),
}
"""Name -> stage; no run makes them by itself."""
