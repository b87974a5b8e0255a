"""Two ways of training a model of the year: LoRA as a retraining does it, and a matrix on the base model's vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.year_policies import Model
from benchmarks.year_world import known_at_the_end_of
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.files import new_folder
from tutorial_lib.index.embedded import text_hash
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.matrix import turned
from tutorial_lib.models.settings import TextEncoder
from tutorial_lib.models.vector_cache import VectorCache
from tutorial_lib.monitoring.gather import Parent, gather
from tutorial_lib.monitoring.lineage import Generation, Line
from tutorial_lib.monitoring.retraining import prepared, settings_of
from tutorial_lib.monitoring.settings import GatherSettings, RetrainSettings
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.distill import distill
from tutorial_lib.training.distill_settings import DistillSettings

WEEKS = GatherSettings(dev_weeks=1, newest_weeks=1)
"""So little is held back, since a month is to be learnt from."""


@dataclass(frozen=True)
class Trained:
    """A model, and what is to be told of its training."""

    encoder: TextEncoder
    told: dict[str, Any]


class Learner(Protocol):
    """Trains models of the year."""

    def first(self, seed: int) -> Trained:
        """Return the model of the first year."""
        ...

    def trained(self, model: Model) -> Trained:
        """Return a model that is trained now, or was, with this learner in this folder."""
        ...


class Lora:
    """The stages of a retraining, but for its gates; a training that was broken off goes on."""

    def __init__(self, first: Path, work: Path) -> None:
        """Train in ``work``; ``first`` is a finished run of the first year."""
        self._first, self._work = first, work

    def first(self, seed: int) -> Trained:
        """Return the model of the run, whatever the seed."""
        return Trained(Encoder.load(self._first / "model"), {})

    def trained(self, model: Model) -> Trained:
        """Return a generation's model."""
        line = Line(self._folder(model))
        known = known_at_the_end_of(model.month, self._work / "known" / str(model.month))
        settings = RetrainSettings(start=model.start, train_seed=model.seed, gather=WEEKS)
        there = {g.number: g for g in line.generations()}
        new = Generation(model.number, line.folder(model.number).name, model.parent, base=there[1].base)
        space, generation = prepared(line, there.get(model.number, new), known, settings)
        went_on = any(space.root.glob("checkpoints.*/*"))
        folder, result = space.need("model"), space.training()
        kept = {"step": result.best_step, "strength": result.strength, "dev": result.dev}
        told = {"pairs": dict(generation.gathered), "steps": result.steps, "kept": kept, "went_on": went_on}
        return Trained(Encoder.load(folder), told)

    def _folder(self, model: Model) -> Path:
        """Return the first folder of the line that a model stands in: a link to the one generation that all share."""
        first = self._work / f"{model.line} seed {model.seed}" / "desk"
        if not first.exists():
            first.parent.mkdir(parents=True, exist_ok=True)
            first.symlink_to(self._first.resolve())
        return first


class Matrix:
    """A matrix of D x D on the base model's vectors, taught by labels alone: a second a training once texts are encoded.

    "live" goes on from the matrix before, on the same pairs.
    """

    def __init__(self, first: Path, work: Path) -> None:
        """Keep vectors and matrices in ``work``; ``first`` is a run of the first year, whose dataset and window are used."""
        self._first, self._work = read_beir(first / "dataset"), work
        window = json.loads((first / "baseline" / "baseline.json").read_text())["window"]
        base = Encoder.load()
        self._told = settings_of(first)
        self._base = Remembering(base.with_window(window) if window else base, VectorCache(work / "vectors.db"))

    def first(self, seed: int) -> Trained:
        """Return the base model with a matrix that was taught the first year."""
        return self._taught(self._first, "first", seed, ())

    def trained(self, model: Model) -> Trained:
        """Return the base model with a matrix, and where it is "live" with those before it."""
        chain = [model.chain[:n] for n in range(1, len(model.chain))]
        before = [f"{model.line}@{'+'.join(map(str, months))}" for months in chain]
        live = ["first", *before] if model.start == "live" else []
        earlier = [np.load(self._file(name, model.seed)) for name in live]
        return self._taught(self._dataset(model), model.name.partition(" seed")[0], model.seed, earlier)

    def _dataset(self, model: Model) -> RetrievalDataset:
        """Return the pairs of the first year and of the log until a month's end; kept, for cleaning takes its time."""
        folder = self._work / "gathered" / str(model.month)
        if not folder.is_dir():
            known = known_at_the_end_of(model.month, self._work / "known" / str(model.month))
            before = Parent(self._first, 1)
            new = known.cleaned(known.corpus(self._first.corpus), self._told.read.clicks, self._told.cleaning, before.until)
            with new_folder(folder) as part:
                write_beir(gather(before, new, known.judged(), WEEKS), part)
        return read_beir(folder)

    def _taught(self, dataset: RetrievalDataset, name: str, seed: int, earlier: Sequence[NDArray[np.float32]]) -> Trained:
        live = Turned(self._base, tuple(earlier))
        made = distill(dataset, Vectors.of(dataset, live, ("train", "dev")), None, DistillSettings(teaching=0.0, seed=seed))
        file = self._file(name, seed)
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, made.matrix)
        told = {"pairs": dict(dataset.card.get("gathered", {})), "kept": {"step": made.epoch, "dev": made.dev}}
        return Trained(Turned(self._base, (*earlier, made.matrix)), told)

    def _file(self, name: str, seed: int) -> Path:
        return self._work / "matrices" / f"{name} seed {seed}.npy"


@dataclass(frozen=True)
class Remembering:
    """An encoder that encodes no text twice."""

    encoder: Encoder
    cache: VectorCache

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return query vectors: float32, (len(texts), D), unit length."""
        return self._found("query", texts, self.encoder.encode_queries)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return document vectors: float32, (len(texts), D), unit length."""
        return self._found("document", texts, self.encoder.encode_documents)

    def _found(self, kind: str, texts: Sequence[str], encode: Any) -> NDArray[np.float32]:
        keys = [f"{kind} {text_hash(text)}" for text in texts]
        found = self.cache.find(sorted(set(keys)))
        if missing := {key: text for key, text in zip(keys, texts, strict=True) if key not in found}:
            made = dict(zip(missing, encode(list(missing.values())), strict=True))
            self.cache.keep(made)
            found |= made
        return np.stack([found[key] for key in keys])


@dataclass(frozen=True)
class Turned:
    """An encoder with matrices behind it, one after the other."""

    encoder: TextEncoder
    matrices: tuple[NDArray[np.float32], ...]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return query vectors: float32, (len(texts), D), unit length."""
        return self._turned(self.encoder.encode_queries(texts))

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return document vectors: float32, (len(texts), D), unit length."""
        return self._turned(self.encoder.encode_documents(texts))

    def _turned(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        for matrix in self.matrices:
            vectors = turned(vectors, matrix)
        return vectors


LEARNERS = {"lora": Lora, "matrix": Matrix}
