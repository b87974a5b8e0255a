"""A second opinion on pairs, by models that were trained on the other ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from tutorial_lib.cleaning.noise import by_suspicion, suspicious_pairs
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.scorer import Scorer
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import LoraSettings, TrainSettings


@dataclass(frozen=True)
class Fold:
    """Part of the training queries, and what a model that never saw their pairs makes of them.

    Attributes:
        query_ids: The queries, in ascending order.
        vectors: Of all documents and, as the split "train", of these queries, by that model.
    """

    query_ids: list[str]
    vectors: Vectors


def cross_fitted_vectors(
    dataset: RetrievalDataset,
    bm25: BM25,
    folder: Path,
    *,
    model: str = DEFAULT_MODEL,
    folds: int = 2,
    seed: int = 0,
    lora: LoraSettings | None = None,
    settings: TrainSettings | None = None,
) -> list[Fold]:
    """Return each fold of the training queries with the vectors of a model that was trained on the other folds.

    Training uses in-batch negatives only and no dev, so that nothing but the other folds' pairs decides.

    Args:
        dataset: The dataset; only its training split is used.
        bm25: Index over its articles.
        folder: Where checkpoints go meanwhile.
        model: Base model.
        folds: Number of folds, at least 2.
        seed: Seed of the folds.
        lora: Shape of the adapters.
        settings: How they are trained.

    Raises:
        ValueError: Fewer than 2 folds, or more than there are queries.
    """
    ids = np.array(sorted(dataset.qrels["train"]))
    if not 2 <= folds <= len(ids):
        raise ValueError(f"{folds} folds of {len(ids)} queries: pass at least 2 and at most as many as there are queries")
    fold_of = np.random.default_rng(seed).permutation(len(ids)) % folds
    settings = replace(settings or TrainSettings(), dev_queries=0, negatives=0)
    result = []
    for fold in range(folds):
        part = _only(dataset, ids[fold_of != fold].tolist())
        run = prepare_training(part, {}, bm25, folder / f"fold{fold}", model=model, lora=lora, settings=settings)
        run.train()
        held = ids[fold_of == fold].tolist()
        result.append(Fold(held, Vectors.of(_only(dataset, held), run.encoder, ["train"])))
    return result


def _only(dataset: RetrievalDataset, queries: Iterable[str]) -> RetrievalDataset:
    """Return the dataset with the training judgments of these queries alone."""
    return replace(dataset, qrels={**dataset.qrels, "train": {q: dataset.qrels["train"][q] for q in queries}})


def cross_fitted_pairs(dataset: RetrievalDataset, scorer: Scorer, folds: Iterable[Fold]) -> pd.DataFrame:
    """Return ``suspicious_pairs`` of the training split by cross-fitted models, each fold by the model that never saw it.

    Raises:
        DataError: A fold's vectors are not those of its queries and of the dataset's documents.
    """
    parts = []
    for fold in folds:
        part = _only(dataset, fold.query_ids)
        parts.append(suspicious_pairs(part, scorer, fold.vectors))
    return by_suspicion(pd.concat(parts, ignore_index=True))
