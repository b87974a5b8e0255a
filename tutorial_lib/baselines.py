"""What a workspace has before anything is trained: the dataset, keyword search, the base model and its vectors."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch

from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.data.registry import Kind, ReadSettings, Source
from tutorial_lib.evaluation.choose import choose_settings
from tutorial_lib.files import write_json
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.untrained import UntrainedSettings
from tutorial_lib.staged import Staged


class Baselines(Staged):
    """The stages that all others stand on; ``Workspace`` adds them.

    Attributes:
        origin: Where the dataset comes from.
        model_name: Base model: a name, folder or Hub id.
        device: Where to encode, a GPU if there is one.
    """

    origin: Source
    model_name: str
    device: torch.device | None

    @property
    def source(self) -> str:
        """The dataset as it was named: "aws_docs", "support_desk", or an absolute path."""
        return self.origin.name

    # --- dataset --------------------------------------------------------------------------------------------------

    def outside(self, name: str) -> str:
        """Return what a stage's record says of the data ("source") or of the base model ("encoder")."""
        return self._source_key if name == "source" else self._encoder_as_loaded.fingerprint

    @cached_property
    def _source_key(self) -> str:
        return self.origin.key(self._used("dataset", {})["read"])

    def _make_dataset(self, folder: Path, cleaning: CleaningSettings, read: ReadSettings) -> None:
        prepared = prepare(self.origin.read(read), self.origin.kind, cleaning, read.split)
        write_beir(prepared.dataset, folder)
        if self.origin.kind == Kind.TICKETS:  # what people wrote is changed on the way: each change is there to be read
            prepared.report.save(folder / "cleaning")

    def dataset(self) -> RetrievalDataset:
        """Return the clean, split dataset."""
        return self._once("dataset", read_beir)

    def bm25(self) -> BM25:
        """Return the keyword index over the dataset's documents, with the settings that dev chose."""
        return self._once("baseline", lambda _: BM25(self.dataset().document_texts(), self.baseline().bm25))

    # --- without training -----------------------------------------------------------------------------------------

    def _make_baseline(self, folder: Path) -> None:
        write_json(folder / "baseline.json", asdict(choose_settings(self.dataset(), self._encoder_as_loaded)))

    def baseline(self) -> UntrainedSettings:
        """Return the settings of keyword search and the base model's window, chosen on dev."""
        return UntrainedSettings.from_record(self._told_by("baseline"))

    # --- vectors --------------------------------------------------------------------------------------------------

    @cached_property
    def _encoder_as_loaded(self) -> Encoder:
        train = self.settings.train
        return Encoder.load(
            self.model_name, device=self.device, query_prompt=train.query_prompt, document_prompt=train.document_prompt
        )

    @property
    def base_encoder(self) -> Encoder:
        """The base model, with the prompts that training is told to use and the window that dev chose."""
        return self._once("baseline", self._narrow_encoder)

    def _narrow_encoder(self, folder: Path) -> Encoder:
        window = self.baseline().window
        return self._encoder_as_loaded.with_window(window) if window else self._encoder_as_loaded

    def _make_base_vectors(self, folder: Path) -> None:
        Vectors.of(self.dataset(), self.base_encoder).save(folder)

    def base_vectors(self) -> Vectors:
        """Return the base model's vectors."""
        return Vectors.load(self.need("base_vectors"))
