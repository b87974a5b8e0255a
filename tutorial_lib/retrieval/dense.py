"""Vector search: all documents compared with each query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.retrieval.runs import Run, ranking, top_k


def exact_search(
    query_ids: Sequence[str],
    query_vectors: NDArray[np.float32],
    document_ids: Sequence[str],
    document_vectors: NDArray[np.float32],
    *,
    k: int = 100,
    chunk: int = 256,
    document_chunk: int = 65_536,
) -> Run:
    """Return the ``k`` articles with the highest cosine similarity to each query, by comparing all of them.

    Every article is read once, ``document_chunk`` at a time, and the best so far of each query are kept: memory does not
    grow with N where ``document_vectors`` gives its rows from disk.

    Args:
        query_ids: Query ids, length Q.
        query_vectors: float32, (Q, D), unit length.
        document_ids: Article ids in ascending order, length N.
        document_vectors: float32, (N, D), unit length: an array, a np.memmap, or anything with a shape that can be sliced.
        k: How many articles to keep.
        chunk: Queries scored at a time; bounds memory to chunk x article_chunk scores and changes no result.
        document_chunk: Articles compared at a time; changes no result either.

    Raises:
        ValueError: Ids and vectors differ in number or dimension, or article ids are not ascending.
    """
    if len(query_ids) != len(query_vectors) or len(document_ids) != document_vectors.shape[0]:
        raise ValueError(
            f"{len(query_ids)} query ids for {len(query_vectors)} vectors, {len(document_ids)} article ids "
            f"for {document_vectors.shape[0]} vectors: pass one vector an id"
        )
    if len(query_ids) and query_vectors.shape[1] != document_vectors.shape[1]:
        raise ValueError(
            f"query vectors have {query_vectors.shape[1]} dimensions and article vectors "
            f"{document_vectors.shape[1]}: encode both with one model"
        )
    if list(document_ids) != sorted(document_ids):
        raise ValueError("article_ids are not in ascending order: ties could not be broken by id")
    best = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))] * len(query_ids)
    for first in range(0, len(document_ids), document_chunk):
        block = document_vectors[first : first + document_chunk].T
        for start in range(0, len(query_ids), chunk):
            for n, scores in enumerate(query_vectors[start : start + chunk] @ block, start):
                best[n] = _merged(*best[n], scores, first, k)
    return {
        q: ranking([document_ids[row] for row in rows.tolist()], scores)
        for q, (rows, scores) in zip(query_ids, best, strict=True)
    }


def _merged(
    rows: NDArray[np.int64], best: NDArray[np.float32], scores: NDArray[np.float32], first: int, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and scores of the ``k`` best so far and of ``scores``, which are those of the rows from ``first`` on."""
    found = top_k(scores, k)
    rows, best = np.concatenate([rows, found + first]), np.concatenate([best, scores[found]])
    order = top_k(best, k)  # of equal scores the earlier rows stand first, so the tie rule holds
    return rows[order], best[order]
