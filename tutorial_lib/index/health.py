"""Whether a version still is what was built: damage on disk mostly shows in no error, only in what is found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.index.embedded import Embedded
from tutorial_lib.index.reading import check_count, damaged, stored
from tutorial_lib.index.store import Damaged, VectorIndexError, VectorStore
from tutorial_lib.index.verify import K
from tutorial_lib.index.version import FORMAT, Version

WHOLE = 5000
"""Rows up to which all are read back; of more a sample is, for Milvus takes a second for some thousand."""


SAMPLE = 50
"""Rows of a larger version, from each of four places, that are searched for with their own vectors."""


TOLERANCE = 1e-4
"""Difference in score that is rounding, for float32 vectors of some thousand numbers."""


def fault(store: VectorStore, version: Version) -> str | None:
    """Return what is wrong with a version, in one line, or None: it answers as its vectors do, and these are the right ones.

    Up to ``WHOLE`` rows all are read back and compared with the hash noted at the build, and one query is asked that gives
    every row a score of its own. Of more they are counted, and a sample is searched for; a ``FlatStore`` compares the
    SHA-256 of its files whatever their size.

    Raises:
        VectorIndexError: A server does not answer, which says nothing about the version.
    """
    try:
        store.load(version.collection)
        check_count(version, store.count(version.collection))
        if version.format == FORMAT:
            _check_answers(store, version)
    except VectorIndexError as error:
        if store.shared and not isinstance(error, Damaged):
            raise
        return str(error)
    return None


def _check_answers(store: VectorStore, version: Version) -> None:
    if version.documents <= WHOLE:
        rows = stored(store, version)
        # Of +1 and -1, so that a number of a vector that has changed changes the score by as much.
        signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(1, rows.vectors.shape[1]))
        _check_scores(store, version, rows, signs.astype(np.float32))
    else:
        for first in np.linspace(0, version.documents - SAMPLE, num=4, dtype=int).tolist():
            _check_own(store, version, store.rows(version.collection, first, first + SAMPLE).vectors)


def _check_scores(store: VectorStore, version: Version, rows: Embedded, query: NDArray[np.float32]) -> None:
    """Compare the scores of one query with what the vectors give, of all rows where the index type lists them."""
    k = min(len(rows.ids), K if "ef" in version.search_params else WHOLE)  # a graph lists no more than ef
    found = store.search(version.collection, query, k, version.search_params)[0]
    if len(found) < min(k, K):
        raise damaged(version, f"it answers a query with {len(found)} documents")
    right = dict(zip(rows.ids, (rows.vectors @ query[0]).tolist(), strict=True))
    wrong = [a for a, score in found.items() if not abs(right.get(a, np.inf) - score) <= TOLERANCE]
    if wrong and version.exact_scores:
        raise damaged(version, f"it gives {len(wrong):,} documents another score than their vectors do ({wrong[0]!r} first)")


def _check_own(store: VectorStore, version: Version, vectors: NDArray[np.float32]) -> None:
    """Search for rows with their own vectors: none is nearer."""
    found = store.search(version.collection, vectors, K, version.search_params)
    best = np.array([max(hits.values(), default=-np.inf) for hits in found])
    lost = int((~(np.abs(best - (vectors * vectors).sum(axis=1)) <= TOLERANCE)).sum())
    if version.exact_scores and lost > 0.1 * len(vectors):  # a graph may miss one now and then
        raise damaged(version, f"it does not find {lost} of {len(vectors)} documents by their own vectors")
