"""Reading the rows of a version back, held to what was noted when it was built."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tutorial_lib.index.embedded import Embedded, content_hash
from tutorial_lib.index.store import Damaged, VectorIndexError, VectorStore
from tutorial_lib.index.version import FORMAT, Version

READ_ROWS = 5000
"""Rows read back at a time."""


def stored(store: VectorStore, version: Version) -> Embedded:
    """Return ids, text hashes and vectors of a version, in the order they were given to ``build``.

    Raises:
        VectorIndexError: It is of the previous format.
        Damaged: They are not those it was built from.
    """
    parts = [store.rows(version.collection, first, stop) for first, stop in _pieces(store, version)]
    ids, hashes = [a for part in parts for a in part.ids], [h for part in parts for h in part.hashes]
    check_count(version, len(ids))
    rows = Embedded(ids, hashes, np.concatenate([part.vectors for part in parts]))
    if version.content and version.content != content_hash(rows):
        raise damaged(version, "its rows are not those it was built from")
    return rows


def stored_hashes(store: VectorStore, version: Version) -> dict[str, str]:
    """Return document id -> text hash of a version, without reading its vectors. Raises as ``stored``."""
    hashes: dict[str, str] = {}
    for first, stop in _pieces(store, version):
        hashes |= store.hashes(version.collection, first, stop)
    check_count(version, len(hashes))
    return hashes


def check_count(version: Version, rows: int) -> None:
    """Refuse a version that holds another number of rows than it was built from.

    Raises:
        Damaged: It does.
    """
    if rows != version.documents:
        raise damaged(version, f"it holds {rows:,} rows of {version.documents:,}")


def damaged(version: Version, what: str) -> Damaged:
    """Return the error that says what is wrong with a version, and what to do about it."""
    return Damaged(
        f"version {version.number} of {version.name!r} is damaged, {what}: reindex, which builds it anew, or go back to the "
        "version before with rollback()"
    )


def _pieces(store: VectorStore, version: Version) -> Iterator[tuple[int, int]]:
    if version.format < FORMAT:
        raise VectorIndexError(
            f"version {version.number} of {version.name!r} was written by an older version of this package, without text "
            "hashes: build it anew"
        )
    store.load(version.collection)
    for first in range(0, version.documents, READ_ROWS):
        yield first, min(first + READ_ROWS, version.documents)
