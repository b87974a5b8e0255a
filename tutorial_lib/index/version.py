"""What a version of the index is: what is noted with it, and what was found when it was checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tutorial_lib.index.store import Noted
from tutorial_lib.retrieval.calibration import Calibration

FORMAT = 2
"""Of rows and metadata. Format 1 had neither position nor text hash in its rows, and no number in its metadata."""


@dataclass(frozen=True)
class Version:
    """One version of the index.

    Attributes:
        number: 1, 2, 3, …
        collection: Name of its collection in the store.
        fingerprint: Of the encoder whose vectors it holds: its ``document_space``.
        encoder: Name of that encoder.
        documents: Number of vectors.
        live: Whether the alias points to it.
        format: Of its rows and metadata; 1 was written by an older version of this package.
        corpus: ``corpus_hash`` of its articles; None if it was built without their hashes.
        built: When, in UTC; no two builds have the same.
        served: Whether it is or was live.
        calibration: What a score of its encoder is worth, if it was built with that.
        search_params: What to search its index with.
        content: ``content_hash`` of its rows; None if it was built before that was noted.
        exact_scores: Whether its index type scores with the vectors themselves, none that were shortened.
        queries: Fingerprint of the encoder it was built with, whose queries the calibration is of; another one of the same
            document space may search it too.
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
    content: str | None = None
    exact_scores: bool = False
    queries: str = ""

    @property
    def name(self) -> str:
        """Name of the index."""
        return self.collection.removesuffix(f"_v{self.number}")


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


def version_of(noted: Noted, name: str, live: str | None) -> Version | None:
    """Return the version of index ``name`` that a store describes; None for a collection made by hand or not finished.

    Args:
        noted: What ``VectorStore.describe`` returned.
        name: Of the index.
        live: Collection that its alias points to.
    """
    collection, record = noted.collection, noted.record
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
        served=collection == live or record.get("served", "format" not in record),  # format 1 did not say
        calibration=Calibration.from_record(calibration) if calibration else None,
        search_params=record.get("search_params", {}),
        content=record.get("content"),
        exact_scores=record.get("exact_scores", False),
        queries=record.get("queries", record["fingerprint"]),
    )
