"""Milvus as the place of an index: embedded in a folder that ends in .db, or a server."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import MilvusClient
from pymilvus.client.types import LoadState

from tutorial_lib.files import held
from tutorial_lib.index.embedded import Embedded
from tutorial_lib.index.layout import Layout
from tutorial_lib.index.milvus_client import Client, NoCollection
from tutorial_lib.index.milvus_schema import EXACT, METADATA, schema_of
from tutorial_lib.index.owner import user
from tutorial_lib.index.record import sealed, unsealed
from tutorial_lib.index.store import Damaged, NameTaken, Noted, VectorIndexError, add_note, being_written

QUERIES = 500
"""Queries sent at a time."""


class MilvusStore:
    """A ``VectorStore`` in Milvus.

    Attributes:
        client: Every method of ``MilvusClient``, tried again while a server is away.
        layout: How new collections lie on a server.
    """

    def __init__(self, uri: str | Path | None = None, token: str | None = None, layout: Layout | None = None) -> None:
        """Open a path that ends in .db or the address of a server, by default MILVUS_URI, with a token.

        Args:
            uri: By default the environment's MILVUS_URI.
            token: user:password or API key of a server; by default the environment's MILVUS_TOKEN.
            layout: How new collections lie on a server.

        Raises:
            VectorIndexError: No address is given, nothing answers there after several tries, the token is refused, or
                another process has the file open.
        """
        self.client = Client(uri, token)
        self.layout = layout or Layout()

    @property
    def address(self) -> str:
        """The path or URI, without user name, password or token."""
        return self.client.address

    @property
    def shared(self) -> bool:
        """Whether it is a server: only one process can open an embedded index."""
        return self.client.file is None

    def close(self) -> None:
        """Close the connection; an embedded index can then be opened by another process."""
        self.client.close()

    # --- collections ----------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of all collections."""
        return self.client.list_collections()

    def describe(self, name: str) -> Noted | None:
        """Return the collection of this name or alias and what is noted with it; None if there is none."""
        try:
            # Asked for the alias, the answer holds its collection and what is noted there, all of one moment.
            description = self.client.describe_collection(name)
        except NoCollection:
            return None
        except VectorIndexError as error:
            raise error if self.shared else Damaged(f"{error}: {_drop_it(name)}") from None
        try:
            noted = unsealed(description["properties"].get(METADATA, "{}"))
        except ValueError as error:
            what = (
                f"what is noted with {description['collection_name']!r} on the index at {self.address} is damaged ({error})"
            )
            raise Damaged(f"{what}: {_drop_it(description['collection_name'])}") from None
        return Noted(description["collection_name"], noted)

    def note(self, collection: str, record: Mapping[str, Any]) -> None:
        """Put ``record`` in the place of what is noted with a collection."""
        self.client.alter_collection_properties(collection, {METADATA: sealed(record)})

    def create(self, collection: str, record: Mapping[str, Any], *, documents: int, dimension: int, id_bytes: int) -> None:
        """Make an empty collection, laid out for so many documents, with the parameters to search it noted.

        Args:
            collection: Its name.
            record: What to note with it.
            documents: Rows it will hold.
            dimension: Length of a vector.
            id_bytes: Of the longest id, in UTF-8.

        Raises:
            VectorIndexError: There is one, or Milvus fails.
        """
        kind, _, params = self._index_for(documents)
        record = {**record, "search_params": params, "exact_scores": kind in EXACT}
        self._sweep()
        try:
            self.client.create_collection(
                collection,
                schema=schema_of(dimension, id_bytes),
                num_shards=self.layout.shards,
                consistency_level=self.layout.consistency,
                properties={METADATA: sealed(record)},
            )
        except VectorIndexError as error:
            self._sweep()  # a full disk leaves the folder and nothing in it
            if "exist" in str(error).replace(self.address, "") and self.describe(collection) is None:
                raise NameTaken(str(error)) from None
            raise
        found = self.describe(collection)
        if found is None or found.record != record:  # a server may take the second to create it too
            raise VectorIndexError(f"another machine began to build {collection} at the same moment: wait until it has ended")

    def _sweep(self) -> None:
        """Remove from an embedded index the folders that a kill or a full disk has left without a schema.

        The embedded index does not see them and refuses to make a collection of their name. No other build is at work: the
        lock of the file is held.
        """
        if self.client.file:
            for folder in (self.client.file / "collections").glob("*_v*/"):
                if not (folder / "schema.json").exists():
                    shutil.rmtree(folder, ignore_errors=True)

    def drop(self, collection: str) -> None:
        """Remove a collection: an embedded one is noted as unfinished first, so that a kill leaves no half of a version."""
        if self.client.file:
            with suppress(VectorIndexError):  # what is damaged, or on a full disk, takes no note, and is to go all the same
                add_note(self, collection, complete=False)
        self.client.drop_collection(collection)

    def aliases(self, collection: str) -> list[str]:
        """Return the aliases that point to a collection."""
        return self.client.list_aliases(collection)["aliases"]

    def point(self, alias: str, collection: str) -> None:
        """Make an alias point to a collection."""
        if alias in self.client.list_aliases()["aliases"]:
            self.client.alter_alias(collection, alias)
        else:
            self.client.create_alias(collection, alias)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Keep other builds of this machine off the file, or off index ``name`` of a server; a kill lets go of it.

        Raises:
            VectorIndexError: Another build is running.
        """
        key = hashlib.sha256(f"{self.address} {name} {user()}".encode()).hexdigest()[:16]
        file = self.client.file
        path = f"{file}.lock" if file else Path(tempfile.gettempdir(), f"tutorial_lib-{key}.lock")
        with held(path, being_written(name, self.address)):
            yield

    # --- rows -----------------------------------------------------------------------------------------------------

    def insert(self, collection: str, rows: Embedded, first: int) -> None:
        """Send rows, the first of which is row number ``first``."""
        columns = zip(rows.ids, rows.hashes, rows.vectors, strict=True)
        self.client.insert(
            collection,
            [{"id": i, "text_hash": h, "position": n, "vector": v} for n, (i, h, v) in enumerate(columns, first)],
        )

    def finish(self, collection: str, documents: int) -> None:
        """Build the search index of a collection whose rows are all sent, and take it into memory."""
        self.client.flush(collection)  # or else every search would scan the write buffer
        kind, params, _ = self._index_for(documents)
        index = MilvusClient.prepare_index_params()
        # Parameters within "params": given flat, the embedded index drops them without a word.
        index.add_index("vector", index_type=kind, metric_type="IP", params={"params": params})
        # A server builds it in the background; the embedded index has it at once, and half a second's wait is saved.
        self.client.create_index(collection, index, sync=self.shared)
        self.load(collection)

    def load(self, collection: str) -> None:
        """Take a collection into memory, unless it is there: a reader leaves the number of replicas as it is."""
        if self.client.get_load_state(collection)["state"] != LoadState.Loaded:
            self.client.load_collection(collection, replica_number=self.layout.replicas)

    def rows(self, collection: str, first: int, stop: int) -> Embedded:
        """Return rows number ``first`` to before ``stop``; a server gives at most 16,384 an answer."""
        found = self._query(collection, first, stop, ["id", "text_hash", "vector"])
        vectors = np.array([row["vector"] for row in found], dtype=np.float32) if found else np.empty((0, 0), np.float32)
        return Embedded([row["id"] for row in found], [row["text_hash"] for row in found], vectors)

    def hashes(self, collection: str, first: int, stop: int) -> dict[str, str]:
        """Return document id -> text hash of the same rows."""
        return {row["id"]: row["text_hash"] for row in self._query(collection, first, stop, ["id", "text_hash"])}

    def count(self, collection: str) -> int:
        """Return how many rows a collection holds."""
        return int(self.client.query(collection, filter="", output_fields=["count(*)"])[0]["count(*)"])

    def search(
        self, collection: str, vectors: NDArray[np.float32], k: int, params: Mapping[str, Any]
    ) -> list[dict[str, float]]:
        """Return document id -> inner product of the ``k`` best rows of each query.

        Args:
            collection: Where to look.
            vectors: float32, (Q, D), unit length.
            k: Rows a query.
            params: Of the index type, as noted when the collection was made.

        Raises:
            VectorIndexError: Milvus fails.
        """
        results: list[dict[str, float]] = []
        for start in range(0, len(vectors), QUERIES):
            part = self.client.search(
                collection,
                data=list(vectors[start : start + QUERIES]),
                limit=k,
                output_fields=["id"],
                anns_field="vector",
                search_params={"params": dict(params)},
            )
            results += [{h["id"]: float(h["distance"]) for h in hits} for hits in part]
        return results

    def _query(self, collection: str, first: int, stop: int, fields: list[str]) -> list[dict[str, Any]]:
        found = self.client.query(
            collection, output_fields=["position", *fields], filter=f"position >= {first} and position < {stop}"
        )
        if found and (lost := {"position", *fields} - set(found[0])):
            raise Damaged(f"{collection} on the index at {self.address} has lost {', '.join(lost)}: {_drop_it(collection)}")
        return sorted(found, key=lambda row: row["position"])

    def _index_for(self, documents: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
        return self.layout.index_for(documents, embedded=not self.shared)


def _drop_it(collection: str) -> str:
    return f"if its files are damaged, drop it with index.store.drop({collection!r}) and reindex"
