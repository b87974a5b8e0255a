"""Vectors that were paid for, kept in one file: what is written there is whole or not there, whatever breaks off."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError
from tutorial_lib.files import plain

_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL, sum BLOB NOT NULL)"
_AT_A_TIME = 500
"""Keys of one question: older SQLites take 999."""


class VectorCache:
    """A SQLite file of vectors by key; many threads and processes may use it at once.

    A row whose bytes are not those that were written counts as none.
    """

    def __init__(self, file: Path) -> None:
        """Take a file, made with its folder when the first vector is kept."""
        self.file = file

    def find(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of those of ``keys`` that are kept.

        Raises:
            DataError: The file is damaged, or no such file.
            OSError: It cannot be read.
        """
        if not plain(self.file).exists():
            return {}
        found: dict[str, NDArray[np.float32]] = {}
        with self._opened() as database:
            for start in range(0, len(keys), _AT_A_TIME):
                some = keys[start : start + _AT_A_TIME]
                asked = f"SELECT key, vector, sum FROM vectors WHERE key IN ({', '.join('?' * len(some))})"
                for key, vector, total in database.execute(asked, some):
                    if total == _sum(key, vector):
                        found[key] = np.frombuffer(vector, dtype="<f4").astype(np.float32)
        return found

    def keep(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep vectors, all of them or, if this breaks off, none.

        Raises:
            DataError: The file is damaged, or no such file.
            OSError: It cannot be written.
        """
        rows = {key: np.ascontiguousarray(vector, dtype="<f4").tobytes() for key, vector in vectors.items()}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self._opened() as database, database:
            sealed = [(key, vector, _sum(key, vector)) for key, vector in rows.items()]
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", sealed)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(plain(self.file), timeout=60)) as database:
                database.execute(_TABLE)
                yield database
        except sqlite3.OperationalError as error:  # locked, full, not to be written
            raise OSError(f"{self.file}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"{self.file} is damaged ({error}): remove it; the texts whose vectors it held are then asked for, and paid "
                "for, again"
            ) from None


def _sum(key: str, vector: bytes) -> bytes:
    return hashlib.sha256(key.encode() + vector).digest()[:8]
