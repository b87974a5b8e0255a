"""An adapter from its pairs to its folder: checked before minutes are spent, trained, resumed, saved with its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models.lora import save_adapter
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.card import model_card
from tutorial_lib.training.checkpoints import remove_checkpoints
from tutorial_lib.training.checks import preflight
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import LoraSettings, TrainSettings
from tutorial_lib.training.soup import runs_of, train_soup


def train_adapter(
    dataset: RetrievalDataset,
    negatives: Mapping[str, Sequence[str]],
    bm25: BM25,
    folder: Path,
    checkpoints: Path,
    *,
    model: str,
    window: int | None = None,
    base: Vectors | None = None,
    lora: LoraSettings,
    settings: TrainSettings,
    device: torch.device | None = None,
    writes: bool = True,
) -> None:
    """Train an adapter and write it and ``training.json`` into ``folder``; an interrupted training goes on.

    Where pairs are few, or the settings say so, it is the mean of several trainings (``train_soup``).

    Args:
        dataset: Training and dev splits are used; test is never looked at.
        negatives: Mined negatives by training query.
        bm25: Index over the corpus, for the dev pool.
        folder: An empty folder.
        checkpoints: Folder of the checkpoints while it is trained.
        model: Base model.
        window: Tokens of a text that dev chose for it, if any.
        base: Its vectors, for the dev pool.
        lora: Shape of the adapter.
        settings: Training settings.
        device: Where to train; a GPU if there is one.
        writes: Whether this process tells what the checks found, and writes; of several one does.

    Raises:
        DataError: The checks found an error; all are named.
        ModelError: The model cannot be loaded or adapted.
    """
    prepare = partial(
        prepare_training, dataset, negatives, bm25, model=model, window=window, base=base, lora=lora, device=device
    )
    run = prepare(checkpoints, settings=settings)
    if run.last_checkpoint() is None:
        report = preflight(run, dataset)
        if writes:
            report.announce()
        report.raise_if_bad()
    runs = runs_of(settings, len(run.pairs))
    trained = train_soup(run, prepare, runs, writes=writes) if runs > 1 else (run.encoder, run.train(resume=True))
    if writes and trained:
        encoder, result = trained
        save_adapter(encoder, folder, model_card(dataset, model, lora, settings, result))
        result.save(folder / "training.json")
        for stale in checkpoints.parent.glob(f"{checkpoints.name.split('.')[0]}.*"):
            remove_checkpoints(stale)
