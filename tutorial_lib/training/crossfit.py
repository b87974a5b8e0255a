"""A second opinion on pairs, by models that were trained on the other ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tutorial_lib.cleaning.noise import by_suspicion, suspicious_pairs
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.runs import Run
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


def fold_models(
    dataset: RetrievalDataset,
    bm25: BM25,
    folder: Path,
    *,
    model: str = DEFAULT_MODEL,
    folds: int = 2,
    seed: int = 0,
    lora: LoraSettings | None = None,
    settings: TrainSettings | None = None,
) -> Iterator[tuple[RetrievalDataset, Encoder]]:
    """Yield the dataset with each fold of the training queries alone, and a model that was trained on the other folds.

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
    for fold in range(folds):
        others = _only(dataset, ids[fold_of != fold].tolist())
        run = prepare_training(others, {}, bm25, folder / f"fold{fold}", model=model, lora=lora, settings=settings)
        run.train()
        yield _only(dataset, ids[fold_of == fold].tolist()), run.encoder


def cross_fitted_vectors(dataset: RetrievalDataset, bm25: BM25, folder: Path, **options: Any) -> list[Fold]:
    """Return each fold of the training queries with the vectors of a model that was trained on the other folds.

    Args and what is raised are those of ``fold_models``.
    """
    return [
        Fold(list(fold.qrels["train"]), Vectors.of(fold, encoder, ["train"]))
        for fold, encoder in fold_models(dataset, bm25, folder, **options)
    ]


def cross_fitted_teacher(dataset: RetrievalDataset, bm25: BM25, folder: Path, *, share: float, **options: Any) -> Run:
    """Return late interaction's ranking of the training queries, each by a model that was not trained on its pairs.

    A model ranks the queries that it was trained on as it was told to; only of others does it tell what it thinks.

    Args:
        dataset: As ``fold_models`` takes it, as what follows and ``options``.
        bm25: Index over its articles.
        folder: Where checkpoints go meanwhile.
        share: MaxSim's, in the fused ranking.
        options: Further ones.

    Raises:
        ValueError: As in ``fold_models``; or ``share`` lies outside 0 to 1.
    """
    teacher: Run = {}
    for fold, encoder in fold_models(dataset, bm25, folder, **options):
        run = dense_run(fold, Vectors.of(fold, encoder, ["train"]), "train")
        late = LateInteraction(encoder, dataset.document_texts())
        teacher |= late.rerank(fold.query_texts("train"), run, weight=share)
    return teacher


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
