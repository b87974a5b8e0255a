"""Files in one folder as the place of an index, compared one by one: exact, for as many vectors as memory holds.

    <collection>/record.json        what is noted, and mark and SHA-256 of the two files that belong to it
    <collection>/<mark>.float32     the vectors, row after row
    <collection>/<mark>.jsonl       id and text hash of each row
    <alias>.alias.json              the collection that an alias points to

A file that readers look at appears under its name when it is whole, so a kill leaves no half of one.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.files import held, write_text
from tutorial_lib.index.embedded import Embedded
from tutorial_lib.index.flat_rows import FlatRows, append, digests, empty, read_json, read_record
from tutorial_lib.index.record import sealed
from tutorial_lib.index.store import NameTaken, Noted, VectorIndexError, being_written
from tutorial_lib.retrieval.dense import exact_search

ALIAS = ".alias.json"


RECORD = "record.json"


class FlatStore:
    """A ``VectorStore`` in the files of one folder: no server, exact search, readers in any number of processes.

    >>> import tempfile
    >>> import numpy as np
    >>> store = FlatStore(tempfile.mkdtemp())
    >>> store.create("help_v1", {}, documents=2, dimension=2, id_bytes=6)
    >>> store.insert("help_v1", Embedded(["refund", "cancel"], ["", ""], np.eye(2, dtype=np.float32)), 0)
    >>> store.finish("help_v1", 2)
    >>> store.point("help", "help_v1")
    >>> store.search("help_v1", np.array([[0.6, 0.8]], dtype=np.float32), 1, {})[0].keys()
    dict_keys(['cancel'])
    """

    shared = False
    """Its lock keeps all other builds off."""

    def __init__(self, folder: str | Path) -> None:
        """Use a folder, which is made if it is not there.

        Raises:
            VectorIndexError: It cannot be made.
        """
        self.folder = Path(folder).absolute()
        self._opened: dict[str, FlatRows] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise VectorIndexError(f"no index at {self.address}: {error}") from error

    @property
    def address(self) -> str:
        """The folder."""
        return str(self.folder)

    def close(self) -> None:
        """Let go of the vectors."""
        self._opened.clear()

    # --- collections ----------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of all collections."""
        with self._told("names"):
            return sorted(p.parent.name for p in self.folder.glob(f"*/{RECORD}") if not p.parent.name.startswith("."))

    def describe(self, name: str) -> Noted | None:
        """Return the collection of this name or alias and what is noted with it; None if there is none."""
        with self._told("describe"):
            while True:
                target = self._target(name)
                record = read_record(self.folder / (target or name) / RECORD)
                if record is not None:
                    return Noted(target or name, record)
                if target == self._target(name):  # else it was switched and dropped between the two looks
                    return None

    def note(self, collection: str, record: Mapping[str, Any]) -> None:
        """Put ``record`` in the place of what is noted with a collection."""
        with self._told("note"):
            write_text(self.folder / collection / RECORD, sealed(record))

    def create(self, collection: str, record: Mapping[str, Any], *, documents: int, dimension: int, id_bytes: int) -> None:
        """Make an empty collection.

        Args:
            collection: Its name.
            record: What to note with it.
            documents: Rows it will hold.
            dimension: Length of a vector.
            id_bytes: Of the longest id, in UTF-8.

        Raises:
            VectorIndexError: There is one, or the disk refuses.
        """
        record = {**record, "mark": uuid.uuid4().hex, "dimension": dimension, "exact_scores": True}
        with self._told("create"):
            self._sweep(collection)
            if (self.folder / collection).exists() and self.describe(collection) is None:
                raise NameTaken(f"{self.folder / collection} is no collection: move it elsewhere")
            try:
                new = self.folder / f".new-{collection}-{uuid.uuid4().hex}"
                new.mkdir()
                empty(new, record)
                write_text(new / RECORD, sealed(record))
                new.rename(self.folder / collection)
            except OSError:
                shutil.rmtree(new, ignore_errors=True)
                raise

    def _sweep(self, collection: str) -> None:
        """Remove what kills have left of dropped collections, and of this index' unfinished ones: its lock is held."""
        ours = re.compile(rf"\.dropped-.*|\.new-{re.sub(r'[0-9]+$', '', collection)}[0-9]*-[0-9a-f]{{32}}")
        for left_over in self.folder.iterdir():
            if ours.fullmatch(left_over.name):
                shutil.rmtree(left_over, ignore_errors=True)

    def drop(self, collection: str) -> None:
        """Remove a collection: out of sight first, so that a kill leaves no half of it."""
        self._opened.pop(collection, None)
        gone = self.folder / f".dropped-{uuid.uuid4().hex}"
        with self._told("drop"):
            (self.folder / collection).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def aliases(self, collection: str) -> list[str]:
        """Return the aliases that point to a collection."""
        with self._told("aliases"):
            names = sorted(p.name.removesuffix(ALIAS) for p in self.folder.glob(f"*{ALIAS}"))
            return [name for name in names if self._target(name) == collection]

    def point(self, alias: str, collection: str) -> None:
        """Make an alias point to a collection."""
        if (self.folder / alias).exists():
            raise VectorIndexError(f"alias {alias!r} conflicts with an existing collection at {self.address}: rename that")
        with self._told("point"):
            write_text(self.folder / f"{alias}{ALIAS}", json.dumps(collection))

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Keep other builds of index ``name`` off the folder; a kill lets go of it.

        Raises:
            VectorIndexError: Another build is running.
        """
        with held(self.folder / f".{name}.lock", being_written(name, self.address)):
            yield

    # --- rows -----------------------------------------------------------------------------------------------------

    def insert(self, collection: str, rows: Embedded, first: int) -> None:
        """Append rows; ``first`` is how many there are."""
        self._opened.pop(collection, None)
        with self._told("insert"):
            append(self.folder / collection, self._record(collection), rows)

    def finish(self, collection: str, documents: int) -> None:
        """Note the SHA-256 of the files, and read them once: there is nothing to build."""
        with self._told("finish"):
            record = self._record(collection)
            self.note(collection, {**record, "sha256": digests(self.folder / collection, record)})
        self.load(collection)

    def load(self, collection: str) -> None:
        """Compare the files with their SHA-256, read the ids, and let the system read the vectors when they are asked for."""
        self._rows(collection)

    def rows(self, collection: str, first: int, stop: int) -> Embedded:
        """Return rows number ``first`` to before ``stop``."""
        found = self._rows(collection)
        part = slice(first, stop)
        return Embedded(found.ids[part], found.hashes[part], np.array(found.vectors[part]))

    def hashes(self, collection: str, first: int, stop: int) -> dict[str, str]:
        """Return document id -> text hash of the same rows."""
        found = self._rows(collection)
        return dict(zip(found.ids[first:stop], found.hashes[first:stop], strict=True))

    def count(self, collection: str) -> int:
        """Return how many rows a collection holds."""
        return len(self._rows(collection).ids)

    def search(
        self, collection: str, vectors: NDArray[np.float32], k: int, params: Mapping[str, Any]
    ) -> list[dict[str, float]]:
        """Return document id -> cosine of the ``k`` best rows of each query, of equal ones those with the lower id.

        Args:
            collection: Where to look.
            vectors: float32, (Q, D), unit length.
            k: Rows a query.
            params: Not heeded.

        Raises:
            VectorIndexError: There is no such collection.
        """
        ids, rows = self._rows(collection).by_id
        return list(exact_search([str(n) for n in range(len(vectors))], vectors, ids, rows, k=k).values())

    # --- files ----------------------------------------------------------------------------------------------------

    def _target(self, alias: str) -> str | None:
        return read_json(self.folder / f"{alias}{ALIAS}")

    def _record(self, collection: str) -> dict[str, Any]:
        record = read_record(self.folder / collection / RECORD)
        if record is None:
            raise VectorIndexError(f"no collection {collection!r} at {self.address}: it was dropped, or never built")
        return record

    def _rows(self, collection: str) -> FlatRows:
        """Return the rows of a collection, read again only if another has come under its name."""
        with self._told("load"):
            record = self._record(collection)
            rows = self._opened.get(collection)
            if rows is None or rows.mark != record["mark"]:
                rows = self._opened[collection] = FlatRows.read(self.folder / collection, record)
            return rows

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise VectorIndexError(f"{what} failed on the index at {self.address}: {error}") from error
