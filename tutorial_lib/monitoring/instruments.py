"""All signals of a set of sessions, for any periods made of them: of what was searched, and of what is dealt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq

from tutorial_lib.monitoring.finder import Finder
from tutorial_lib.monitoring.known import Known
from tutorial_lib.monitoring.names import RareWords
from tutorial_lib.monitoring.signals import SIGNALS, Counted, counted
from tutorial_lib.monitoring.statistics import (
    Floats,
    Periods,
    chi_squares,
    cusum,
    distances,
    evidence,
    fourier_features,
    median_distance,
)
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.monitoring.weeks import Session

FEATURES = 512
"""Random features: the kernel is off by some 2 % then."""

LEAST_IN_WINDOW = 30
"""Sessions of a window that a distance is computed of: below, chance is all that it shows."""

FEWEST_EVENTS = 3
"""However rare something was: one time, or two, is no evidence."""


@dataclass(frozen=True)
class Instruments:
    """What every session says, before and now.

    Attributes:
        sessions: Those before, then those now, each in order of time.
        before: How many are before.
        wordings: int64, (S,): number of each session's wording, the sessions before first.
        rates: What is counted, of those signals that the sessions can tell.
        features: float32, (S, ``FEATURES``), of each session's first query.
        groups: int64, (S,): which topic of those before each first query is closest to.
        rare: Words that neither articles nor tickets hold.
        settings: How searches are watched.
    """

    sessions: Sequence[Session]
    before: int
    wordings: NDArray[np.int64]
    rates: dict[str, Counted]
    features: NDArray[np.float32]
    groups: NDArray[np.int64]
    rare: RareWords
    settings: WatchSettings

    @classmethod
    def of(
        cls, before: Sequence[Session], now: Sequence[Session], known: Known, finder: Finder, settings: WatchSettings
    ) -> Instruments:
        """Return what sessions say; the model reads every wording once."""
        sessions = [*before, *now]
        number = {wording: n for n, wording in enumerate(dict.fromkeys(s.wording for s in sessions))}
        wordings = np.array([number[s.wording] for s in sessions])
        vectors, n = finder.vectors([s.first.query for s in sessions]), len(before)
        rates = {name: seen for name, seen in counted(sessions, known, finder).items() if _tells(seen, n)}
        features = fourier_features(vectors, median_distance(vectors[:n], settings.seed), FEATURES, settings.seed)
        topics = min(settings.topics, len(np.unique(vectors[:n], axis=0)))
        centres, _ = kmeans2(vectors[:n], topics, minit="++", rng=settings.seed)
        rare = RareWords.of(sessions, known, wordings)
        return cls(sessions, n, wordings, rates, features, vq(vectors, centres)[0].astype(np.int64), rare, settings)

    @property
    def signals(self) -> list[str]:
        """The signals that these sessions can show, in the order of ``SIGNALS``."""
        return [name for name, signal in SIGNALS.items() if not signal.rate or name in self.rates]

    def now(self, sizes: Sequence[int]) -> Periods:
        """Return the sessions of now as one period, compared with all before.

        Args:
            sizes: Sessions of each week.
        """
        rows = np.arange(self.before, len(self.sessions))[None]
        return Periods(rows, (np.arange(len(self.sessions)) < self.before)[None], np.cumsum(sizes))

    def steps(self, name: str, periods: Periods) -> Floats:
        """Return the evidence of each week for a higher rate, (Q, H)."""
        seen, n = self.rates[name], periods.past.shape[1]
        return evidence(periods, seen.happened[:n], seen.expected[:n], self.settings.odds)

    def paths(self, periods: Periods, *, trained: bool, caps: Mapping[str, float] | None = None) -> dict[str, Floats]:
        """Return what each signal shows week by week, (Q, H).

        Args:
            periods: Periods; of quiet ones ``past`` is of the sessions before alone.
            trained: Whether all that training learnt is seen, or only what the past holds.
            caps: Rate -> where its evidence rises no further.
        """
        window, n = self.settings.window, periods.past.shape[1]
        found = {
            "names": self.rare.most_wordings(periods, window, trained=trained),
            "distance": distances(periods, self.features[:n], window, LEAST_IN_WINDOW),
            "topics": chi_squares(periods, self.groups[:n], window),
        }
        for name in self.rates:
            found[name] = cusum(self.steps(name, periods), (caps or {}).get(name, np.inf))
        return {name: found[name] for name in self.signals}

    def floors(self) -> dict[str, float]:
        """Return the least threshold of each signal: ``FEWEST_EVENTS`` in its own unit; of windows anything above 0."""
        rates = dict.fromkeys(self.rates, FEWEST_EVENTS * float(np.log(self.settings.odds)))
        return {"names": FEWEST_EVENTS - 1.0, "distance": 1e-6, "topics": 1e-6, **rates}

    def grown(self, rows: NDArray[np.int64]) -> tuple[float, float, list[str]]:
        """Return the topic that grew most among sessions ``rows``: its share before, its share there, its telling words."""
        count, n = int(self.groups.max()) + 1, self.before
        past = np.bincount(self.groups[:n], minlength=count) / n
        here = np.bincount(self.groups[rows], minlength=count) / len(rows)
        topic = int(np.argmax((here - past) / np.sqrt(past + here + 1e-9)))
        return float(past[topic]), float(here[topic]), self._telling(rows[self.groups[rows] == topic])

    def _telling(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the three words that sessions ``rows`` use much more than those before."""
        here, past = (self._words(part) for part in (rows, np.arange(self.before)))
        score = {w: k * np.log((k / len(rows)) / ((past[w] + 0.5) / self.before)) for w, k in here.items()}
        return sorted(score, key=lambda w: (-score[w], w))[:3]

    def _words(self, rows: NDArray[np.int64]) -> Counter[str]:
        said = (self.rare.known.spelt(self.sessions[row].first.query).values() for row in rows)
        return Counter(word for words in said for word in set(words))


def _tells(seen: Counted, before: int) -> bool:
    """Return whether sessions before and now can tell a signal."""
    return bool(np.isfinite(seen.happened[:before]).any() and np.isfinite(seen.happened[before:]).any())
