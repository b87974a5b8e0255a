"""One file of an export: read once to see how it is written, then row by row with clean values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tutorial_lib.data.cells import Repeated, cell_text, flag, what_it_holds
from tutorial_lib.data.columns import Columns, ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.date_order import DateOrder
from tutorial_lib.data.html import holds_html, visible_text
from tutorial_lib.data.rows import read_rows
from tutorial_lib.data.times import is_usual, parse_time

_LISTS = frozenset({"resolved_by", "clicks"})
_TEXTS = frozenset({"title", "body", "subject", "message", "query"})
_IDS = frozenset({"ticket_id", "article_id", "superseded_by"})
_TIMES = frozenset({"created_at"})

NO_DATE = "no usable date"
"""What a row is counted as whose date stands for none: 9999-12-31, 1970-01-01."""

FAIR_SHARE = 1 / 3
"""Share of a column's cells that hold tags from which on the column is HTML."""


@dataclass(frozen=True)
class Table:
    """One file of an export, as a first reading of the whole of it found it.

    Attributes:
        path: The file.
        name: Its table in the mapping: "tickets", "articles" or "search".
        wanted: Role -> column that plays it, or None where the export has none.
        options: How values are written, with the order of its dates.
        html: Columns whose texts are HTML.
        notes: What was found, as sentences for people.
    """

    path: Path
    name: str
    wanted: Mapping[str, str | None]
    options: ExportFormat
    html: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def rows(self, count: Counter[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (line, row): what plays a role is text, a number, a flag or a time, or a list where the role takes one.

        Args:
            count: Counts the broken rows left out, where they may be.

        Raises:
            DataError: A row is broken, or a cell holds what its role can't use; names line and column.
        """
        for line, row in read_rows(self.path, self.options, count):
            for role, column in self.wanted.items():
                if column is not None and column in row:
                    row[column] = self._checked(line, role, column, row[column])
            yield line, row

    def _checked(self, line: int, role: str, column: str, value: Any) -> Any:
        held = "" if role in _LISTS and isinstance(value, list) else what_it_holds(value)
        if held:
            raise DataError(
                f"{self.path} line {line}: column {column!r} (wanted for {role}) holds {held}, not "
                f"{'ids' if role in _LISTS else 'one value'}: name a column that does under [{self.name}] in the mapping "
                "(--columns), or write what it should take from here into a column of its own"
            )
        if role in _TEXTS and self.html and isinstance(value, str):
            return visible_text(value)
        if role in _IDS and isinstance(value, str) and any(c in value.strip() for c in "\t\r\n"):
            raise DataError(f"{self.path} line {line}: {column} is {value!r:.80}: an id holds no tab or line break")
        return value

    def time(self, line: int, row: Mapping[str, Any]) -> datetime | None:
        """Return when a row was made, in UTC; None if its date stands for "no date".

        Raises:
            DataError: It is no time; names file and line.
        """
        try:
            when = parse_time(row.get(self.wanted.get("created_at") or ""), self.options)
        except DataError as error:
            raise DataError(f"{self.path} line {line}: {error}") from None
        return when if is_usual(when) else None

    def flag(self, line: int, row: Mapping[str, Any], role: str) -> bool:
        """Return what a row says of yes and no in a column; no where the export has no such column.

        Raises:
            DataError: It says neither; names file, line and column.
        """
        column = self.wanted[role]
        said = flag(row.get(column)) if column else False
        if said is None:
            value = cell_text(row[column or ""])
            raise DataError(f"{self.path} line {line}: {column} is {value!r:.60}: write true or false (or yes/no, y/n, 1/0)")
        return said


@dataclass
class _Survey:
    """What a first reading of a file has shown so far."""

    path: Path
    wanted: Mapping[str, str]
    options: ExportFormat
    rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    filled: Counter[str] = field(default_factory=Counter)
    tagged: Counter[str] = field(default_factory=Counter)
    orders: dict[str, DateOrder] = field(default_factory=dict)

    def add(self, line: int, row: Mapping[str, Any]) -> None:
        """Take in one row."""
        self.rows += 1
        self.columns.update(dict.fromkeys(row))
        for role, column in self.wanted.items():
            value = row.get(column)
            if isinstance(value, Repeated) and role not in _LISTS:
                raise DataError(
                    f"{self.path}: several columns are called {column!r} (wanted for {role}), which takes one: give them "
                    "names of their own in the file, and name the right one in the mapping (--columns)"
                )
            if isinstance(value, str) and role in _TEXTS and value.strip():
                self.filled[column] += 1
                self.tagged[column] += holds_html(value)
            elif isinstance(value, str) and role in _TIMES:
                self._date(line, column, value)

    def _date(self, line: int, column: str, value: str) -> None:
        try:
            self.orders.setdefault(column, DateOrder(self.options)).add(line, value.strip())
        except DataError as error:
            raise DataError(f"{self.path} {error}") from None

    def decided(self) -> ExportFormat:
        """Return the settings with the order of the dates."""
        for order in self.orders.values():  # one column: each table has one time
            try:
                return order.decided()
            except DataError as error:
                raise DataError(f"{self.path} {error}") from None
        return self.options


def open_table(path: str | Path, name: str, columns: Columns, leave_out: tuple[str, ...] = ()) -> Table:
    """Return a file of an export, after a first reading of the whole of it.

    Args:
        path: The file.
        name: Its table in the mapping: "tickets", "articles" or "search".
        columns: The mapping.
        leave_out: Roles that no column of this file plays.

    Raises:
        DataError: The file cannot be read, has no rows, lacks a column that the mapping names in every row, has several of
            one name where one is wanted, or writes dates in an order that is not clear or contradicts the settings.
    """
    path, own = Path(path), getattr(columns, name)
    wanted = {role: column for role, column in own.roles().items() if role not in leave_out}
    survey = _Survey(path, {r: c for r, c in wanted.items() if c is not None}, columns.options(name))
    for line, row in read_rows(path, survey.options):
        survey.add(line, row)
    _check_columns(survey, name)
    html, notes = _html(survey, name, own.html)
    return Table(path, name, wanted, survey.decided(), html, notes)


def _check_columns(survey: _Survey, table: str) -> None:
    if not survey.rows:
        raise DataError(f"{survey.path}: no rows")
    for role, column in survey.wanted.items():
        if column not in survey.columns:
            raise DataError(
                f"{survey.path}: no column {column!r} (wanted for {role}); the file has "
                f"{', '.join(map(str, survey.columns))}: set {role} under [{table}] in the mapping (--columns)"
            )


def _html(survey: _Survey, table: str, told: bool | None) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the columns that are HTML, and a note on each that is or might be."""
    html, notes = [], []
    for role, column in survey.wanted.items():
        tagged, filled = survey.tagged[column], survey.filled[column]
        cells = f"{survey.path.name}: {tagged:,} of {filled:,} cells of {column!r} hold HTML"
        if told or (told is None and tagged and tagged >= FAIR_SHARE * filled):
            html += [column] if role in _TEXTS else []
            notes += [f"{cells}, and were read as the text that a reader sees"] if tagged else []
        elif told is None and tagged:
            notes.append(f"{cells} tags, too few to take the column for HTML: html = true under [{table}] reads it so")
    return frozenset(html), tuple(notes)
