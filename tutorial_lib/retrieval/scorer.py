"""What scores every document for a query: keyword search, a model's vectors, or anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Scorer(Protocol):
    """Scores of all N documents; ``bm25.BM25`` is one, ``dense.VectorScorer`` another."""

    @property
    def ids(self) -> list[str]:
        """Document ids in ascending order, length N."""
        ...

    def scores(self, queries: Sequence[str]) -> NDArray[np.floating]:
        """Return the score of every document for every query text: (Q, N), higher is better."""
        ...
