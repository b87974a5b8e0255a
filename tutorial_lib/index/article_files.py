"""Corpora in JSONL and Parquet files, read in parts: where each article stands, then only what a worker is to encode."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeAlias

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs

from tutorial_lib.data.dataset import DataError

Piece: TypeAlias = tuple[str, int, int]
"""URL, start and stop: bytes of a JSONL file, rows of a Parquet file."""


def locate(url: str, columns: tuple[str, ...]) -> Iterator[tuple[str, Piece]]:
    """Yield the id of every article of a file and where it stands.

    Args:
        url: A .jsonl or .parquet file: a path, or a URL that fsspec knows.
        columns: The column of the ids, then those that make up the text.

    Raises:
        DataError: The first thing that cannot be used (file, and line or row, are named).
    """
    fs, path = url_to_fs(url)
    if not fs.isfile(path):
        raise DataError(f"{url}: no such file")
    if url.endswith(".parquet"):
        yield from _locate_parquet(url, columns)
    elif url.endswith(".jsonl"):
        yield from _locate_jsonl(url, columns)
    else:
        raise DataError(f"{url} is of no kind that can be read in parts: pass .jsonl or .parquet files")


def _locate_jsonl(url: str, columns: tuple[str, ...]) -> Iterator[tuple[str, Piece]]:
    start = 0
    with fsspec.open(url, "rb") as file:
        for number, line in enumerate(file, 1):
            stop = start + len(line)
            if line.strip():
                yield _document(_parse(line, f"{url} line {number}"), columns, f"{url} line {number}")[0], (url, start, stop)
            start = stop


def _locate_parquet(url: str, columns: tuple[str, ...]) -> Iterator[tuple[str, Piece]]:
    with fsspec.open(url, "rb") as file:
        parquet = _parquet(file, url)
        names = parquet.schema_arrow.names
        _check_columns(names, columns, url)
        number = 0
        for batch in parquet.iter_batches(columns=columns[:1]):
            for value in batch.column(0).to_pylist():
                number += 1
                yield _id(value, columns[0], f"{url} row {number}"), (url, number - 1, number)


def joined(part: list[tuple[str, Piece]]) -> list[Piece]:
    """Return where some articles of one shard stand, neighbours joined."""
    groups = [list(group) for _, group in groupby((piece for _, piece in part), key=lambda piece: piece[0])]
    return [(group[0][0], group[0][1], group[-1][2]) for group in groups]


def read(url: str, start: int, stop: int, columns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield id and text of the articles of a piece.

    Args:
        url: A file that ``locate`` has gone through.
        start: Where the first article stands.
        stop: Where the last one ends.
        columns: As for ``locate``.

    Raises:
        DataError: An article cannot be used (file, and row of a Parquet file, are named).
    """
    if url.endswith(".parquet"):
        for number, row in enumerate(_parquet_rows(url, start, stop, columns), start + 1):
            yield _document(row, columns, f"{url} row {number}")
        return
    fs, path = url_to_fs(url)
    for line in io.BytesIO(fs.cat_file(path, start, stop)):
        if line.strip():
            yield _document(_parse(line, url), columns, url)


def _parquet_rows(url: str, start: int, stop: int, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    first = 0
    for group, rows in enumerate(_group_sizes(url)):
        low, high = max(start, first), min(stop, first + rows)
        if low < high:
            yield from _row_group(url, group, columns).slice(low - first, high - low).to_pylist()
        first += rows


@lru_cache(maxsize=8)
def _group_sizes(url: str) -> tuple[int, ...]:
    with fsspec.open(url, "rb") as file:
        metadata = pq.ParquetFile(file).metadata
        return tuple(metadata.row_group(n).num_rows for n in range(metadata.num_row_groups))


@lru_cache(maxsize=1)  # a worker's next shard mostly lies in the same row group
def _row_group(url: str, group: int, columns: tuple[str, ...]) -> pa.Table:
    with fsspec.open(url, "rb") as file:
        parquet = pq.ParquetFile(file)
        return parquet.read_row_group(group, columns=[c for c in columns if c in parquet.schema_arrow.names])


def _parquet(file: Any, url: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{url} cannot be read as Parquet ({error}): write the file again") from error


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}): write one JSON object a line") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: found a JSON {type(row).__name__}: write one JSON object a line")
    return row


def _document(row: Mapping[str, Any], columns: tuple[str, ...], where: str) -> tuple[str, str]:
    """Return id and text of one row; the text is ``Article.full_text`` for BEIR's columns."""
    id_column, *text_columns = columns
    _check_columns(list(row), columns, where)
    texts = [row.get(c) or "" for c in text_columns]
    for column, text in zip(text_columns, texts, strict=True):
        if not isinstance(text, str):
            raise DataError(f'{where}: "{column}" is {type(text).__name__} ({text!r:.60}): pass a string')
    return _id(row[id_column], id_column, where), "\n".join([t for t in texts[:-1] if t] + texts[-1:])


def _check_columns(found: Sequence[str], columns: tuple[str, ...], where: str) -> None:
    id_column, *text_columns = columns
    if id_column not in found:
        raise DataError(f'{where}: no "{id_column}" (found: {", ".join(found)}): name the column of the ids with id_column')
    if not set(text_columns) & set(found):
        raise DataError(
            f"{where}: none of the text columns {text_columns} (found: {', '.join(found)}): name them with text_columns"
        )


def _id(value: Any, column: str, where: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f'{where}: "{column}" is {value!r:.60}: pass a string that is not blank, or a whole number')
    return value
