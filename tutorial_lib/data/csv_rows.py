"""Rows of CSV and TSV files: what divides the columns, what quotes mean, and where a broken row ends."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tutorial_lib.data.cells import merged
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.encoding import found_encoding, open_text

_LONGEST_CELL = 2**31 - 1  # a pasted log passes Python's 131,072 characters; more does not fit a C long everywhere
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_ADVICE = 'name its encoding in its table of the mapping (--columns), e.g. encoding = "cp1252"'


@dataclass
class _Lines:
    """Physical lines that can be given back: after a broken record, reading goes on with the line after its first."""

    source: Iterator[str]
    number: int = 0
    taken: list[str] = field(default_factory=list)
    returned: deque[str] = field(default_factory=deque)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.returned.popleft() if self.returned else next(self.source)
        self.number += 1
        self.taken.append(line)
        return line

    def begin(self) -> int:
        """Forget the lines of the record before; return the number of the line that comes next."""
        self.taken = []
        return self.number + 1

    def give_back(self) -> None:
        """Give all lines of this record back but the first."""
        self.returned.extendleft(reversed(self.taken[1:]))
        self.number -= max(0, len(self.taken) - 1)


@dataclass(frozen=True)
class _Form:
    """How a file is written: its encoding, what divides its columns, and how many lines stand before their names."""

    path: Path
    encoding: str
    delimiter: str
    before: int

    @contextmanager
    def lines(self) -> Iterator[_Lines]:
        """Open the file at the line that names the columns."""
        with open_text(self.path, self.encoding, _ADVICE) as file:
            yield _Lines(islice(file, self.before, None), self.before)


def csv_rows(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield (line, row) of a CSV or TSV file, or (line, what is wrong with it); rows without a single value are passed over.

    Columns of one name give one ``Repeated`` cell. Excel's ``sep=;`` line is obeyed. Between tabs a quote is a character
    like others, as databases write it, unless the file reads better with quoting, as Excel and pandas write it.

    Raises:
        DataError: The file is not in ``encoding``, or its first line names no columns.
    """
    csv.field_size_limit(_LONGEST_CELL)
    form = _form(path, found_encoding(path, encoding))
    plain = form.delimiter == "\t" and _quotes_are_plain(form)
    with form.lines() as lines:
        records = _records(lines, form.delimiter, plain=plain)
        start, header = next(records)
        if isinstance(header, str):
            raise DataError(f"{path} line {start}: {header}: this line must name the columns")
        for line, cells in records:
            yield line, cells if isinstance(cells, str) else _row(header, cells)


def _form(path: Path, encoding: str) -> _Form:
    """Return how a file is written, by its first line that is not empty."""
    before, head = 0, ""
    with open_text(path, encoding, _ADVICE) as file:
        for line in file:
            told = _SEPARATOR.fullmatch(line)
            if told:
                return _Form(path, encoding, told[1], before + 1)
            if line.strip():
                head = line
                break
            before += 1
    if not head:
        raise DataError(f"{path}: the first line is empty: it must name the columns")
    tabs = ".tsv" in [s.lower() for s in path.suffixes[-2:]]
    return _Form(path, encoding, "\t" if tabs else max(",;\t|", key=head.count), before)


def _quotes_are_plain(form: _Form) -> bool:
    """Return whether quotes are characters like others: the file has no fewer broken rows with quoting than without.

    Where it has none either way, they are unless every cell that holds a quote is quoted as a whole.
    """
    with form.lines() as lines:
        without = sum(isinstance(cells, str) for _, cells in _records(lines, form.delimiter, plain=True))
    with form.lines() as lines:
        quoted = sum(isinstance(cells, str) for _, cells in _records(lines, form.delimiter, plain=False))
    if without or quoted:
        return without <= quoted
    with form.lines() as lines:
        cells = (c for line in lines if '"' in line for c in line.rstrip("\r\n").split(form.delimiter))
        return not all(_QUOTED.fullmatch(c) for c in cells if '"' in c)


def _records(lines: _Lines, delimiter: str, *, plain: bool) -> Iterator[tuple[int, list[str] | str]]:
    """Yield (line, cells) from the line that names the columns on, or (line, what is wrong with the record)."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    while True:
        start, problem = lines.begin(), ""
        try:
            row = _divided(next(lines), delimiter) if plain else next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = _cause(str(error))
        else:
            if not any(row):
                continue
            width = width or len(row)
            problem = _misfit(row, width, delimiter, plain=plain) or _swallowed(lines.taken, width, delimiter)
        if problem:
            lines.give_back()
        yield start, problem or row[:width]


def _divided(line: str, delimiter: str) -> list[str]:
    r"""Return the cells of a line without quoting; MySQL and Postgres write a missing value as ``\N``."""
    return ["" if c == "\\N" else c for c in line.rstrip("\r\n").split(delimiter)]


def _cause(error: str) -> str:
    if "unexpected end" in error:
        return "a quote that opens here is never closed: a quote is missing or not doubled"
    if "expected after" in error:
        return "a quote inside a quoted cell is not doubled: double it, or take the quotes away"
    return error


def _misfit(row: list[str], width: int, delimiter: str, *, plain: bool) -> str:
    """Return what is wrong with a row of another length than the first; empty cells at its end do no harm."""
    if len(row) == width or (len(row) > width and not any(row[width:])):
        return ""
    found = f"{len(row)} fields, the header has {width}"
    if plain:
        return f"{found}: take line breaks and tabs out of the cells, or quote every cell that holds one"
    return f"{found}: a cell that holds {delimiter!r}, a quote or a line break must stand in quotes"


def _swallowed(taken: list[str], width: int, delimiter: str) -> str:
    """Return what is wrong with a record whose quoted cell goes on over lines that are rows by themselves."""
    full = [line.count(delimiter) == width - 1 for line in taken]
    if len(taken) < 2 or width < 2:
        return ""
    # Tabs are rare inside a text: one such line is enough. Commas are common: of them every line must look like a row. A cell
    # with line breaks in the last column leaves the first line full, one in the first column the last.
    tabbed = delimiter == "\t" and (any(full[1:-1]) or (full[0] and full[-1]))
    if not tabbed and not (all(full) and len(taken) > 3 and width > 3):
        return ""
    return (
        f"the quoted cell that opens here goes on for {len(taken) - 1} lines, and those are rows themselves: "
        "a quote is missing or not doubled"
    )


def _row(header: list[str], cells: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        row[name] = merged(row[name], cell) if name in row else cell
    return row
