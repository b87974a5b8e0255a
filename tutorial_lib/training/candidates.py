"""The table of mining's candidates, put together a part at a time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

COLUMNS = (
    "query_id",
    "article_id",
    "bm25_rank",
    "bm25_score",
    "bm25_positive",
    "model_score",
    "model_positive",
    "reason",
)
"""What is known of a candidate; ``bm25_`` stands for the scorer that ranks candidates, whatever it is."""

PART = 100_000
"""So many rows at most wait to become columns: as tuples of numbers they take several times the memory."""


class CandidateTable:
    """Takes the candidates of query after query."""

    def __init__(self) -> None:
        self._rows: list[tuple] = []
        self._parts: list[pd.DataFrame] = []

    def add(self, rows: Sequence[tuple]) -> None:
        """Take rows of ``COLUMNS``."""
        self._rows += rows
        if len(self._rows) >= PART:
            self._close()

    def whole(self) -> pd.DataFrame:
        """Return all rows in the order in which they came."""
        if self._rows or not self._parts:
            self._close()
        return pd.concat(self._parts, ignore_index=True)

    def _close(self) -> None:
        self._parts.append(pd.DataFrame(self._rows, columns=list(COLUMNS)))
        self._rows = []
