"""What a folder's files were when they were written: their sizes and SHA-256, and records that notice a changed digit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tutorial_lib.files import obstacle, plain, write_json

SEAL = "sha256"
"""Field of a sealed record: the SHA-256 of all others."""

Sums = dict[str, dict[str, Any]]
"""Name of a file within its folder -> its size in bytes, and SHA-256."""


class DamagedError(ValueError):
    """A record is not what was written; the message names the file and what is wrong with it."""


def sums_of(folder: Path, *, leave_out: Collection[str] = ()) -> Sums:
    """Return size and SHA-256 of every file under ``folder`` but those named, in the order of names."""
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {
        name: {"bytes": p.stat().st_size, "sha256": sha256_of(p)}
        for name, p in sorted(files.items())
        if name not in leave_out
    }


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes in hex; raises OSError if it cannot be read, or is no plain file."""
    with plain(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def difference(folder: Path, sums: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return what is wrong with the first file under ``folder`` that is not as ``sums`` say, or None; others may lie there.

    What is looked at first is what costs nothing: a file that is gone or has another size is found before any is hashed.
    """
    for name, noted in sums.items():
        if not (folder / name).is_file():
            return f"{name} is {obstacle(folder / name) or 'missing'}"
        size = (folder / name).stat().st_size
        if size != noted["bytes"]:
            return f"{name} has {size:,} bytes, written were {noted['bytes']:,}"
    changed = next((name for name, noted in sums.items() if sha256_of(folder / name) != noted["sha256"]), None)
    return changed and f"{changed} is not what was written (its SHA-256 differs)"


def write_sealed(path: Path, record: Mapping[str, Any]) -> None:
    """Write ``record`` as JSON with a hash of itself in it; whole or not at all."""
    write_json(path, {**record, SEAL: _seal(record)})


def read_sealed(path: Path) -> dict[str, Any] | None:
    """Return what ``write_sealed`` wrote, without the hash; None if there is no such file.

    Raises:
        DamagedError: It is no plain file, not JSON, no record, or not the one that was written.
    """
    if found := obstacle(path):
        raise DamagedError(f"{path} is {found}, and no file")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # not "does it exist": it may be replaced at this moment
        return None
    except (ValueError, RecursionError):
        raise DamagedError(f"{path} is damaged: it is not JSON") from None
    if not isinstance(record, dict) or record.pop(SEAL, None) != _seal(record):
        raise DamagedError(f"{path} is damaged: it is not what was written")
    return record


def _seal(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
