"""The rows of a collection of ``FlatStore``: a file of vectors, and one of ids and text hashes, appended to together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.checksums import sha256_of
from tutorial_lib.files import plain
from tutorial_lib.index.embedded import Embedded
from tutorial_lib.index.record import unsealed
from tutorial_lib.index.store import Damaged, VectorIndexError


@dataclass(frozen=True)
class FlatRows:
    """The rows of a collection.

    Attributes:
        mark: Of its files.
        ids: Document ids, length N.
        hashes: Text hashes, length N.
        vectors: float32, (N, D); read from disk as they are asked for.
    """

    mark: str
    ids: list[str]
    hashes: list[str]
    vectors: NDArray[np.float32]

    @classmethod
    def read(cls, folder: Path, record: Mapping[str, Any]) -> FlatRows:
        """Return the rows in ``folder`` that belong to ``record``.

        Raises:
            VectorIndexError: The two files do not fit together.
            Damaged: They are not what their SHA-256 was taken of.
            OSError: One of them cannot be read.
        """
        vectors, ids = _files(folder, record)
        if "sha256" in record and record["sha256"] != digests(folder, record):
            raise Damaged(f"{vectors} or {ids.name} beside it is damaged: reindex, which builds it anew")
        rows = [json.loads(line) for line in plain(ids).read_text(encoding="utf-8").splitlines()]
        shape = (len(rows), record["dimension"])
        if vectors.stat().st_size != 4 * shape[0] * shape[1]:
            raise VectorIndexError(f"{vectors} does not hold {shape[0]} vectors of {shape[1]} numbers: build it again")
        stored = np.memmap(vectors, np.float32, "r", shape=shape) if rows else np.empty(shape, np.float32)
        return cls(record["mark"], [a for a, _ in rows], [h for _, h in rows], stored)

    @cached_property
    def by_id(self) -> tuple[list[str], NDArray[np.float32]]:
        """Ids in ascending order, and their vectors, (N, D): copied only if they stand in another order."""
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        ids = [self.ids[n] for n in order]
        return ids, self.vectors if ids == self.ids else self.vectors[order]


def digests(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Return the SHA-256 of the two files that belong to ``record``, in hex; raises OSError if one cannot be read."""
    return [sha256_of(path) for path in _files(folder, record)]


def empty(folder: Path, record: Mapping[str, Any]) -> None:
    """Make the files of a collection without rows; raises OSError if the disk refuses."""
    for path in _files(folder, record):
        path.touch()


def append(folder: Path, record: Mapping[str, Any], rows: Embedded) -> None:
    """Append rows to the files that belong to ``record``; raises OSError if the disk refuses."""
    vectors, ids = _files(folder, record)
    with vectors.open("ab") as file:
        file.write(np.ascontiguousarray(rows.vectors, dtype=np.float32).tobytes())
    lines = [json.dumps(row) + "\n" for row in zip(rows.ids, rows.hashes, strict=True)]
    with ids.open("a", encoding="utf-8", newline="\n") as text:
        text.writelines(lines)


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, None if there is no such file.

    Raises:
        Damaged: It holds something else.
    """
    try:
        return json.loads(plain(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise Damaged(f"{path} is damaged ({error}): delete it, then reindex") from None


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the record of a collection, None if there is no such file.

    Raises:
        Damaged: It is not what was written.
    """
    try:
        return unsealed(plain(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise Damaged(f"{path} is damaged ({error}): delete the folder it is in, then reindex") from None


def _files(folder: Path, record: Mapping[str, Any]) -> tuple[Path, Path]:
    return folder / f"{record['mark']}.float32", folder / f"{record['mark']}.jsonl"
