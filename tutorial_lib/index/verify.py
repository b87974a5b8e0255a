"""Whether an index finds what comparing with every vector finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

K = 10
"""Articles of a query that are looked at."""


TOLERANCE = 1e-5
"""Difference in score that is taken for none."""


SCORED = 1e-3
"""Difference between the score of an index and that of the vectors that is taken for none."""


def mean_recall(
    found: Sequence[Mapping[str, float]],
    query_vectors: NDArray[np.float32],
    document_ids: Sequence[str],
    vectors: NDArray[np.float32],
    *,
    scored: bool = False,
) -> float:
    """Return the share of the exact top 10 that an index has found, mean over the queries, 0 to 1; 1 without a query.

    By score, not by id: of documents with equal vectors any may stand in the top 10.

    Args:
        found: Id -> score that the index returned, length Q; those not in ``document_ids`` count for nothing.
        query_vectors: float32, (Q, D), unit length.
        document_ids: Ids, length N.
        vectors: float32, (N, D), unit length.
        scored: Whether a document that comes with another score than its vector gives counts for nothing too.

    >>> import numpy as np
    >>> north_and_east = np.eye(2, dtype=np.float32)
    >>> mean_recall([{"north": 1.0}, {"nowhere": 1.0}], north_and_east, ["north"], north_and_east[:1])
    0.5
    """
    position = {a: n for n, a in enumerate(document_ids)}
    k = min(K, len(document_ids))
    shares = []
    allowed = SCORED if scored else np.inf
    for hits, query in zip(found, query_vectors, strict=True):
        scores = vectors @ query
        last = np.partition(scores, len(scores) - k)[len(scores) - k] - TOLERANCE
        known = [(scores[position[a]], score) for a, score in hits.items() if a in position]
        shares.append(sum(right >= last and abs(right - score) <= allowed for right, score in known) / k)
    return float(np.mean(shares)) if shares else 1.0
