"""From what a user passes as the place of an index to an open store."""

from __future__ import annotations

from pathlib import Path

from tutorial_lib.index.layout import Layout
from tutorial_lib.index.store import VectorIndexError, VectorStore


def open_store(place: str | Path | VectorStore | None, token: str | None = None, layout: Layout | None = None) -> VectorStore:
    """Return ``place`` if it is an open store, else Milvus at that path or address, by default at MILVUS_URI.

    Raises:
        VectorIndexError: The place cannot be opened, or token or layout, which are Milvus', are given with an open store.
    """
    if place is None or isinstance(place, str | Path):
        from tutorial_lib.index.milvus import MilvusStore  # here: its client takes a second to import

        return MilvusStore(place, token, layout)
    if token is not None or layout is not None:
        raise VectorIndexError(
            f"token and layout are for Milvus, and the store at {place.address} is open: leave them out, or pass "
            "them to the store"
        )
    return place
