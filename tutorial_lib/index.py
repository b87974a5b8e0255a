"""The vector index: a new version for every model, checked before an alias switches to it, the old one kept.

Runs on an embedded Milvus Lite file by default and on any Milvus server by its URI, through the same client.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient, MilvusException
from tqdm.auto import tqdm

from tutorial_lib.dataset import DataError
from tutorial_lib.encoder import Encoder
from tutorial_lib.runs import Run, ranked

METADATA = "tutorial_lib"
FLAT_LIMIT = 100_000
"""Vectors up to which every query is compared with all of them; above, an HNSW graph is built."""
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs errors that are caught and told in plain words here


class VectorIndexError(ValueError):
    """The index cannot do what was asked; the message says why and what to do."""


@dataclass(frozen=True)
class Version:
    """One version of the index.

    Attributes:
        number: 1, 2, 3, …
        collection: Name of its Milvus collection.
        fingerprint: Fingerprint of the encoder whose vectors it holds.
        encoder: Name of that encoder.
        articles: Number of vectors.
        live: Whether the alias points to it.
    """

    number: int
    collection: str
    fingerprint: str
    encoder: str
    articles: int
    live: bool


@dataclass(frozen=True)
class Verification:
    """What ``verify`` found for one version.

    Attributes:
        version: Number of the version.
        recall: Share of the exact top 10 that the index returns, mean over the queries, 0 to 1.
        rows: Vectors in the collection.
        expected_rows: Vectors there should be.
        queries: Queries tried.
        min_recall: Recall wanted.
    """

    version: int
    recall: float
    rows: int
    expected_rows: int
    queries: int
    min_recall: float

    @property
    def passed(self) -> bool:
        """Whether this version may go live."""
        return self.rows == self.expected_rows and self.recall >= self.min_recall


class VectorIndex:
    """Versions ``<name>_v1``, ``<name>_v2``, … of one corpus' vectors behind the alias ``<name>``."""

    def __init__(self, uri: str | Path, name: str = "articles", *, token: str = "") -> None:
        """Open the index at ``uri``: a file path (ending in .db) or the address of a Milvus server.

        Raises:
            VectorIndexError: The name is not a Milvus name, or nothing answers at the address.
        """
        if not re.fullmatch(r"[A-Za-z_]\w*", name, flags=re.ASCII):
            raise VectorIndexError(f"index name {name!r}: pass letters, digits and underscores, not starting with a digit")
        self.name = name
        if "://" not in str(uri):
            Path(uri).parent.mkdir(parents=True, exist_ok=True)
        try:
            self.client = MilvusClient(uri=str(uri), token=token)
        except (MilvusException, OSError, ValueError) as error:
            raise VectorIndexError(f"no index at {uri}: {str(error)[:300]}") from error

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    # --- versions -------------------------------------------------------------------------------------------------

    def versions(self) -> list[Version]:
        """Return every complete version, oldest first."""
        live = self._live_collection()
        found = []
        for collection in self.client.list_collections():
            match = re.fullmatch(rf"{re.escape(self.name)}_v(\d+)", collection)
            record = self._metadata(collection) if match else None
            if match and record:
                found.append(Version(int(match[1]), collection, record["fingerprint"], record["encoder"],
                                     record["articles"], collection == live))
        return sorted(found, key=lambda v: v.number)

    @property
    def live(self) -> Version | None:
        """The version searches go to, if any."""
        return next((v for v in self.versions() if v.live), None)

    def version(self, number: int) -> Version:
        """Return one version; raises VectorIndexError naming those there are."""
        for v in self.versions():
            if v.number == number:
                return v
        raise VectorIndexError(f"no version {number} of {self.name!r}: there are {[v.number for v in self.versions()]}")

    def _live_collection(self) -> str | None:
        try:
            return str(self.client.describe_alias(self.name)["collection_name"])
        except MilvusException:
            return None

    def _metadata(self, collection: str) -> dict[str, Any] | None:
        """Return what ``build`` noted on a collection; None for one made by hand or not finished."""
        record = json.loads(self.client.describe_collection(collection)["properties"].get(METADATA, "{}"))
        return record if record.get("complete") else None

    # --- build, verify, switch ------------------------------------------------------------------------------------

    def build(
        self, article_ids: Sequence[str], vectors: NDArray[np.float32], encoder: Encoder, *, batch: int = 1000
    ) -> Version:
        """Write a new version beside the others; searches still go to the old one.

        Args:
            article_ids: Ids, length N, no two alike.
            vectors: float32, (N, D), unit length, one an id.
            encoder: The encoder that made them; its fingerprint is stored.
            batch: Vectors sent at a time.

        Raises:
            DataError: Ids and vectors do not match, an id is used twice, or a vector holds NaN (the article is named).
        """
        _check_vectors(article_ids, vectors)
        number = 1 + max((v.number for v in self.versions()), default=0)
        collection = f"{self.name}_v{number}"
        if self.client.has_collection(collection):
            self.client.drop_collection(collection)  # left by a build that did not finish
        record = {"fingerprint": encoder.fingerprint, "encoder": encoder.name, "articles": len(article_ids),
                  "dimension": int(vectors.shape[1])}
        self._create(collection, vectors.shape[1], max(len(a.encode()) for a in article_ids), len(article_ids), record)
        for start in tqdm(range(0, len(article_ids), batch), desc=f"write {collection}", unit="batch",
                          disable=len(article_ids) < 20 * batch):
            rows = zip(article_ids[start : start + batch], vectors[start : start + batch], strict=True)
            self.client.insert(collection, [{"id": a, "vector": v} for a, v in rows])
        self.client.flush(collection)  # or else every search would scan the write buffer
        self.client.load_collection(collection)
        self.client.alter_collection_properties(collection, {METADATA: json.dumps({**record, "complete": True})})
        return self.version(number)

    def _create(self, collection: str, dimension: int, id_bytes: int, size: int, record: dict[str, Any]) -> None:
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=max(64, id_bytes))
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        index = MilvusClient.prepare_index_params()
        # The type is named: what "AUTOINDEX" builds differs from release to release.
        if size <= FLAT_LIMIT:
            index.add_index("vector", index_type="FLAT", metric_type="IP")
        else:
            index.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 32, "efConstruction": 200})
        self.client.create_collection(collection, schema=schema, index_params=index, consistency_level="Strong",
                                      properties={METADATA: json.dumps(record)})

    def verify(
        self,
        version: Version,
        article_ids: Sequence[str],
        vectors: NDArray[np.float32],
        query_vectors: NDArray[np.float32],
        *,
        min_recall: float = 0.99,
    ) -> Verification:
        """Compare ``version`` with exact search over the vectors it was built from."""
        position = {a: n for n, a in enumerate(article_ids)}
        shares = []
        for vector, hits in zip(query_vectors, self._search(version.collection, query_vectors, 10), strict=True):
            scores = vectors @ vector
            k = min(10, len(scores))
            # By score, not by id: of articles with equal vectors any may stand in the top 10.
            last = np.partition(scores, len(scores) - k)[len(scores) - k] - 1e-5
            shares.append(sum(a in position and scores[position[a]] >= last for a in hits) / k)
        rows = int(self.client.query(version.collection, filter="", output_fields=["count(*)"])[0]["count(*)"])
        return Verification(version.number, float(np.mean(shares)) if shares else 1.0, rows, len(article_ids),
                            len(query_vectors), min_recall)

    def switch(self, verification: Verification) -> Version:
        """Send searches to a verified version, at once and for all readers; the old version stays for ``rollback``.

        Raises:
            VectorIndexError: The verification did not pass.
        """
        v = verification
        if not v.passed:
            raise VectorIndexError(f"version {v.version} is not switched to: recall {v.recall:.3f} of {v.min_recall} wanted, "
                              f"{v.rows} rows of {v.expected_rows}: build it again")
        return self._point_alias(self.version(v.version))

    def rollback(self) -> Version:
        """Send searches back to the version before the live one.

        Raises:
            VectorIndexError: There is none.
        """
        live = self.live
        older = [v for v in self.versions() if live and v.number < live.number]
        if not older:
            raise VectorIndexError(f"nothing to roll back to: {self.name!r} has no version before the live one")
        return self._point_alias(older[-1])

    def _point_alias(self, version: Version) -> Version:
        if self._live_collection() is None:
            self.client.create_alias(version.collection, self.name)
        else:
            self.client.alter_alias(version.collection, self.name)
        return self.version(version.number)

    def prune(self, keep: int = 2) -> list[int]:
        """Drop all but the newest ``keep`` versions, never the live one; return the numbers dropped."""
        dropped = [v for v in self.versions()[:-keep or None] if not v.live]
        for v in dropped:
            self.client.drop_collection(v.collection)
        return [v.number for v in dropped]

    # --- search ---------------------------------------------------------------------------------------------------

    def search(self, queries: Mapping[str, str], encoder: Encoder, *, k: int = 10) -> Run:
        """Return the ``k`` nearest articles of each query (id -> text) from the live version.

        Raises:
            VectorIndexError: No version is live, or the live one holds another encoder's vectors: both are named.
        """
        live = self.live
        if live is None:
            raise VectorIndexError(f"no version of {self.name!r} is live: build, verify and switch to one")
        if live.fingerprint != encoder.fingerprint:
            raise VectorIndexError(f"version {live.number} of {self.name!r} holds vectors of {live.encoder} "
                              f"({live.fingerprint}), the query would be encoded by {encoder.name} "
                              f"({encoder.fingerprint}): their scores mean nothing together; load that encoder, or "
                              "build and switch to a version made with this one")
        # By collection, not by alias: a switch between the check above and the search must not mix two models.
        hits = self._search(live.collection, encoder.encode_queries(list(queries.values())), k)
        return {q: ranked(found, k) for q, found in zip(queries, hits, strict=True)}

    def _search(self, collection: str, vectors: NDArray[np.float32], k: int) -> list[dict[str, float]]:
        results: list[dict[str, float]] = []
        for start in range(0, len(vectors), 500):
            part = self.client.search(collection, data=list(vectors[start : start + 500]), limit=k,
                                      output_fields=["id"], anns_field="vector")
            results += [{h["id"]: float(h["distance"]) for h in hits} for hits in part]
        return results


def _check_vectors(article_ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
    if len(article_ids) == 0 or vectors.ndim != 2 or len(article_ids) != len(vectors):
        raise DataError(f"{len(article_ids)} article ids and vectors of shape {vectors.shape}: pass at least one article "
                        "and one row a vector")
    if len(set(article_ids)) != len(article_ids):
        repeated = Counter(article_ids).most_common(1)[0][0]
        raise DataError(f"article id {repeated!r} is used twice: give each article an id of its own")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise DataError(f"the vector of article {article_ids[bad[0]]!r} holds NaN or infinity ({len(bad)} such in all): "
                        "encode it again")
