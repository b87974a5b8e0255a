"""Whether an index finds what comparing with every vector finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

K = 10
"""Articles of a query that are looked at."""


TOLERANCE = 1e-5
"""Difference in score that is taken for none."""


def mean_recall(
    found: Sequence[Iterable[str]],
    query_vectors: NDArray[np.float32],
    document_ids: Sequence[str],
    vectors: NDArray[np.float32],
) -> float:
    """Return the share of the exact top 10 that an index has found, mean over the queries, 0 to 1; 1 without a query.

    By score, not by id: of documents with equal vectors any may stand in the top 10.

    Args:
        found: Ids that the index returned, length Q; those not in ``document_ids`` count for nothing.
        query_vectors: float32, (Q, D), unit length.
        document_ids: Ids, length N.
        vectors: float32, (N, D), unit length.

    >>> import numpy as np
    >>> north_and_east = np.eye(2, dtype=np.float32)
    >>> mean_recall([["north"], ["nowhere"]], north_and_east, ["north"], north_and_east[:1])
    0.5
    """
    position = {a: n for n, a in enumerate(document_ids)}
    k = min(K, len(document_ids))
    shares = []
    for ids, query in zip(found, query_vectors, strict=True):
        scores = vectors @ query
        last = np.partition(scores, len(scores) - k)[len(scores) - k] - TOLERANCE
        shares.append(sum(a in position and scores[position[a]] >= last for a in ids) / k)
    return float(np.mean(shares)) if shares else 1.0
