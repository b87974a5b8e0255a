"""A search log, row by row: what was searched, what was clicked, and what is wrong with the file."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tutorial_lib.data.cells import cell_text, flag, what_it_holds
from tutorial_lib.data.columns import Columns, SearchColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.search_log import ClickSettings, searches_in
from tutorial_lib.data.table import NO_DATE, Table
from tutorial_lib.data.ubi_log import UbiLog, open_log
from tutorial_lib.text import has_words

LONGEST = 2_000
"""Characters of a query: a longer one is a page that was pasted, or an attack, and no search."""

LONGEST_GAP = timedelta(weeks=53)
"""Between two searches of one log: beyond it a clock is wrong, and each week between would be judged for nothing."""

SATISFIED = ClickSettings().min_dwell
"""Seconds on an article from which on it counts as read."""


@dataclass(frozen=True)
class Click:
    """One click of a search: which article, at which place from 1, and how many seconds it was read."""

    article_id: str
    rank: int
    dwell_seconds: float


@dataclass(frozen=True)
class Search:
    """One search as it was logged; ``ticket`` says whether a ticket followed, None where the log does not tell."""

    session_id: str
    when: datetime
    query: str
    clicks: tuple[Click, ...] = ()
    ticket: bool | None = None

    @property
    def answer(self) -> str | None:
        """The article that was read last and for long enough, without a ticket after it: it answered, as far as is known."""
        last = self.clicks[-1] if self.clicks and not self.ticket else None
        return last.article_id if last and last.dwell_seconds >= SATISFIED else None


@dataclass(frozen=True)
class SearchLog:
    """The searches of a log in the order of time.

    Attributes:
        path: The file, for messages.
        searches: What was read.
        notes: What was found in it, as sentences for people.
    """

    path: Path
    searches: tuple[Search, ...]
    notes: tuple[str, ...] = ()

    def without_before(self, when: datetime) -> SearchLog:
        """Return the log without the searches up to ``when``, and a note on how many these were.

        Raises:
            DataError: No search is left.
        """
        later = tuple(s for s in self.searches if s.when > when)
        left_out = len(self.searches) - len(later)
        if not left_out:
            return self
        if not later:
            raise DataError(
                f"{self.path}: all {left_out:,} searches are from before {when:%Y-%m-%d %H:%M}, where the log that they are "
                "compared with ends: pass the log of the time since"
            )
        note = f"{self.path.name}: {left_out:,} searches up to {when:%Y-%m-%d %H:%M}, which are from before, are left out"
        return SearchLog(self.path, later, (*self.notes, note))


@dataclass
class _Reading:
    """What became of the rows so far."""

    table: Table | UbiLog
    names: SearchColumns
    count: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    found: list[Search] = field(default_factory=list)

    def add(self, line: int, row: Mapping[str, Any]) -> None:
        """Take in a search, or count why not."""
        names = self.names
        query, session = cell_text(row.get(names.query)), cell_text(row.get(names.session_id))
        if not has_words(query):
            self.count["without a query"] += 1
        elif len(query) > LONGEST:
            self.count[f"with a query of more than {LONGEST:,} characters"] += 1
        elif not session:
            self.count[f"without a {names.session_id}"] += 1
        elif (when := self.table.time(line, row)) is None:
            self.count[f"with {NO_DATE}"] += 1
        else:
            self._keep(Search(session, when, query, self._clicks(line, row), self._ticket(row)))

    def _keep(self, search: Search) -> None:
        key = (search.session_id, search.when, search.query, search.clicks)
        if key in self.seen:
            self.count["that stand twice"] += 1
            return
        self.seen.add(key)
        self.found.append(search)

    def _clicks(self, line: int, row: Mapping[str, Any]) -> tuple[Click, ...]:
        names, clicks = self.names, row["clicks"]
        if not isinstance(clicks, list):
            raise DataError(f"{self.table.path} line {line}: {names.clicks} is {clicks!r:.60}, not a list")
        made = []
        for given in clicks:
            at, click = given if isinstance(given, tuple) else (line, given)
            try:
                held = what_it_holds(click[names.article_id])
                rank, dwell = int(click[names.rank]), float(click[names.dwell_seconds])
                usable = not held and rank >= 1 and 0 <= dwell < float("inf")
            except (KeyError, TypeError, ValueError, OverflowError):
                usable = False
            if not usable:
                raise DataError(
                    f"{self.table.path} line {at}: a click needs {names.article_id}, {names.rank} (from 1) and "
                    f"{names.dwell_seconds} (0 or more), found {click!r:.300}"
                )
            made.append(Click(cell_text(click[names.article_id]), rank, dwell))
        return tuple(made)

    def _ticket(self, row: Mapping[str, Any]) -> bool | None:
        column = self.names.ticket_followed
        return None if column is None else flag(row.get(column)) is not False  # a ticket's id, or yes


def read_searches(path: str | Path, columns: Columns | None = None) -> SearchLog:
    """Return the searches of a log by time; what cannot be used is counted in the notes.

    Rows that repeat one another count once. Rows out of order are sorted by their times; where a session's own rows go back
    in time, that is told too, for then a clock was wrong.

    Args:
        path: The log, in one of the forms of ``from_search_log``: the folder of the service's events among them.
        columns: Which column holds what.

    Raises:
        DataError: The file, a column or a value cannot be used, no search is left, or two searches that follow each other
            are more than a year apart.
    """
    table, names = open_log(Path(path), columns or Columns())
    reading = _Reading(table, names)
    for line, row in searches_in(table.rows(reading.count), names):
        reading.add(line, row)
    if not reading.found:
        raise DataError(f"{path}: no search can be used ({_told(reading.count)}): check [search] in the mapping")
    ordered = sorted(reading.found, key=lambda s: (s.when, s.session_id))
    _check_gaps(table.path, ordered)
    left_out = [f"{table.path.name}: left out {_told(reading.count)}"] if reading.count else []
    return SearchLog(table.path, tuple(ordered), (*table.notes, *left_out, *_order(table.path.name, reading.found)))


def _told(count: Counter[str]) -> str:
    return ", ".join(f"{n:,} searches {why}" for why, n in count.items()) or "it has none"


def _order(name: str, found: Sequence[Search]) -> list[str]:
    """Return notes on rows that stand after later ones, and on sessions whose clock went back."""
    back = sum(a.when > b.when for a, b in itertools.pairwise(found))
    latest: dict[str, datetime] = {}
    wrong = set()
    for search in found:
        if search.when < latest.setdefault(search.session_id, search.when):
            wrong.add(search.session_id)
        latest[search.session_id] = max(search.when, latest[search.session_id])
    notes = [f"{name}: {back:,} rows are older than the row before them: sorted by time"] if back else []
    if wrong:
        notes.append(f"{name}: the clock went back within {len(wrong):,} sessions, {min(wrong)!r} among them")
    return notes


def _check_gaps(path: Path, ordered: Sequence[Search]) -> None:
    for a, b in itertools.pairwise(ordered):
        if b.when - a.when > LONGEST_GAP:
            raise DataError(
                f"{path}: nothing was searched from {a.when:%Y-%m-%d} to {b.when:%Y-%m-%d} ({b.query!r:.60}): a clock was "
                "wrong, or these are two logs; take out what does not belong"
            )
