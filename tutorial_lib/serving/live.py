"""Which version of the index answers, with the model that its vectors were made with, whatever is switched meanwhile.

The alias is looked up for every search, so a switch or a rollback is followed at once. The model of a version is read as soon
as that is built, before it goes live; until the model is in memory the version before goes on answering.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.index.reading import damaged
from tutorial_lib.index.store import Damaged, VectorIndexError
from tutorial_lib.index.vector_index import VectorIndex
from tutorial_lib.index.version import Version
from tutorial_lib.retrieval.runs import ranked
from tutorial_lib.serving.errors import ApiError, NotReadyError
from tutorial_lib.serving.models import Models, ServedModel

SEARCHES = 5
"""How often a search is begun anew because its version went underneath, or the store was restarted."""

LOOK_EVERY = 1.0
"""Seconds between two looks for a new version, whose model is then read."""

HELD = 3
"""Of so many of the newest versions the models are held: the live one, the one before, the one to come."""

Encode = Callable[[ServedModel], NDArray[np.float32]]
"""Gives the query's vector by a model: float32, (1, D)."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pair:
    """A version of the index and the model that it was made with: only together do they give a score."""

    version: Version
    model: ServedModel


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        pair: Who answered.
        hits: Document id -> score, best first.
    """

    pair: Pair
    hits: dict[str, float]


class Live:
    """The index of a run, opened when it is first asked, and the models of its versions."""

    def __init__(self, open_index: Callable[[], VectorIndex], models: Models) -> None:
        """Look at nothing yet.

        Args:
            open_index: Opens the index; is called again where it has failed.
            models: Those in memory.
        """
        self._open, self.models = open_index, models
        self._index: VectorIndex | None = None
        self._last: Pair | None = None
        self._held: dict[str, frozenset[str]] = {}
        self._opening = threading.Lock()
        self._ended = threading.Event()
        self._follower = threading.Thread(target=self._follow, name="follower", daemon=True)
        self._said = ""
        self.also: int | None = None
        """Number of a version whose model is held too."""

    @property
    def index(self) -> VectorIndex:
        """The open index.

        Raises:
            NotReadyError: It cannot be opened.
        """
        with self._opening:
            if self._index is None:
                try:
                    self._index = self._open()
                except VectorIndexError as error:
                    raise NotReadyError("the index cannot be opened", str(error)) from None
            return self._index

    @property
    def number(self) -> int:
        """Number of the version that answered last; 0 if none has."""
        return self._last.version.number if self._last else 0

    def pair(self, number: int | None = None) -> Pair:
        """Return who answers a search that begins now: the live version, or version ``number``.

        Raises:
            ApiError: There is no such version.
            NotReadyError: None is live, its model cannot be read, or the index does not answer.
        """
        version = self._version(number)
        model = self.models.held(version.fingerprint)
        if model is None and number is None and self._last and self._is_there(self._last.version):
            return self._last  # until the follower has read the model
        pair = Pair(version, model or self.models.find(version.fingerprint, version.encoder))
        if number is None:
            self._last = pair
        return pair

    def _version(self, number: int | None) -> Version:
        try:
            versions = [self.index.live] if number is None else self.index.versions()
        except VectorIndexError as error:
            raise NotReadyError("the index does not answer", str(error)) from None
        found = next((v for v in versions if v and number in (None, v.number)), None)
        if found:
            return found
        if number is None:
            raise NotReadyError("no version of the index is live", f"build, verify and switch to one of {self.index.name!r}")
        there = ", ".join(str(v.number) for v in versions if v) or "none"
        raise ApiError(404, f"there is no version {number}, only {there}", param="version", code="version_not_found")

    def _is_there(self, version: Version) -> bool:
        """Return whether a version is the one it was: not dropped, and its name not another's by now."""
        try:
            noted = self.index.store.describe(version.collection)
        except VectorIndexError:
            return False
        return bool(noted and noted.record.get("complete") and noted.record.get("built", "") == version.built)

    def search(self, encode: Encode, k: int, number: int | None = None) -> Found:
        """Return the ``k`` nearest documents of a query, all of one version, scored with its own model.

        Args:
            encode: Makes the query's vector; is called once for each model that may have to answer.
            k: How many.
            number: Of the version; by default the live one.

        Raises:
            ApiError: There is no such version.
            NotReadyError: None can answer now.
        """
        vectors: dict[str, NDArray[np.float32]] = {}
        failure: VectorIndexError | None = None
        for _ in range(SEARCHES):
            pair = self.pair(number)
            fingerprint = pair.model.encoder.fingerprint
            if fingerprint not in vectors:
                vectors[fingerprint] = encode(pair.model)
            try:
                hits = self._hits(pair.version, vectors[fingerprint], k)
            except VectorIndexError as error:
                failure = error
                if self._is_there(pair.version) and isinstance(error, Damaged):
                    break
                with suppress(VectorIndexError):
                    self.index.store.load(pair.version.collection)  # a server that was restarted has nothing in memory
                continue
            if self._is_there(pair.version):
                return Found(pair, hits)
        raise NotReadyError("the index does not answer", str(failure or "it was switched in the middle of each search"))

    def _hits(self, version: Version, vector: NDArray[np.float32], k: int) -> dict[str, float]:
        # By collection, not by alias: a switch since the pair was made must not mix two models.
        self.index.check_count(version)
        found = self.index.store.search(version.collection, vector, k, version.search_params)[0]
        if not found:
            raise damaged(version, "it answers a query with no document at all")
        return ranked(found, k)

    def documents_of(self, version: Version) -> frozenset[str]:
        """Return the ids of a version's documents: read once, and let go with its model.

        Raises:
            NotReadyError: The index does not answer.
        """
        held = self._held.get(version.built)
        if held is None:
            try:
                held = self._held[version.built] = frozenset(self.index.stored_hashes(version))
            except VectorIndexError as error:
                raise NotReadyError("the index does not answer", str(error)) from None
        return held

    # --- what is to come ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look for new versions."""
        self._follower.start()

    def _follow(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            try:
                self.prepare()
                said = ""
            except (NotReadyError, VectorIndexError) as error:
                said = f"{error}: {getattr(error, 'detail', '')}"
            except Exception:
                _LOG.exception("following failed")
                continue
            if said and said != self._said:
                _LOG.warning("not ready", extra={"reason": said})
            self._said = said

    def prepare(self) -> None:
        """Read the models of the newest versions that are not in memory, and let go of those that no version needs.

        Raises:
            NotReadyError: One cannot be read; the others have been.
            VectorIndexError: The index does not answer.
        """
        versions = self.index.versions()
        wanted = [v for v in versions if v.live or v in versions[-HELD:] or v.number == self.also]
        failures = []
        for version in reversed(wanted):  # what is to come first
            try:
                self.models.find(version.fingerprint, version.encoder)
            except NotReadyError as error:
                failures.append(error)
        self.models.keep_only(v.fingerprint for v in wanted)
        built = {v.built for v in wanted}
        self._held = {made: held for made, held in self._held.items() if made in built}
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Look no more, and close the index."""
        self._ended.set()
        if self._follower.is_alive():
            self._follower.join()
        if self._index is not None:
            self._index.close()
