"""Quiet periods: what the signals do where nothing has changed, dealt from the searches before.

The wordings of the searches before are dealt into two hands. One plays the present, cut into weeks, the other the past that
it is compared with. What a signal reaches in the present of 999 such deals is what chance does. Whole wordings are dealt, not
single sessions: a new year asks for the same matters in other words, and a hand that held the same wordings as the other
would hide that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError
from tutorial_lib.monitoring.statistics import Floats, Periods
from tutorial_lib.monitoring.watch_settings import WatchSettings

SHORTEST = 4
"""Weeks of a quiet period, at least."""


def weeks_dealt(sessions: int, a_week: int, settings: WatchSettings) -> int:
    """Return how many weeks a quiet period has: ``settings.period``, or as many as half of the sessions before fill.

    Raises:
        DataError: They fill too few.
    """
    weeks = min(settings.period, sessions // (2 * a_week))
    if weeks < SHORTEST:
        raise DataError(
            f"{sessions:,} sessions before, and {a_week} a week now: that is too little to say what is usual; pass the log "
            f"of a longer time before (--before), of at least {2 * SHORTEST * a_week:,} sessions"
        )
    return weeks


def deal(wordings: NDArray[np.int64], weeks: int, a_week: int, count: int, rng: np.random.Generator) -> Periods:
    """Return quiet periods.

    Args:
        wordings: int64, (S,): number of each session's wording, from 0.
        weeks: Of a period.
        a_week: Sessions of a week.
        count: Of periods.
        rng: Draws them.
    """
    size = weeks * a_week
    present = np.empty((count, size), dtype=np.int64)
    past = np.zeros((count, len(wordings)), dtype=bool)
    for q in range(count):
        order = np.argsort(rng.permutation(int(wordings.max()) + 1)[wordings], kind="stable")
        present[q] = rng.permutation(order[:size])
        past[q, order[size:]] = True
        past[q, wordings == wordings[order[size - 1]]] = False  # the wording that the cut goes through
    return Periods(present, past, np.arange(1, weeks + 1) * a_week)


@dataclass(frozen=True)
class Thresholds:
    """What a signal must exceed to be raised, chosen for all signals together.

    Attributes:
        by_signal: Signal -> threshold.
        level: Share of quiet periods in which one signal alone exceeds its threshold, at most.
        together: Share of the quiet periods that they were chosen on in which any is exceeded.
    """

    by_signal: dict[str, float]
    level: float
    together: float


def thresholds(quiet: Mapping[str, Floats], alarms: float, floors: Mapping[str, float]) -> Thresholds:
    """Return thresholds that any signal exceeds in at most ``alarms`` of the quiet periods.

    Each signal gets the same share of false alarms of its own, as large as the signals together allow; since they often move
    together that is more than ``alarms`` divided by their number.

    Args:
        quiet: Signal -> its path in each quiet period, (Q, H).
        alarms: Share of quiet periods.
        floors: Signal -> least threshold.

    Reference: Westfall and Young 1993, "Resampling-based multiple testing", section 2.5 (single-step minP).
    """
    highest = {name: paths.max(axis=1) for name, paths in quiet.items()}
    chances = {name: _at_least(values) for name, values in highest.items()}
    rarest = np.sort(np.min(list(chances.values()), axis=0))
    allowed = int(alarms * len(rarest))
    below = rarest[rarest < rarest[allowed]]
    level = float(below[-1]) if len(below) else 0.0
    beyond = round(level * len(rarest))
    found = {name: max(float(np.sort(v)[::-1][beyond]), floors.get(name, 0.0)) for name, v in highest.items()}
    raised = np.any([values > found[name] for name, values in highest.items()], axis=0)
    return Thresholds(found, level, float(raised.mean()))


def _at_least(values: Floats) -> Floats:
    """Return the share of values that are at least as high as each."""
    ordered = np.sort(values)
    return (len(values) - np.searchsorted(ordered, values, side="left")) / len(values)
