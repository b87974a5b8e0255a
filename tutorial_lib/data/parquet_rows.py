"""Rows of a Parquet file, or of a folder of them as Spark writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tutorial_lib.data.cells import merged
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.paths import is_there

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def parquet_parts(path: Path) -> list[Path]:
    """Return the files of a Parquet table: ``path`` itself, or the parts in the folder ``path``, in order of their names.

    Raises:
        DataError: A folder holds no Parquet file, or a pipe or the like in place of one.
    """
    if not path.is_dir():
        return [path]
    named = [p for p in sorted(path.rglob("*.parquet")) if not p.name.startswith(("_", "."))]
    parts = [p for p in named if not p.is_dir() and is_there(p)]
    if not parts:
        raise DataError(f"{path} is a folder without a .parquet file: pass a file, or a folder of Parquet parts")
    return parts


def parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row from 1, row); text stored as bytes is decoded, and ``key=value`` folders give their column.

    Raises:
        DataError: It is no Parquet file, a damaged one, or holds what no Python value can (a time in the year 300000), or
            bytes that are no UTF-8 text; names the row.
    """
    number = 0
    for part in parquet_parts(path):
        folders = [p.partition("=") for p in part.relative_to(path).parts[:-1] if "=" in p] if part != path else []
        values = {key: None if value == _NO_VALUE else unquote(value) for key, _, value in folders}
        for row in _rows_of(part, number):
            number += 1
            yield number, {**values, **row}


def _rows_of(path: Path, before: int) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    number = before
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1_000):
                names = batch.schema.names
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield _row(path, number, names, cells)
    except DataError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, TypeError, LookupError) as error:
        what = f" row {number + 1} or later" if number > before else ""
        raise DataError(f"{path}{what}: not a Parquet file ({error})") from None


def _row(path: Path, number: int, names: list[str], cells: tuple[Any, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        value = cell
        if isinstance(cell, bytes):
            try:
                value = cell.decode()
            except UnicodeDecodeError:
                raise DataError(
                    f"{path} row {number}: column {name!r} holds bytes that are no UTF-8 text ({cell[:20]!r}): store text"
                ) from None
        row[name] = merged(row[name], value) if name in row else value
    return row
