"""Trainings of a tiny cross-encoder that tests prepare."""

import torch

from tests.tiny import tiny_dataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.cross_encoder import prepare_cross_training
from tutorial_lib.training.cross_settings import CrossSettings
from tutorial_lib.training.pairs import Pair

SHORT = {"epochs": 2.0, "batch_size": 6, "max_length": 32, "dev_evaluations": 2, "learning_rate": 1e-3, "depth": 5, "rank": 0}
"""12 pairs in batches of 6, twice: 4 steps, dev scored after steps 2 and 4; all weights are trained."""


def cross_pairs(dataset):
    """Return the training pairs, each with three negatives of other things."""
    ids = list(dataset.corpus)
    return [
        Pair(q, dataset.queries[q].text, a, tuple(ids[(ids.index(a) + n) % len(ids)] for n in (1, 5, 9)))
        for q, a in dataset.pairs("train")
    ]


def first_run(dataset, split="dev", k=8):
    return BM25(dataset.document_texts()).search(dataset.query_texts(split), k=k)


def prepare_cross(model, folder, *, dataset=None, pairs=None, **changes):
    dataset = dataset or tiny_dataset()
    return prepare_cross_training(
        dataset,
        cross_pairs(dataset) if pairs is None else pairs,
        first_run(dataset),
        folder,
        model=model,
        settings=CrossSettings(**{**SHORT, **changes}),
        device=torch.device("cpu"),
    )
