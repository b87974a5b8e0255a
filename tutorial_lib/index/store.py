"""What an index asks of the place its vectors are kept in: a second engine is one file that offers this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.index.embedded import Embedded


class VectorIndexError(ValueError):
    """The index cannot do what was asked; the message says why and what to do."""


class Damaged(VectorIndexError):
    """What is on disk is not what was written there."""


class NameTaken(VectorIndexError):
    """A collection cannot be made because something that is none stands under its name; another name may do."""


def being_written(name: str, address: str) -> VectorIndexError:
    """Return what ``alone`` raises where another build of index ``name`` is running."""
    return VectorIndexError(
        f"another build is writing to {name!r} at {address}: wait until it has ended, or stop it, then build again"
    )


@dataclass(frozen=True)
class Noted:
    """A collection that is there, and what is noted with it.

    Attributes:
        collection: Its name.
        record: What ``create`` and ``note`` were given, and what the store has added; empty for a collection made by hand.
    """

    collection: str
    record: Mapping[str, Any]


class VectorStore(Protocol):
    """A place of named collections: rows of document id, text hash and vector, and a noted record; and of aliases.

    Every method raises VectorIndexError, without any secret in its message, when the place does not do as it is asked.
    Vectors are float32 of unit length, so that the inner product, higher is better, is the cosine.
    """

    @property
    def address(self) -> str:
        """Where it is, for messages; without user name, password or token."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other machines may write here too, off which ``alone`` cannot keep them."""
        ...

    def names(self) -> list[str]:
        """Return the names of all collections, those made by hand or not finished too."""
        ...

    def describe(self, name: str) -> Noted | None:
        """Return the collection of this name, or that the alias of this name points to, all of one moment; None if none."""
        ...

    def note(self, collection: str, record: Mapping[str, Any]) -> None:
        """Put ``record``, which JSON can hold, in the place of what is noted with a collection, whole or not at all."""
        ...

    def create(self, collection: str, record: Mapping[str, Any], *, documents: int, dimension: int, id_bytes: int) -> None:
        """Make an empty collection.

        Args:
            collection: Its name; refused if there is one, with ``NameTaken`` if something else stands in its place, such
                as what a full disk or a kill has left of one.
            record: What to note with it. The store may add ``search_params``, to be given to ``search``.
            documents: Rows it will hold.
            dimension: Length of a vector.
            id_bytes: Of the longest id, in UTF-8.
        """
        ...

    def insert(self, collection: str, rows: Embedded, first: int) -> None:
        """Append rows, the first of which is row number ``first`` of the collection, counted from 0."""
        ...

    def finish(self, collection: str, documents: int) -> None:
        """Make a collection of so many rows, all inserted, searchable."""
        ...

    def load(self, collection: str) -> None:
        """Make a finished collection ready to be read, if it is not."""
        ...

    def rows(self, collection: str, first: int, stop: int) -> Embedded:
        """Return rows number ``first`` to before ``stop``, or as many as there are, in that order."""
        ...

    def hashes(self, collection: str, first: int, stop: int) -> dict[str, str]:
        """Return document id -> text hash of the same rows, without reading vectors."""
        ...

    def count(self, collection: str) -> int:
        """Return how many rows a collection holds."""
        ...

    def search(
        self, collection: str, vectors: NDArray[np.float32], k: int, params: Mapping[str, Any]
    ) -> Sequence[Mapping[str, float]]:
        """Return document id -> score of the ``k`` best rows of each query.

        Args:
            collection: Where to look, by its own name.
            vectors: float32, (Q, D), unit length.
            k: Rows a query.
            params: What ``create`` noted as ``search_params``; empty if nothing.
        """
        ...

    def drop(self, collection: str) -> None:
        """Remove a collection."""
        ...

    def aliases(self, collection: str) -> list[str]:
        """Return the aliases that point to a collection."""
        ...

    def point(self, alias: str, collection: str) -> None:
        """Make an alias point to a collection, from one moment to the next for all readers."""
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Keep other builds of index ``name`` on this machine off the place within the block; a kill lets go of it."""
        ...

    def close(self) -> None:
        """Let go of the place."""
        ...


def add_note(store: VectorStore, collection: str, **facts: Any) -> None:
    """Add ``facts`` to what is noted with a collection.

    Raises:
        VectorIndexError: There is no such collection, or the store fails.
    """
    noted = store.describe(collection)
    if noted is None:
        raise VectorIndexError(f"no collection {collection!r} at {store.address}: it was dropped meanwhile, build it again")
    store.note(collection, {**noted.record, **facts})
