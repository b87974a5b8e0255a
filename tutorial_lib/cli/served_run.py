"""What ``serve`` reads of a run's folder. Nothing is made and nothing is written: a service trains no model."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import DataError, Document
from tutorial_lib.index.flat_store import FlatStore
from tutorial_lib.index.store import VectorIndexError
from tutorial_lib.index.vector_index import VectorIndex
from tutorial_lib.index.version import Version
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import ModelError
from tutorial_lib.monitoring.lineage import Line
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.untrained import UntrainedSettings
from tutorial_lib.serving.comparing import BaseSearch
from tutorial_lib.serving.keywords import Keywords
from tutorial_lib.serving.models import ServedModel
from tutorial_lib.stage import damage_of, record_of
from tutorial_lib.staged import finished_run

TUNED, BASE = "tuned", "base"
"""What requests call the two models of a run."""
OWN_INDEX = Path("index", "articles.db")
"""In a run's folder: where chapter 5 and ``index`` put its index."""


class ServedRun:
    """The folder of a run that is to be served.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        """Look at the folder of a run.

        Raises:
            DataError: There is no run, or it has no model yet, or a damaged one; says what to do.
        """
        self.root, self._noted = finished_run(root, ("dataset", "baseline", "model"))

    def models(self) -> list[ServedModel]:
        """Return the tuned model and the base model, as chapters 2 to 6 use them.

        Raises:
            ModelError: One cannot be read.
        """
        trained = record_of(self.root, "adapter") or {}
        sizes = trained.get("settings", {}).get("train", {}).get("matryoshka", ())
        tuned = Encoder.load(self.root / "model")
        return [ServedModel(TUNED, tuned, tuple(sorted(set(sizes) - {tuned.dimension}))), ServedModel(BASE, self._base())]

    def _base(self) -> Encoder:
        train: dict[str, Any] = self._noted.settings["train"]
        prompts = {side: train[side] for side in ("query_prompt", "document_prompt")}
        try:
            base = Encoder.load(self._noted.model, **prompts)
        except ModelError as error:
            raise ModelError(f"the base model of this run: {error}") from None
        window = self._baseline()["window"]
        return base.with_window(window) if window else base

    def documents(self) -> dict[str, Document]:
        """Return the documents of the run by id."""
        return dict(read_beir(self.root / "dataset").corpus)

    def shown(self, documents: Mapping[str, Document]) -> dict[str, Document]:
        """Return what searches show: the run's documents, and what generations that went live after it have made of them.

        Args:
            documents: Those of the run.
        """
        found = dict(documents)
        try:
            line = Line(self.root)
            made = line.generations()
        except DataError:  # the first generation is not here: this one was copied to where it is served
            return found
        for generation in made:
            folder = line.folder(generation.number)
            if generation.shipped and folder.resolve() != self.root.resolve():
                found |= read_beir(folder / "dataset").corpus
        return found

    def base_search(self, base: ServedModel, documents: Mapping[str, Document]) -> BaseSearch | None:
        """Return the search by the base model, to compare; None where its vectors of these documents are not there.

        Args:
            base: The base model.
            documents: Those of the run.
        """
        if damage_of(self.root, "base_vectors") or record_of(self.root, "base_vectors") is None:
            return None
        vectors = np.load(self.root / "base_vectors" / "documents.npy", mmap_mode="r")
        fits = vectors.shape == (len(documents), base.encoder.dimension)
        return BaseSearch(base, list(documents), vectors) if fits else None

    def keywords(self, documents: Mapping[str, Document]) -> Keywords:
        """Return keyword search over ``documents``, with the settings and the share that dev chose.

        Raises:
            DataError: The run does not say how far it counts.
        """
        if damage_of(self.root, "fusion") or record_of(self.root, "fusion") is None:
            raise DataError(
                f"the run in {self.root} does not say how far keyword search counts (it was made by train, or by an older "
                "version): python -m tutorial_lib index chooses it, or leave --keywords out"
            )
        share = json.loads((self.root / "fusion" / "fusion.json").read_text(encoding="utf-8"))["share"]
        settings = UntrainedSettings.from_record(self._baseline()).bm25
        print(f"keyword search counts too, the model {share:.0%} of the score", file=sys.stderr, flush=True)
        return Keywords(BM25({a: document.full_text for a, document in documents.items()}, settings), share)

    def _baseline(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.root / "baseline" / "baseline.json").read_text(encoding="utf-8"))
        return record

    def index_place(self, place: str | None) -> str | None:
        """Return where the index is: at ``place``, else at MILVUS_URI, else the run's own; None if it is not there.

        Raises:
            DataError: A path is named, and nothing is there.
        """
        found = place_of(self.root, place)
        if found == str(self.root / OWN_INDEX) and not Path(found).exists():
            return None
        if "://" not in found and not Path(found).exists():
            raise DataError(f"there is no index at {found}: pass the place that it was built in, or leave --index out")
        return found


def place_of(root: Path, place: str | None) -> str:
    """Return where the index of the run in ``root`` is, or belongs: at ``place``, else at MILVUS_URI, else in its folder."""
    return place or os.environ.get("MILVUS_URI") or str(root / OWN_INDEX)


def open_index(place: str, name: str) -> VectorIndex:
    """Return the index at ``place``: a Milvus file or address, or the folder of a ``FlatStore``.

    Raises:
        VectorIndexError: It cannot be opened.
    """
    flat = "://" not in place and not place.endswith(".db")
    return VectorIndex(FlatStore(place) if flat else place, name)


def check_index(
    place: str,
    name: str,
    documents: Mapping[str, Document],
    fingerprints: Mapping[str, str],
    candidate: int | None = None,
) -> None:
    """Refuse an index of another run, if it can be opened now; a server that is away may come back.

    Args:
        place: Where it is.
        name: Of the index.
        documents: Those of the run.
        fingerprints: Fingerprint of each model of the run -> its name.
        candidate: Number of a version that is to be compared with the live one.

    Raises:
        DataError: A file cannot be opened; the live version holds none of these documents, or vectors of a model that is
            neither of the run nor where the version says; or the candidate is no version, or the live one.
    """
    try:
        index = open_index(place, name)
    except VectorIndexError as error:
        if "://" in place:
            return
        raise DataError(str(error)) from None
    try:
        if live := index.live:
            _check_live(index, live, documents, fingerprints)
        if candidate is not None:
            _check_candidate(index, candidate)
    finally:
        index.close()


def _check_live(
    index: VectorIndex, live: Version, documents: Mapping[str, Document], fingerprints: Mapping[str, str]
) -> None:
    """Refuse a live version that is another run's."""
    if not documents.keys() & index.stored_hashes(live).keys():
        raise DataError(
            f"the index at {index.store.address} holds {live.documents:,} documents, and none of them is in this run: "
            "pass the run that it was built for, or its own index as --index"
        )
    if live.fingerprint not in fingerprints and not Path(live.encoder).is_dir():
        own = ", ".join(f"{called} ({fingerprint})" for fingerprint, called in fingerprints.items())
        raise DataError(
            f"version {live.number} of the index at {index.store.address} was made with {live.encoder} "
            f"({live.fingerprint}), and this run has {own}: pass the run that it was built for"
        )


def _check_candidate(index: VectorIndex, number: int) -> None:
    """Refuse a version that cannot be compared with the live one."""
    versions = index.versions()
    found = next((v for v in versions if v.number == number), None)
    if found is None or found.live:
        there = ", ".join(f"{v.number} (live)" if v.live else str(v.number) for v in versions)
        what = "is no version" if found is None else "is the live version"
        raise DataError(f"--candidate {number} {what} of the index at {index.store.address}: pass another of {there}")
