"""A second opinion on pairs, by models that were trained on the other ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_lib.cleaning.noise import by_suspicion, suspicious_pairs
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import LoraSettings, TrainSettings


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
) -> list[tuple[list[str], NDArray[np.float32], NDArray[np.float32]]]:
    """Return, for each fold, its training query ids and vectors, and article vectors, by a model trained on the other folds.

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
        held = ids[fold_of == fold].tolist()
        others = {q: dataset.qrels["train"][q] for q in ids[fold_of != fold].tolist()}
        part = replace(dataset, qrels={**dataset.qrels, "train": others})
        run = prepare_training(part, {}, bm25, folder / f"fold{fold}", model=model, lora=lora, settings=settings)
        run.train()
        texts = [dataset.queries[q].text for q in held]
        result.append(
            (held, run.encoder.encode_queries(texts), run.encoder.encode_documents(list(dataset.document_texts().values())))
        )
    return result


def cross_fitted_pairs(
    dataset: RetrievalDataset, bm25: BM25, folds: Iterable[tuple[list[str], NDArray[np.float32], NDArray[np.float32]]]
) -> pd.DataFrame:
    """Return ``suspicious_pairs`` of the training split by cross-fitted models, each fold by the model that never saw it."""
    parts = []
    for held, query_vectors, document_vectors in folds:
        fold = replace(dataset, qrels={**dataset.qrels, "train": {q: dataset.qrels["train"][q] for q in held}})
        parts.append(suspicious_pairs(fold, bm25, Vectors(document_vectors, {"train": query_vectors})))
    return by_suspicion(pd.concat(parts, ignore_index=True))
