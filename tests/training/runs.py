"""Runs of the tiny BERT that several modules of tests prepare, and what is read off them."""

import torch

from tests.tiny import tiny_dataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import LoraSettings, TrainSettings

WHOLE = {
    "epochs": 4.0,
    "min_steps": 0,
    "batch_size": 6,
    "learning_rate": 0.01,
    "dev_evaluations": 4,
    "max_length": 20,
    "strengths": (),
}
"""12 pairs in batches of 6 for 4 epochs: 8 steps, dev scored after steps 2, 4, 6 and 8."""

SHORT = {"epochs": 2.0, "min_steps": 0, "batch_size": 6, "learning_rate": 5e-3, "dev_evaluations": 2, "temperature": 0.2}
"""12 pairs in batches of 6, twice: 4 steps."""


def prepare_run(
    model,
    folder,
    base=WHOLE,
    *,
    dataset=None,
    lora=None,
    dropout=0.0,
    all_weights=False,
    mined=None,
    window=None,
    teaching=None,
    **changes,
):
    """Return a run on the tiny dataset, or another one, with the settings ``base`` and what is changed of them."""
    dataset = dataset or tiny_dataset()
    return prepare_training(
        dataset,
        {"q00": ["a05"]} if mined is None else mined,
        BM25(dataset.document_texts()),
        folder,
        model=model,
        window=window,
        lora=lora or LoraSettings(rank=4, alpha=8, dropout=dropout),
        device=torch.device("cpu"),
        settings=TrainSettings(**{**base, **changes}),
        all_weights=all_weights,
        teaching=teaching,
    )


def adapter_weights(run):
    return {n: p.detach().clone() for n, p in run.encoder.model.named_parameters() if ".lora_" in n}


def same_weights(one, other, atol=1e-6):
    return all(torch.allclose(one[name], other[name], atol=atol) for name in one)
