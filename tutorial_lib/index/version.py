"""What a version of the index is: how it lies on a server, what is noted with it, what was found when it was checked."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError
from tutorial_lib.index.shards import check_finite
from tutorial_lib.retrieval.calibration import Calibration

METADATA = "tutorial_lib"


FORMAT = 2
"""Of rows and metadata. Format 1 had neither position nor text hash in its rows, and no number in its metadata."""


FLAT_LIMIT = 100_000
"""Vectors up to which every query is compared with all of them; above, an HNSW graph is built."""


COPIED = 1000
"""Vectors from which on copying them at every search is felt."""


@dataclass(frozen=True)
class Layout:
    """How a version lies on a server; the embedded index heeds the index type only.

    Attributes:
        index_type: "FLAT", "HNSW" or another type that the server knows; by default by the number of vectors.
        index_params: Parameters to build that type with, such as M and efConstruction.
        search_params: Parameters to search it with, such as ef; they are kept with the version and every reader uses them.
        shards: Parts that take writes side by side.
        replicas: Copies in memory that answer searches; each needs a query node of its own.
        consistency: "Strong", "Bounded", "Session" or "Eventually": whether a search waits for the latest writes. A
            version is never written to once it is built, so a weaker level costs nothing but may lag right after a build.
    """

    index_type: str | None = None
    index_params: Mapping[str, Any] | None = None
    search_params: Mapping[str, Any] | None = None
    shards: int = 1
    replicas: int = 1
    consistency: str = "Strong"

    def index_for(self, documents: int, *, embedded: bool = False) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Return the index type for so many vectors, and its parameters for building and for searching."""
        # Always a named type: what "AUTOINDEX" builds differs from release to release.
        if self.index_type:
            return self.index_type, dict(self.index_params or {}), dict(self.search_params or {})
        if embedded and COPIED <= documents <= FLAT_LIMIT:
            # One list, all of it searched: as exact as FLAT, for which Milvus Lite copies all vectors at every search.
            return "IVF_FLAT", {"nlist": 1}, {"nprobe": 1}
        if documents <= FLAT_LIMIT:
            return "FLAT", {}, {}
        return "HNSW", {"M": 32, "efConstruction": 200}, {"ef": 256}


@dataclass(frozen=True)
class Version:
    """One version of the index.

    Attributes:
        number: 1, 2, 3, …
        collection: Name of its Milvus collection.
        fingerprint: Fingerprint of the encoder whose vectors it holds.
        encoder: Name of that encoder.
        documents: Number of vectors.
        live: Whether the alias points to it.
        format: Of its rows and metadata; 1 was written by an older version of this package.
        corpus: ``corpus_hash`` of its articles; None if it was built without their hashes.
        built: When, in UTC; no two builds have the same.
        served: Whether it is or was live.
        calibration: What a score of its encoder is worth, if it was built with that.
        search_params: What to search its index with.
    """

    number: int
    collection: str
    fingerprint: str
    encoder: str
    documents: int
    live: bool
    format: int = FORMAT
    corpus: str | None = None
    built: str = ""
    served: bool = False
    calibration: Calibration | None = None
    search_params: Mapping[str, Any] = field(default_factory=dict)


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
        missed: Smoke queries whose article is not among the first 10.
    """

    version: int
    recall: float
    rows: int
    expected_rows: int
    queries: int
    min_recall: float
    missed: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether this version may go live."""
        return self.rows == self.expected_rows and self.recall >= self.min_recall and not self.missed


def corpus_hash(document_ids: Sequence[str], hashes: Sequence[str]) -> str:
    """Return a hash of ids and text hashes, whatever their order: equal for equal corpora."""
    pairs = sorted(zip(document_ids, hashes, strict=True))
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]


def record_of(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``build`` noted on a collection; empty for one made by hand."""
    return json.loads(description["properties"].get(METADATA, "{}"))


def version_of(description: Mapping[str, Any], name: str, live: str | None) -> Version | None:
    """Return the version of index ``name`` that Milvus describes; None for a collection made by hand or not finished.

    Args:
        description: What ``describe_collection`` returned.
        name: Of the index.
        live: Collection that its alias points to.
    """
    collection, record = description["collection_name"], record_of(description)
    match = re.fullmatch(rf"{name}_v(\d+)", collection)
    if not match or not record.get("complete"):
        return None
    calibration = record.get("calibration")
    return Version(
        int(match[1]),
        collection,
        record["fingerprint"],
        record["encoder"],
        record["articles"],
        live=collection == live,
        format=record.get("format", 1),
        corpus=record.get("corpus"),
        built=record.get("built", ""),
        served=record.get("served", "format" not in record),  # format 1 did not say
        calibration=Calibration.from_record(calibration) if calibration else None,
        search_params=record.get("search_params", {}),
    )


def check_rows(document_ids: Sequence[str], vectors: NDArray[np.float32], hashes: Sequence[str] | None) -> None:
    """Refuse rows that cannot become a version; the DataError names what is wrong, and the article."""
    if len(document_ids) == 0 or vectors.ndim != 2 or len(document_ids) != len(vectors):
        raise DataError(
            f"{len(document_ids)} article ids and vectors of shape {vectors.shape}: pass at least one article "
            "and one row a vector"
        )
    if hashes is not None and len(hashes) != len(document_ids):
        raise DataError(f"{len(hashes)} text hashes for {len(document_ids)} articles: pass one an article")
    if len(set(document_ids)) != len(document_ids):
        repeated = Counter(document_ids).most_common(1)[0][0]
        raise DataError(f"article id {repeated!r} is used twice: give each article an id of its own")
    check_finite(document_ids, vectors, "encode it again")
