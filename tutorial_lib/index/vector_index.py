"""The vector index: a new version for every model, checked before an alias switches to it, the old one kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient
from pymilvus.client.types import LoadState
from tqdm.auto import tqdm

from tutorial_lib.index.milvus import Client, NoCollection, VectorIndexError, whoami
from tutorial_lib.index.shards import Embedded
from tutorial_lib.index.version import (
    FORMAT,
    METADATA,
    Layout,
    Verification,
    Version,
    check_rows,
    corpus_hash,
    record_of,
    version_of,
)
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.calibration import Calibration
from tutorial_lib.retrieval.runs import Run, ranked

__all__ = ["Layout", "VectorIndex", "VectorIndexError", "Verification", "Version"]


READ_ROWS = 5000
"""Rows read back at a time; a Milvus server gives at most 16,384 an answer."""


SEARCHES = 5
"""How often a search is begun anew because the live version changed underneath or the server was restarted."""


class VectorIndex:
    """Versions ``<name>_v1``, ``<name>_v2``, … of one corpus' vectors behind the alias ``<name>``."""

    def __init__(
        self, uri: str | Path | None = None, name: str = "articles", *, token: str | None = None, layout: Layout | None = None
    ) -> None:
        """Open the index at ``uri``: a file path (ending in .db) or the address of a Milvus server.

        Args:
            uri: By default the environment's MILVUS_URI.
            name: Of the alias; letters, digits and underscores.
            token: user:password or API key of a server; by default the environment's MILVUS_TOKEN.
            layout: How new versions lie on a server.

        Raises:
            VectorIndexError: The name is not a Milvus name, no address is given, nothing answers there after several
                tries, the token is refused, or another process has the file open.
        """
        if not re.fullmatch(r"[A-Za-z_]\w*", name, flags=re.ASCII):
            raise VectorIndexError(f"index name {name!r}: pass letters, digits and underscores, not starting with a digit")
        self.name = name
        self.layout = layout or Layout()
        self.client = Client(uri, token)

    def close(self) -> None:
        """Close the connection; an embedded index can then be opened by another process."""
        self.client.close()

    # --- versions -------------------------------------------------------------------------------------------------

    def versions(self) -> list[Version]:
        """Return every complete version, oldest first."""
        live = self.live
        ours = [c for c in self.client.list_collections() if re.fullmatch(rf"{self.name}_v\d+", c)]
        found = [self._find(c, live.collection if live else None) for c in ours]
        return sorted((v for v in found if v), key=lambda v: v.number)

    @property
    def live(self) -> Version | None:
        """The version searches go to, if any."""
        return self._find(self.name, None)

    def _find(self, collection: str, live: str | None) -> Version | None:
        try:
            # Asked for the alias, the answer holds its collection and what is noted there, all of one moment.
            description = self.client.describe_collection(collection)
        except NoCollection:
            return None
        return version_of(description, self.name, description["collection_name"] if collection == self.name else live)

    def version(self, number: int) -> Version:
        """Return one version; raises VectorIndexError naming those there are."""
        versions = self.versions()
        for v in versions:
            if v.number == number:
                return v
        raise VectorIndexError(f"no version {number} of {self.name!r}: there are {[v.number for v in versions]}")

    def _note(self, collection: str, **facts: Any) -> None:
        record = record_of(self.client.describe_collection(collection))
        self.client.alter_collection_properties(collection, {METADATA: json.dumps({**record, **facts})})

    def _load(self, collection: str) -> None:
        """Take a collection into memory, unless it is there: a reader leaves the number of replicas as it is."""
        if self.client.get_load_state(collection)["state"] != LoadState.Loaded:
            self.client.load_collection(collection, replica_number=self.layout.replicas)

    # --- build, verify, switch ------------------------------------------------------------------------------------

    def build(
        self,
        document_ids: Sequence[str],
        vectors: NDArray[np.float32],
        encoder: Encoder,
        *,
        hashes: Sequence[str] | None = None,
        calibration: Calibration | None = None,
        batch: int = 1000,
    ) -> Version:
        """Write a new version beside the others; searches still go to the old one.

        What a build that fails has written is dropped; what a killed one left is dropped by the next.

        Args:
            document_ids: Ids, length N, no two alike.
            vectors: float32, (N, D), unit length, one an id.
            encoder: The encoder that made them; its fingerprint and settings are stored.
            hashes: ``text_hash`` of each article, so that ``reindex`` knows what has changed.
            calibration: Of the encoder, for ``search(min_confidence=…)``.
            batch: Vectors sent at a time.

        Raises:
            DataError: Ids, vectors and hashes do not match, an id is used twice, or a vector holds NaN (the article is
                named).
            VectorIndexError: Another build is running, or the disk is full or the server gone: then nothing has changed.
        """
        check_rows(document_ids, vectors, hashes)
        with self.client.alone(self.name):
            number = self._free_number()
            collection = f"{self.name}_v{number}"
            record = {
                "format": FORMAT,
                "fingerprint": encoder.fingerprint,
                "encoder": encoder.name,
                "settings": asdict(encoder.settings),
                "dimension": int(vectors.shape[1]),
                "articles": len(document_ids),
                "corpus": corpus_hash(document_ids, hashes) if hashes is not None else None,
                "calibration": calibration.record() if calibration else None,
                "search_params": self._index_for(len(document_ids))[2],
                "built": datetime.now(UTC).isoformat(),
                "owner": whoami(),
            }
            self._create(collection, record, max(len(a.encode()) for a in document_ids))
            try:
                self._write(collection, document_ids, vectors, hashes or [""] * len(document_ids), batch)
                self._note(collection, complete=True)
            except BaseException:
                for _ in range(2):  # Milvus Lite writes out what it is about to drop, which a full disk refuses once
                    with suppress(VectorIndexError):
                        self.client.drop_collection(collection)
                        break
                raise
        return self.version(number)

    def _free_number(self) -> int:
        """Return the number of the next version; drops what a killed build left under it."""
        number = 1 + max((v.number for v in self.versions()), default=0)
        while self.client.has_collection(collection := f"{self.name}_v{number}"):
            record = record_of(self.client.describe_collection(collection))
            if record and not record.get("complete"):
                # The builder holds a lock on its own machine, and an embedded index only one process can open.
                if not self.client.file and record.get("owner") != whoami():
                    raise VectorIndexError(
                        f"{record.get('owner')} has been building {collection} since {record.get('built')}: wait until that "
                        f"has ended; if it was killed, drop what it left: index.client.drop_collection({collection!r})"
                    )
                self.client.drop_collection(collection)
                break
            number += 1  # a collection made by hand
        return number

    def _create(self, collection: str, record: dict[str, Any], id_bytes: int) -> None:
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=max(64, id_bytes))
        schema.add_field("text_hash", DataType.VARCHAR, max_length=64)
        # To read the rows back in pieces: ids may hold quotes, which Milvus' own iterator puts into a filter as they are.
        schema.add_field("position", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=record["dimension"])
        self.client.create_collection(
            collection,
            schema=schema,
            num_shards=self.layout.shards,
            consistency_level=self.layout.consistency,
            properties={METADATA: json.dumps(record)},
        )
        if record_of(self.client.describe_collection(collection)) != record:  # a server may take the second to create it too
            raise VectorIndexError(f"another machine began to build {collection} at the same moment: wait until it has ended")

    def _index_for(self, documents: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
        return self.layout.index_for(documents, embedded=self.client.file is not None)

    def _write(
        self, collection: str, document_ids: Sequence[str], vectors: NDArray[np.float32], hashes: Sequence[str], batch: int
    ) -> None:
        for start in tqdm(
            range(0, len(document_ids), batch),
            desc=f"write {collection}",
            unit="batch",
            disable=len(document_ids) < 20 * batch,
        ):
            part = range(start, min(start + batch, len(document_ids)))
            self.client.insert(
                collection,
                [{"id": document_ids[n], "text_hash": hashes[n], "position": n, "vector": vectors[n]} for n in part],
            )
        self.client.flush(collection)  # or else every search would scan the write buffer
        kind, params, _ = self._index_for(len(document_ids))
        index = MilvusClient.prepare_index_params()
        # Parameters within "params": given flat, the embedded index drops them without a word.
        index.add_index("vector", index_type=kind, metric_type="IP", params={"params": params})
        # A server builds it in the background; the embedded index has it at once, and half a second's wait is saved.
        self.client.create_index(collection, index, sync=not self.client.file)
        self._load(collection)

    def verify(
        self,
        version: Version,
        document_ids: Sequence[str],
        vectors: NDArray[np.float32],
        query_vectors: NDArray[np.float32],
        *,
        min_recall: float = 0.99,
        smoke: Mapping[str, str] | None = None,
        encoder: Encoder | None = None,
    ) -> Verification:
        """Compare ``version`` with exact search over the vectors it was built from, and ask it what must not go wrong.

        Args:
            version: What ``build`` returned.
            document_ids: Ids, length N.
            vectors: float32, (N, D), unit length.
            query_vectors: float32, (Q, D), unit length: a sample of what users ask.
            min_recall: Share of the exact top 10 that must be found.
            smoke: Query text -> article that must be among its first 10.
            encoder: Encodes the smoke queries.

        Raises:
            VectorIndexError: ``smoke`` without the encoder of this version.
        """
        self._load(version.collection)
        position = {a: n for n, a in enumerate(document_ids)}
        shares = []
        for vector, hits in zip(query_vectors, self._search(version, query_vectors, 10), strict=True):
            scores = vectors @ vector
            k = min(10, len(scores))
            # By score, not by id: of articles with equal vectors any may stand in the top 10.
            last = np.partition(scores, len(scores) - k)[len(scores) - k] - 1e-5
            shares.append(sum(a in position and scores[position[a]] >= last for a in hits) / k)
        rows = int(self.client.query(version.collection, filter="", output_fields=["count(*)"])[0]["count(*)"])
        missed: tuple[str, ...] = ()
        if smoke:
            if encoder is None or encoder.fingerprint != version.fingerprint:
                raise VectorIndexError(
                    f"smoke queries for version {version.number} need its encoder, {version.encoder} "
                    f"({version.fingerprint}): pass encoder=…"
                )
            found = self._search(version, encoder.encode_queries(list(smoke)), 10)
            missed = tuple(q for (q, a), hits in zip(smoke.items(), found, strict=True) if a not in hits)
        return Verification(
            version.number,
            float(np.mean(shares)) if shares else 1.0,
            rows,
            len(document_ids),
            len(query_vectors),
            min_recall,
            missed,
        )

    def switch(self, verification: Verification) -> Version:
        """Send searches to a verified version, at once and for all readers; the old version stays for ``rollback``.

        Raises:
            VectorIndexError: The verification did not pass.
        """
        v = verification
        if not v.passed:
            smoke = f", smoke queries without their article: {', '.join(map(repr, v.missed))}" if v.missed else ""
            raise VectorIndexError(
                f"version {v.version} is not switched to: recall {v.recall:.3f} of {v.min_recall} wanted, "
                f"{v.rows} rows of {v.expected_rows}{smoke}: build it again"
            )
        return self._point_alias(self.version(v.version))

    def rollback(self) -> Version:
        """Send searches back to the version that was live before.

        Raises:
            VectorIndexError: There is none.
        """
        live = self.live
        older = [v for v in self.versions() if live and v.number < live.number and v.served]
        if not older:
            raise VectorIndexError(f"nothing to roll back to: {self.name!r} has no version before the live one")
        return self._point_alias(older[-1])

    def _point_alias(self, version: Version) -> Version:
        self._load(version.collection)
        self._note(version.collection, served=True)
        if self.name in self.client.list_aliases()["aliases"]:
            self.client.alter_alias(version.collection, self.name)
        else:
            self.client.create_alias(version.collection, self.name)
        return self.version(version.number)

    def prune(self, keep: int = 2) -> list[int]:
        """Drop all but the newest ``keep`` versions; return the numbers dropped.

        What any alias points to, this index's or another, is never dropped. A version that was passed over, older than the
        live one and never live itself, is not among those kept.
        """
        if keep < 0:
            raise VectorIndexError(f"keep={keep}: pass 0 or more versions to keep")
        versions, live = self.versions(), self.live
        useful = [v for v in versions if v.served or live is None or v.number > live.number]
        kept = useful[len(useful) - min(keep, len(useful)) :]
        dropped = [v for v in versions if v not in kept and not self.client.list_aliases(v.collection)["aliases"]]
        for v in dropped:
            self.client.drop_collection(v.collection)
        return [v.number for v in dropped]

    # --- reading back ---------------------------------------------------------------------------------------------

    def stored(self, version: Version) -> Embedded:
        """Return ids, text hashes and vectors of a version, in the order they were given to ``build``.

        Raises:
            VectorIndexError: It is of the previous format.
        """
        ids: list[str] = []
        hashes: list[str] = []
        vectors = []
        for rows in self._rows(version, ["id", "text_hash", "vector"]):
            ids += [row["id"] for row in rows]
            hashes += [row["text_hash"] for row in rows]
            vectors.append(np.array([row["vector"] for row in rows], dtype=np.float32))
        return Embedded(ids, hashes, np.concatenate(vectors))

    def stored_hashes(self, version: Version) -> dict[str, str]:
        """Return article id -> text hash of a version, without reading its vectors. Raises as ``stored``."""
        return {row["id"]: row["text_hash"] for rows in self._rows(version, ["id", "text_hash"]) for row in rows}

    def _rows(self, version: Version, fields: list[str]) -> Iterator[list[dict[str, Any]]]:
        if version.format < FORMAT:
            raise VectorIndexError(
                f"version {version.number} of {self.name!r} was written by an older version of this "
                "package, without text hashes: build it anew"
            )
        self._load(version.collection)
        for start in range(0, version.documents, READ_ROWS):
            rows = self.client.query(
                version.collection,
                output_fields=["position", *fields],
                filter=f"position >= {start} and position < {start + READ_ROWS}",
            )
            yield sorted(rows, key=lambda row: row["position"])

    # --- search ---------------------------------------------------------------------------------------------------

    def search(
        self,
        queries: Mapping[str, str],
        encoder: Encoder | Sequence[Encoder],
        *,
        k: int = 10,
        min_confidence: float | None = None,
    ) -> Run:
        """Return the ``k`` nearest articles of each query (id -> text) from the live version.

        All queries of a call are answered by one version with its own encoder, whatever is switched meanwhile.

        Args:
            queries: Query id -> text.
            encoder: The live version's encoder; a service that must live through a switch passes the old and the new.
            k: Articles a query.
            min_confidence: A query whose best article is less likely to answer than this gets none: "no good answer".

        Raises:
            VectorIndexError: No version is live, the live one holds another encoder's vectors (all are named), or it has
                no calibration and ``min_confidence`` is given.
        """
        encoders = list(encoder) if isinstance(encoder, Sequence) else [encoder]
        encoded: dict[str, NDArray[np.float32]] = {}
        for attempt in range(1, SEARCHES + 1):
            live = self._live_for(encoders, min_confidence)
            if live.fingerprint not in encoded:
                own = next(e for e in encoders if e.fingerprint == live.fingerprint)
                encoded[live.fingerprint] = own.encode_queries(list(queries.values()))
            try:
                # By collection, not by alias: a switch since the check above must not mix two models.
                hits = self._search(live, encoded[live.fingerprint], k)
            except VectorIndexError:
                if self.live == live:
                    if attempt == SEARCHES:
                        raise
                    self._load(live.collection)  # a server that was restarted has nothing in memory
                continue
            if self.live == live:  # else it was dropped, and its name may have gone to another model's vectors
                return {q: self._good(ranked(found, k), live, min_confidence) for q, found in zip(queries, hits, strict=True)}
        raise VectorIndexError(f"{self.name!r} was switched {SEARCHES} times within one search: search again")

    def _live_for(self, encoders: Sequence[Encoder], min_confidence: float | None) -> Version:
        live = self.live
        if live is None:
            raise VectorIndexError(f"no version of {self.name!r} is live: build, verify and switch to one")
        if live.fingerprint not in {e.fingerprint for e in encoders}:
            names = " or ".join(f"{e.name} ({e.fingerprint})" for e in encoders)
            raise VectorIndexError(
                f"version {live.number} of {self.name!r} holds vectors of {live.encoder} "
                f"({live.fingerprint}), the query would be encoded by {names}: their scores mean nothing "
                "together; load that encoder, or build and switch to a version made with this one"
            )
        if min_confidence is not None and live.calibration is None:
            raise VectorIndexError(
                f"version {live.number} of {self.name!r} does not say what its scores are worth: build it "
                "with calibration=calibrate(…), or leave min_confidence out"
            )
        return live

    def _good(self, hits: dict[str, float], live: Version, min_confidence: float | None) -> dict[str, float]:
        if min_confidence is None or live.calibration is None or not hits:
            return hits
        return hits if live.calibration.confidence(next(iter(hits.values()))) >= min_confidence else {}

    def _search(self, version: Version, vectors: NDArray[np.float32], k: int) -> list[dict[str, float]]:
        results: list[dict[str, float]] = []
        for start in range(0, len(vectors), 500):
            part = self.client.search(
                version.collection,
                data=list(vectors[start : start + 500]),
                limit=k,
                output_fields=["id"],
                anns_field="vector",
                search_params={"params": version.search_params},
            )
            results += [{h["id"]: float(h["distance"]) for h in hits} for hits in part]
        return results
