"""What scores every document for a query: keyword search, a model's vectors, or anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class Scorer(Protocol):
    """Scores of all N documents; ``bm25.BM25`` is one, ``dense.VectorScorer`` another."""

    @property
    def ids(self) -> list[str]:
        """Document ids in ascending order, length N."""
        ...

    def scores(self, queries: Sequence[str]) -> NDArray[np.floating]:
        """Return the score of every document for every query text: (Q, N), higher is better."""
        ...


def refuse_one_string(queries: Sequence[str]) -> None:
    """Refuse one text where a list of texts is wanted.

    Raises:
        ValueError: ``queries`` is one string, whose letters would be taken for queries.
    """
    if isinstance(queries, str):
        raise ValueError(f"queries is the string {queries!r:.60}: pass a list of query texts")
