"""Writing a version: under a number that is free, with what must be known of it, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tqdm.auto import tqdm

from tutorial_lib.index.embedded import Embedded, content_hash, corpus_hash
from tutorial_lib.index.owner import whoami
from tutorial_lib.index.store import NameTaken, VectorIndexError, VectorStore, add_note
from tutorial_lib.index.version import FORMAT
from tutorial_lib.models.settings import EncoderSettings, TextEncoder, document_space
from tutorial_lib.retrieval.calibration import Calibration

TRIES = 20
"""Names tried for a version."""


def record_of(rows: Embedded, encoder: TextEncoder, calibration: Calibration | None, *, with_hashes: bool) -> dict[str, Any]:
    """Return what is noted with a version as its building begins.

    Args:
        rows: The documents.
        encoder: The encoder that made the vectors; its settings are noted if it has any.
        calibration: Of that encoder.
        with_hashes: Whether their text hashes are known, so that it can be told later what has changed.
    """
    settings = getattr(encoder, "settings", None)
    return {
        "format": FORMAT,
        "fingerprint": document_space(encoder),
        "queries": encoder.fingerprint,
        "encoder": encoder.name,
        **({"settings": asdict(settings)} if isinstance(settings, EncoderSettings) else {}),
        "dimension": int(rows.vectors.shape[1]),
        "articles": len(rows.ids),
        "corpus": corpus_hash(rows.ids, rows.hashes) if with_hashes else None,
        "content": content_hash(rows),
        "calibration": calibration.record() if calibration else None,
        "built": datetime.now(UTC).isoformat(),
        "owner": whoami(),
    }


def free_number(store: VectorStore, name: str, number: int) -> int:
    """Return the number of the next version of index ``name``, ``number`` or above; drop what a killed build left under it.

    Raises:
        VectorIndexError: Another machine has begun to build that version.
    """
    while noted := store.describe(f"{name}_v{number}"):
        if noted.record and not noted.record.get("complete"):
            _drop_left_over(store, noted.collection, noted.record)
            break
        number += 1  # a collection made by hand
    return number


def _drop_unfinished(store: VectorStore, name: str) -> None:
    """Drop what kills have left half built or half dropped; where other machines may be building, it is not ours to tell."""
    for collection in [] if store.shared else store.names():
        noted = store.describe(collection) if re.fullmatch(rf"{name}_v\d+", collection) else None
        if noted and noted.record and not noted.record.get("complete"):
            store.drop(collection)


def _drop_left_over(store: VectorStore, collection: str, record: Mapping[str, Any]) -> None:
    # The builder holds a lock on its own machine, so there it is no more.
    if store.shared and record.get("owner") != whoami():
        raise VectorIndexError(
            f"{record.get('owner')} has been building {collection} since {record.get('built')}: wait until that "
            f"has ended; if it was killed, drop what it left: index.store.drop({collection!r})"
        )
    store.drop(collection)


def write_next(store: VectorStore, name: str, number: int, record: Mapping[str, Any], rows: Embedded, batch: int) -> int:
    """Write ``rows`` as the next version of index ``name`` and return its number, the first from ``number`` on that is free.

    Args:
        store: Where to.
        name: Of the index.
        number: The first that may be.
        record: What ``record_of`` returned.
        rows: The documents.
        batch: Rows sent at a time.

    Raises:
        VectorIndexError: Another machine builds this index, or the store fails.
    """
    _drop_unfinished(store, name)
    for _ in range(TRIES):
        number = free_number(store, name, number)
        try:
            write_version(store, f"{name}_v{number}", record, rows, batch)
        except NameTaken:  # by what a server that was killed has left: it is out of our reach, and out of sight
            number += 1
            continue
        return number
    raise VectorIndexError(f"no version of {name!r} can be made at {store.address}: the last {TRIES} names are all taken")


def write_version(store: VectorStore, collection: str, record: Mapping[str, Any], rows: Embedded, batch: int) -> None:
    """Make a collection of ``rows``, ``batch`` at a time, complete in the end; what fails is dropped.

    Args:
        store: Where to.
        collection: Its name.
        record: What ``record_of`` returned.
        rows: The documents.
        batch: Rows sent at a time.

    Raises:
        VectorIndexError: The store fails.
    """
    store.create(
        collection,
        record,
        documents=len(rows.ids),
        dimension=int(rows.vectors.shape[1]),
        id_bytes=max(len(a.encode()) for a in rows.ids),
    )
    try:
        _insert(store, collection, rows, batch)
        store.finish(collection, len(rows.ids))
        add_note(store, collection, complete=True)
    except BaseException:
        _drop(store, collection)
        raise


def _insert(store: VectorStore, collection: str, rows: Embedded, batch: int) -> None:
    small = len(rows.ids) < 20 * batch
    for first in tqdm(range(0, len(rows.ids), batch), desc=f"write {collection}", unit="batch", disable=small):
        part = slice(first, first + batch)
        store.insert(collection, Embedded(rows.ids[part], rows.hashes[part], rows.vectors[part]), first)


def _drop(store: VectorStore, collection: str) -> None:
    for _ in range(2):  # Milvus Lite writes out what it is about to drop, which a full disk refuses once
        with suppress(VectorIndexError):
            store.drop(collection)
            break
