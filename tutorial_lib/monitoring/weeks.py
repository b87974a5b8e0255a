"""Sessions, and the weeks that they are counted in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from tutorial_lib.monitoring.searches import Search
from tutorial_lib.text import normal_form

PAUSE = timedelta(minutes=30)
"""After so long a visitor has come back with another matter: where a session's id is a person's, it is cut there."""


@dataclass(frozen=True)
class Session:
    """What one visitor searched without a long pause, in order: one matter, as a rule, so it is what is counted."""

    searches: tuple[Search, ...]

    @property
    def first(self) -> Search:
        """The search that the visitor came with; those after it answer to what was shown."""
        return self.searches[0]

    @property
    def week(self) -> date:
        """The Monday of the week in which it began, in UTC."""
        return week_of(self.first.when)

    @property
    def wording(self) -> str:
        """The first query without what people vary freely."""
        return normal_form(self.first.query)


def week_of(when: datetime) -> date:
    """Return the Monday of a time's week, in UTC.

    >>> week_of(datetime(2026, 10, 11, 23, 30, tzinfo=UTC)).isoformat()
    '2026-10-05'
    """
    day = when.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def weeks_between(first: date, last: date) -> list[date]:
    """Return every Monday from ``first`` to ``last``, both of which are Mondays."""
    return [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]


def sessions_of(searches: Iterable[Search]) -> list[Session]:
    """Return searches by session, in the order in which the sessions began.

    Args:
        searches: In the order of time.
    """
    open_: dict[str, list[Search]] = {}
    done: list[list[Search]] = []
    for search in searches:
        current = open_.get(search.session_id)
        if current is None or search.when - current[-1].when > PAUSE:
            current = open_[search.session_id] = []
            done.append(current)
        current.append(search)
    return [Session(tuple(searches)) for searches in done]


def thinned(sessions: Sequence[Session], most: int, seed: int) -> list[Session]:
    """Return at most ``most`` sessions of each week, drawn at random, in their order."""
    by_week: dict[date, list[int]] = {}
    for n, session in enumerate(sessions):
        by_week.setdefault(session.week, []).append(n)
    rng = np.random.default_rng(seed)
    kept = [n for rows in by_week.values() for n in (rows if len(rows) <= most else rng.choice(rows, most, replace=False))]
    return [sessions[n] for n in sorted(kept)]
