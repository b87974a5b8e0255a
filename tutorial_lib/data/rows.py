"""Rows of CSV, TSV, JSONL and Parquet files, streamed one at a time."""

from __future__ import annotations

import codecs
import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError


def read_rows(
    path: str | Path, options: ExportFormat | None = None, broken: Counter | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line or row number from 1, row) of a CSV, TSV, JSONL or Parquet file, one at a time.

    Args:
        path: The file; its ending says what it is.
        options: Encoding, and whether broken rows are skipped.
        broken: Counts the rows skipped, under "broken row".

    Raises:
        DataError: The file is missing, of another kind, empty, wrongly encoded, or a row is broken; names the line.
    """
    path, options = Path(path), options or ExportFormat()
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        codecs.lookup(options.encoding)
    except LookupError:
        raise DataError(f"encoding = {options.encoding!r} under [format] is not known: name one such as 'cp1252'") from None
    readers = {".csv": _csv_rows, ".tsv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows, ".parquet": _parquet_rows}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: a file ending in {path.suffix or 'nothing'}: pass one of {', '.join(readers)}")
    try:
        yield from readers[path.suffix.lower()](path, options, Counter() if broken is None else broken)
    except UnicodeDecodeError as error:
        shown = error.object[max(0, error.start - 20) : error.end + 20]
        raise DataError(
            f"{path}: not {options.encoding} (byte 0x{error.object[error.start]:02x} in {shown!r}): name the "
            'encoding in the mapping, e.g. encoding = "cp1252" under [format]'
        ) from None


def _csv_rows(path: Path, options: ExportFormat, broken: Counter) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding=options.encoding, newline="") as file:
        delimiter = _delimiter(path, file.readline())
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        columns = next(reader)
        while True:
            start = reader.line_num + 1
            problem = None
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = str(error)
            else:
                if not row:
                    continue
                if len(row) == len(columns):
                    yield start, dict(zip(columns, row, strict=True))
                    continue
                problem = f"{len(row)} fields, the header has {len(columns)}"
            if not options.skip_broken_rows:
                raise DataError(
                    f"{path} line {start}: {problem}: a quote is missing or not doubled; mend the line, or set "
                    "skip_broken_rows = true under [format] to leave such rows out and count them"
                )
            broken["broken row"] += 1


def _delimiter(path: Path, head: str) -> str:
    """Return what divides the columns of a file: a tab, or what stands most often in its first line."""
    if not head.strip():
        raise DataError(f"{path}: the first line is empty: it must name the columns")
    return "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=head.count)


def _json_rows(path: Path, options: ExportFormat, broken: Counter) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding=options.encoding) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"a JSON {type(row).__name__}, not an object")
            except ValueError as error:
                if not options.skip_broken_rows:
                    raise DataError(
                        f"{path} line {number}: {error}: write one JSON object a line, or set skip_broken_rows = "
                        "true under [format] to leave such rows out and count them"
                    ) from None
                broken["broken row"] += 1
                continue
            yield number, row


def _parquet_rows(path: Path, options: ExportFormat, broken: Counter) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file ({error})") from None
    number = 0
    for batch in file.iter_batches(batch_size=10_000):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def checked_rows(
    path: Path, rows: Iterable[tuple[int, dict[str, Any]]], wanted: Mapping[str, str | None], table: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``rows``, refusing a file whose first row lacks a column that the mapping names.

    Args:
        path: The file, for messages.
        rows: Its rows with their line numbers, as ``read_rows`` gives them.
        wanted: Role -> column that plays it, or None where the file has none.
        table: Table of the mapping that says so.

    Raises:
        DataError: A column is missing (names it and those that are there), or the file has no rows.
    """
    first = True
    for number, row in rows:
        if first:
            for role, column in wanted.items():
                if column is not None and column not in row:
                    raise DataError(
                        f"{path}: no column {column!r} (wanted for {role}); the file has "
                        f"{', '.join(map(str, row))}: set {role} under [{table}] in the mapping (--columns)"
                    )
        first = False
        yield number, row
    if first:
        raise DataError(f"{path}: no rows")


def cell_text(value: Any) -> str:
    """Return a cell as stripped text; empty for None and NaN, and without ".0" for whole numbers."""
    if value is None or value != value:  # NaN is unequal to itself
        return ""
    if isinstance(value, float) and value.is_integer():  # ids in a Parquet column with gaps
        value = int(value)
    return str(value).strip()


def is_true(value: Any) -> bool:
    """Return whether a cell says yes: anything but empty, false, 0, no, none or null, in any case."""
    return cell_text(value).lower() not in ("", "false", "0", "no", "none", "null")
