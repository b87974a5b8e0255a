"""A corpus as vectors in memory: what it is, when two are equal, and what is wrong with one that cannot be indexed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError


@dataclass(frozen=True)
class Embedded:
    """Some documents' vectors in memory, in the order of the corpus.

    Attributes:
        ids: Document ids, length N.
        hashes: ``text_hash`` of each document.
        vectors: float32, (N, D), unit length.
    """

    ids: list[str]
    hashes: list[str]
    vectors: NDArray[np.float32]


def text_hash(text: str) -> str:
    """Return 16 hex digits of the SHA-256 of ``text`` in UTF-8: equal for equal texts, on every machine.

    >>> text_hash("Refunds are paid within 14 days.")
    '84c7af99b2436848'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def corpus_hash(document_ids: Sequence[str], hashes: Sequence[str]) -> str:
    """Return a hash of ids and text hashes, whatever their order: equal for equal corpora.

    >>> corpus_hash(["refund", "cancel"], ["1f", "2e"]) == corpus_hash(["cancel", "refund"], ["2e", "1f"])
    True
    >>> corpus_hash(["refund", "cancel"], ["1f", "2e"]) == corpus_hash(["refund", "cancel"], ["1f", "2f"])
    False

    Raises:
        ValueError: Ids and hashes differ in number.
    """
    pairs = sorted(zip(document_ids, hashes, strict=True))
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]


def content_hash(rows: Embedded) -> str:
    """Return a hash of ids, text hashes and the bytes of the vectors, in their order.

    >>> one = Embedded(["refund"], ["1f"], np.eye(1, dtype=np.float32))
    >>> content_hash(one) == content_hash(Embedded(["refund"], ["1f"], one.vectors + 1))
    False
    """
    content = hashlib.sha256(json.dumps([rows.ids, rows.hashes]).encode())
    content.update(np.ascontiguousarray(rows.vectors, dtype="<f4").tobytes())
    return content.hexdigest()[:16]


def check_finite(ids: Sequence[str], vectors: NDArray[np.float32], advice: str) -> None:
    """Refuse vectors that hold NaN or infinity.

    Args:
        ids: Document ids, length N.
        vectors: float32, (N, D), one row an id.
        advice: What to do about it, for the end of the message.

    Raises:
        DataError: One does; the first such document is named, then ``advice``.
    """
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise DataError(f"the vector of article {ids[bad[0]]!r} holds NaN or infinity ({len(bad)} such in all): {advice}")


def check_rows(document_ids: Sequence[str], vectors: NDArray[np.float32], hashes: Sequence[str] | None) -> None:
    """Refuse rows that cannot become a version of the index.

    Args:
        document_ids: Ids, length N.
        vectors: float32, (N, D).
        hashes: Text hashes, length N, or none.

    Raises:
        DataError: There is no row, ids, vectors and hashes differ in number, an id is used twice, or a vector holds NaN or
            infinity (the document is named).
    """
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
