"""The versions of an index that are there: which is live, which are kept, what is in them."""

from __future__ import annotations

import re

from tutorial_lib.index.embedded import Embedded
from tutorial_lib.index.health import fault
from tutorial_lib.index.reading import check_count, stored, stored_hashes
from tutorial_lib.index.store import VectorIndexError, VectorStore
from tutorial_lib.index.version import FORMAT, Version, version_of


class Catalogue:
    """Versions ``<name>_v1``, ``<name>_v2``, … in a store, and the alias ``<name>`` that points to the live one.

    Attributes:
        store: Where they are.
        name: Of the alias.
    """

    def __init__(self, store: VectorStore, name: str) -> None:
        """Look at index ``name`` in an open store."""
        self.store = store
        self.name = name
        self._counted: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Close the store; an embedded Milvus index can then be opened by another process."""
        self.store.close()

    def versions(self) -> list[Version]:
        """Return every complete version, oldest first."""
        live = self.live
        ours = [c for c in self.store.names() if re.fullmatch(rf"{self.name}_v\d+", c)]
        found = [self._find(c, live.collection if live else None) for c in ours]
        return sorted((v for v in found if v), key=lambda v: v.number)

    @property
    def live(self) -> Version | None:
        """The version searches go to, if any."""
        return self._find(self.name, None)

    def _find(self, collection: str, live: str | None) -> Version | None:
        noted = self.store.describe(collection)
        if noted is None:
            return None
        return version_of(noted, self.name, noted.collection if collection == self.name else live)

    def version(self, number: int) -> Version:
        """Return one version.

        Raises:
            VectorIndexError: There is none of this number; those there are are named.
        """
        versions = self.versions()
        for v in versions:
            if v.number == number:
                return v
        raise VectorIndexError(f"no version {number} of {self.name!r}: there are {[v.number for v in versions]}")

    def rollback(self) -> Version:
        """Send searches back to the version that was live before; one that is damaged is passed over.

        Raises:
            VectorIndexError: There is none, or each one is damaged (it is said how).
        """
        live = self.live
        older = [v for v in self.versions() if live and v.number < live.number and v.served]
        if not older:
            raise VectorIndexError(f"nothing to roll back to: {self.name!r} has no version before the live one")
        faults = {}
        for version in reversed(older):
            if not (wrong := self.fault(version)):
                return self._point_alias(version)
            faults[version.number] = wrong
        raise VectorIndexError(f"nothing to roll back to: {faults[max(faults)]}")

    def _point_alias(self, version: Version) -> Version:
        """Make a version live; it is noted as served after it is: noted before, a kill would leave one that never was.

        Until it is noted the alias says so; before the alias goes on, what a kill has left unnoted is noted.
        """
        self.store.load(version.collection)
        if live := self.live:
            self._note_served(live)
        self.store.point(self.name, version.collection)
        self._note_served(version)
        return self.version(version.number)

    def _note_served(self, version: Version) -> None:
        noted = self.store.describe(version.collection)
        if noted and not noted.record.get("served") and version.format == FORMAT:
            self.store.note(version.collection, {**noted.record, "served": True})

    def drop(self, version: Version) -> None:
        """Remove a version that no alias points to.

        Raises:
            VectorIndexError: One does (it is named).
        """
        if aliases := self.store.aliases(version.collection):
            raise VectorIndexError(f"version {version.number} of {self.name!r} is served as {aliases[0]!r}: switch first")
        self.store.drop(version.collection)

    def prune(self, keep: int = 2) -> list[int]:
        """Drop all but the newest ``keep`` versions; return the numbers dropped.

        What any alias points to, this index's or another, is never dropped. A version that was passed over, older than the
        live one and never live itself, is not among those kept.

        Raises:
            VectorIndexError: ``keep`` is below 0.
        """
        if keep < 0:
            raise VectorIndexError(f"keep={keep}: pass 0 or more versions to keep")
        versions, live = self.versions(), self.live
        useful = [v for v in versions if v.served or live is None or v.number > live.number]
        kept = useful[len(useful) - min(keep, len(useful)) :]
        dropped = [v for v in versions if v not in kept and not self.store.aliases(v.collection)]
        for v in dropped:
            self.store.drop(v.collection)
        return [v.number for v in dropped]

    # --- reading back ---------------------------------------------------------------------------------------------

    def stored(self, version: Version) -> Embedded:
        """Return ids, text hashes and vectors of a version, in the order they were given to ``build``.

        Raises:
            VectorIndexError: It is of the previous format, or damaged: not what it was built from.
        """
        return stored(self.store, version)

    def stored_hashes(self, version: Version) -> dict[str, str]:
        """Return article id -> text hash of a version, without reading its vectors. Raises as ``stored``."""
        return stored_hashes(self.store, version)

    def fault(self, version: Version) -> str | None:
        """Return what is wrong with a version that was whole once, in one line with the remedy; None if nothing is.

        Its rows are counted, read back and compared with what was noted at the build, and its scores with what these rows
        give (of more than 5,000 documents a sample): a second or two for some thousand documents.

        Raises:
            VectorIndexError: A server does not answer.
        """
        return fault(self.store, version)

    def check_count(self, version: Version) -> None:
        """Count the rows of a version, once for as long as this index is open.

        Raises:
            Damaged: Some are gone.
        """
        if (version.collection, version.built) not in self._counted:
            check_count(version, self.store.count(version.collection))
            self._counted.add((version.collection, version.built))
