"""Rows of CSV, TSV, JSONL and Parquet files, streamed one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.csv_rows import csv_rows
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.json_rows import json_rows
from tutorial_lib.data.parquet_rows import parquet_rows
from tutorial_lib.data.paths import is_there

_READERS: dict[str, Callable[[Path, str], Iterator[tuple[int, dict[str, Any] | str]]]] = {
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".jsonl": lambda path, _: json_rows(path),
    ".ndjson": lambda path, _: json_rows(path),
    ".parquet": lambda path, _: parquet_rows(path),
}
_SKIPPING = "set skip_broken_rows = true under [format] to leave such rows out and count them"


def read_rows(
    path: str | Path, options: ExportFormat | None = None, broken: Counter[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line or row number from 1, row) of a CSV, TSV, JSONL or Parquet file, one at a time.

    Args:
        path: The file; its ending says what it is. Text files may be packed (``.csv.gz``), a Parquet table may be a folder.
        options: Encoding, and whether broken rows are skipped.
        broken: Counts the lines skipped, under "broken row".

    Raises:
        DataError: The file is missing, of another kind, empty, wrongly encoded, or a row is broken; names the line. Where
            broken rows may be skipped: more of them are broken than not.
    """
    path, options = Path(path), options or ExportFormat()
    count: Counter[str] = Counter()
    first = ""
    for line, row in _reader(path)(path, options.encoding):
        if isinstance(row, dict):
            count["row"] += 1
            yield line, row
        elif not options.skip_broken_rows:
            raise DataError(f"{path} line {line}: {row}; mend the line, or {_SKIPPING}")
        else:
            count["broken row"] += 1
            first = first or f"line {line}: {row}"
            if broken is not None:
                broken["broken row"] += 1
    if count["broken row"] > count["row"]:
        raise DataError(
            f"{path}: {count['broken row']:,} lines are broken and only {count['row']:,} rows can be read: the file is "
            f"written in another way than it is read ({first})"
        )


def _reader(path: Path) -> Callable[[Path, str], Iterator[tuple[int, dict[str, Any] | str]]]:
    """Return what reads a file of this name; refuse what is not there, no file, or of another kind."""
    suffixes = [s.lower() for s in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = (suffixes[:-1] if packed else suffixes)[-1:] or [""]
    folder = kind == [".parquet"] or not path.suffix
    if not (folder and path.is_dir()) and not is_there(path):
        raise DataError(f"{path}: no such file")
    if path.is_dir():
        return _READERS[".parquet"]
    if kind[0] not in _READERS or (packed and kind[0] == ".parquet"):
        ending = "".join(path.suffixes[-2:]) if packed else path.suffix
        raise DataError(f"{path}: a file ending in {ending or 'nothing'}: pass one of {', '.join(_READERS)}")
    return _READERS[kind[0]]
