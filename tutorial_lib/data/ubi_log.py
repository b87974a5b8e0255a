"""A search log in the User Behavior Insights schema: queries and events joined, one row a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tutorial_lib.data.columns import Columns, ExportFormat, SearchColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.table import Table, open_table
from tutorial_lib.data.times import is_usual
from tutorial_lib.data.ubi import ANSWERED, CLICKS, LEAVE, TICKET, UbiEvent, UbiQuery, UbiRecord, is_ubi, records, ubi_files
from tutorial_lib.text import normal_form

SESSION = 1800.0
"""Seconds without a sign of a visitor after which a visit is over. Who never came back is taken to have stayed so long on
the last document opened; who said that it answers, too."""


@dataclass
class _Opened:
    """A document that was opened: its place from 1, when, and how long it was read, where that was measured."""

    rank: int
    when: datetime | None
    seconds: float | None = None
    answered: bool = False


@dataclass
class _Search:
    """One query with what was shown, and what was opened of it, the last at the end."""

    query: UbiQuery
    hits: list[str]
    opened: dict[str, _Opened] = field(default_factory=dict)
    ticket: str | None = None


@dataclass
class _Read:
    """What the files hold, while they are read."""

    count: Counter[str]
    searches: dict[str, _Search] = field(default_factory=dict)
    events: list[UbiEvent] = field(default_factory=list)
    ambiguous: set[str] = field(default_factory=set)
    lines: int = 0
    broken: str = ""

    def add(self, query: UbiQuery, place: str) -> None:
        """Take in a query. A second page of it is one search with the first; two wordings under one id are none."""
        query_id = query.query_id or place
        before = self.searches.setdefault(query_id, _Search(query, list(query.hits)))
        if before.query is query:
            return
        if normal_form(before.query.text) != normal_form(query.text):
            self.count["searches that share a query_id"] += 1 if query_id in self.ambiguous else 2
            self.ambiguous.add(query_id)
        before.hits += [hit for hit in query.hits if hit not in before.hits]


@dataclass(frozen=True)
class UbiLog:
    """A search log in the UBI schema, which offers what ``search_log`` asks of a ``Table``.

    Attributes:
        path: A folder of day files, or one file; queries and events may be mixed.
        options: Zone of times that name none.
        notes: None: what was left out is counted.
    """

    path: Path
    options: ExportFormat = field(default_factory=ExportFormat)
    notes: tuple[str, ...] = ()

    def rows(self, count: Counter[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (number, row) of each search with its clicks, under the names of ``SearchColumns``.

        The last click is the document that was said to answer, else the last one opened. Its ``dwell_seconds`` are those
        measured, else the time until the visitor's next search or click, at most ``SESSION``.

        Args:
            count: Counts what was left out, by reason.

        Raises:
            DataError: A field holds what it cannot, more lines are broken than not, or there is no query at all.
        """
        read = self._read(Counter() if count is None else count)
        for event in sorted(read.events, key=lambda event: _moment(event.when)):  # stable: else as recorded
            _take(event, read)
        _measure(read.searches.values())
        for number, search in enumerate(read.searches.values(), 1):
            yield number, _row(search)

    def time(self, _: int, row: Mapping[str, Any]) -> datetime | None:
        """Return when a search was made, in UTC; None if it names no usable time."""
        when: datetime | None = row["created_at"]
        return when if when and is_usual(when) else None

    def _read(self, count: Counter[str]) -> _Read:
        read = _Read(count)
        for file in ubi_files(self.path):
            for line, fields in records(file):
                self._read_one(read, file, line, fields)
        if 2 * count["broken row"] > read.lines > 1:
            broken = f"{count['broken row']:,} of {read.lines:,} lines are broken"
            raise DataError(f"{self.path}: {broken}: this is no log of searches ({read.broken})")
        if not read.searches:
            raise DataError(
                f"{self.path}: no query (a record with user_query), only {len(read.events):,} events: pass the folder, or "
                "the file, that holds both"
            )
        for query_id in read.ambiguous:
            del read.searches[query_id]
        return read

    def _read_one(self, read: _Read, file: Path, line: int, fields: dict[str, Any] | str) -> None:
        read.lines += 1
        if isinstance(fields, str):
            read.count["broken row"] += 1
            read.broken = read.broken or f"{file} line {line}: {fields}"
            return
        record = UbiRecord(file, line, fields, self.options).read()
        if isinstance(record, UbiQuery):
            read.add(record, f"{file} line {line}")
        elif record:
            read.events.append(record)
        else:
            read.count["neither query nor event"] += 1


def open_log(searches: Path, columns: Columns) -> tuple[Table | UbiLog, SearchColumns]:
    """Return a search log, in this schema or as a table, and which field of its rows holds what.

    Raises:
        DataError: As ``open_table``.
    """
    if is_ubi(searches, columns.search.query):
        return UbiLog(searches, columns.options("search")), SearchColumns()
    of_clicks = ("article_id", "rank", "dwell_seconds") if columns.search.clicks else ()
    return open_table(searches, "search", columns, leave_out=of_clicks), columns.search


def _moment(when: datetime | None) -> datetime:
    return when or datetime.min.replace(tzinfo=UTC)


def _take(event: UbiEvent, read: _Read) -> None:
    """Join an event to its search."""
    search = read.searches.get(event.query_id)
    if search is None:
        read.count["event of no known query"] += 1
        return
    asked = search.query.when
    if event.when and asked and event.when < asked:
        read.count["event before its query: a clock went back"] += 1
    if event.action == TICKET:
        search.ticket = event.message or "true"
    elif event.action in CLICKS or event.action in (LEAVE, ANSWERED):
        _open(event, search, read.count)
    else:
        read.count["event of another action"] += 1


def _open(event: UbiEvent, search: _Search, count: Counter[str]) -> None:
    """Note what an event says of a document that was opened."""
    hit = event.document
    rank = search.hits.index(hit) + 1 if hit in search.hits else event.ordinal
    if not hit or not rank:
        count["event without a document or its place"] += 1
        return
    opened = search.opened.get(hit) or _Opened(rank, event.when)
    if event.action != LEAVE:  # what is opened, or said to answer, is the last so far
        search.opened.pop(hit, None)
        opened.when = event.when
    search.opened[hit] = opened
    opened.answered |= event.action == ANSWERED
    if event.seconds is not None:
        opened.seconds = max(opened.seconds or 0.0, event.seconds)


def _measure(searches: Iterable[_Search]) -> None:
    """Give each document whose reading was not measured the time until its visitor's next search or click."""
    visits: dict[str, list[tuple[datetime, _Opened | None]]] = {}
    for n, search in enumerate(searches):
        visit = visits.setdefault(search.query.client or f"query {n}", [])
        visit.append((_moment(search.query.when), None))
        visit += [(_moment(opened.when), opened) for opened in search.opened.values()]
    for visit in visits.values():
        visit.sort(key=lambda sign: sign[0])
        follows: datetime | None = None
        for when, opened in reversed(visit):
            if opened and opened.seconds is None:
                opened.seconds = min(SESSION, (follows - when).total_seconds()) if follows else SESSION
            follows = when


def _row(search: _Search) -> dict[str, Any]:
    """Return a search as a row of ``SearchColumns``."""
    last = sorted(search.opened.items(), key=lambda item: item[1].answered)  # stable: what was said to answer at the end
    clicks = [
        {"article_id": hit, "rank": o.rank, "dwell_seconds": max(o.seconds or 0.0, SESSION if o.answered else 0.0)}
        for hit, o in last
    ]
    return {
        "session_id": search.query.client,
        "created_at": search.query.when,
        "query": search.query.text,
        "clicks": clicks,
        "ticket_followed": search.ticket,
    }
