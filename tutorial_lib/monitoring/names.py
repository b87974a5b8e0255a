"""New names: words that training never saw, in one wording after another. A slip of the pen stays with one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.monitoring.known import Known, is_phrase
from tutorial_lib.monitoring.statistics import Floats, Periods
from tutorial_lib.monitoring.weeks import Session


@dataclass(frozen=True)
class RareWords:
    """The stems in queries that neither articles nor tickets hold.

    Attributes:
        stems: The stems.
        rows: int64, (U, 2): session and stem, a row for each stem of a session, by ascending session.
        wordings: int64, (S,): number of each session's wording.
        learnt: bool, (len(stems),): whether training has them from a search.
        spelt: How each stem is written most often.
        known: What training knew.
    """

    stems: list[str]
    rows: NDArray[np.int64]
    wordings: NDArray[np.int64]
    learnt: NDArray[np.bool_]
    spelt: list[str]
    known: Known

    @classmethod
    def of(cls, sessions: Sequence[Session], known: Known, wordings: NDArray[np.int64]) -> RareWords:
        """Return the rare words of sessions."""
        number: dict[str, int] = {}
        spelt: list[Counter[str]] = []
        rows: dict[tuple[int, int], None] = {}
        for n, session in enumerate(sessions):
            for search in session.searches:
                for stem, token in known.spelt(search.query).items():
                    if stem not in known.everywhere and not is_phrase(stem):
                        if stem not in number:
                            number[stem] = len(number)
                            spelt.append(Counter())
                        spelt[number[stem]][token] += 1
                        rows[n, number[stem]] = None
        learnt = np.array([stem in known.asked for stem in number], dtype=bool)
        found = np.array(list(rows), dtype=np.int64).reshape(-1, 2)
        return cls(list(number), found, wordings, learnt, [count.most_common(1)[0][0] for count in spelt], known)

    def most_wordings(self, periods: Periods, window: int, *, trained: bool) -> Floats:
        """Return in how many wordings of the window that ends with each week one unseen word stands, at most, (Q, H).

        Args:
            periods: Weeks, and the sessions before them: what stands in these is seen.
            window: Weeks.
            trained: Whether what training learnt from a search is seen as well.
        """
        found = np.zeros((len(periods.present), len(periods.ends)))
        holds: dict[int, list[int]] = {}
        for session, stem in self.rows.tolist():
            holds.setdefault(session, []).append(stem)
        weeks = np.repeat(np.arange(len(periods.ends)), periods.ends - periods.starts)
        before = self.rows[: np.searchsorted(self.rows[:, 0], periods.past.shape[1])]
        any_held = np.isin(np.arange(len(self.wordings)), list(holds))
        for q, (present, past) in enumerate(zip(periods.present, periods.past, strict=True)):
            seen = self.learnt & trained
            seen[before[past[before[:, 0]], 1]] = True
            there: dict[int, dict[int, set[int]]] = {}
            for n in np.flatnonzero(any_held[present]).tolist():
                for stem in holds[int(present[n])]:
                    if not seen[stem]:
                        there.setdefault(stem, {}).setdefault(int(self.wordings[present[n]]), set()).add(int(weeks[n]))
            for by_wording in there.values():
                found[q] = np.maximum(found[q], _in_window(by_wording.values(), len(periods.ends), window))
        return found


def _in_window(weeks_of_wordings: Iterable[Iterable[int]], weeks: int, window: int) -> Floats:
    """Return how many wordings stand in the window that ends with each week, (H,)."""
    count = np.zeros(weeks)
    for of_one in weeks_of_wordings:
        inside = np.zeros(weeks, dtype=bool)
        for week in of_one:
            inside[week : week + window] = True
        count += inside
    return count
