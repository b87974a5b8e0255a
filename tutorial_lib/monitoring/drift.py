"""Watching a search log week by week: is it still like the searches that the model learned from?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tutorial_lib.data.dataset import DataError
from tutorial_lib.monitoring.decision import decide, says
from tutorial_lib.monitoring.finder import Finder
from tutorial_lib.monitoring.instruments import Instruments
from tutorial_lib.monitoring.known import Known
from tutorial_lib.monitoring.quiet import Thresholds, deal, thresholds, weeks_dealt
from tutorial_lib.monitoring.searches import SearchLog
from tutorial_lib.monitoring.signals import SIGNALS
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.monitoring.watched import Reading, Watched, Week
from tutorial_lib.monitoring.weeks import Session, sessions_of, thinned, week_of, weeks_between

OWN = 0.1
"""Share of the clicked articles that a log has in common with the run, at least; the rest may be new."""

RISES_TO = 1.5
"""Thresholds that evidence of a rate rises to: from there it can fall again within weeks."""


@dataclass(frozen=True)
class Usual:
    """What is usual, in units of each signal.

    Attributes:
        thresholds: What a signal must exceed.
        low: Signal -> what 5 % of the quiet periods lie below in their last week.
        high: Signal -> what 5 % lie above.
        quiet: What this was found from, for the record.
    """

    thresholds: Thresholds
    low: dict[str, float]
    high: dict[str, float]
    quiet: dict[str, float]


def watch(
    log: SearchLog, before: SearchLog | None, known: Known, finder: Finder, settings: WatchSettings | None = None
) -> Watched:
    """Return a decision for each week of a log, with the signals that it rests on.

    Args:
        log: Searches since the model was made. Those up to the end of ``before`` are left out.
        before: Searches that it learned from; None: the first weeks of ``log`` take their place.
        known: What it learned.
        finder: The model itself.
        settings: How searches are watched.

    Returns:
        The weeks, in all of which together any signal is raised by chance in at most ``settings.alarms`` of the periods of
        ``settings.period`` weeks in which nothing changes.

    Raises:
        DataError: Too little was searched to say what is usual, nothing since, or a log is that of another help centre.
    """
    settings = settings or WatchSettings()
    past, log, notes = _parted(log, before, settings)
    for name, sessions in ((log.path, sessions_of(log.searches)), (before.path if before else log.path, past)):
        _check_own(str(name), sessions, known)
    every = sessions_of(log.searches)
    now = thinned(every, settings.most, settings.seed)
    if len(now) < len(every):
        notes.append(f"{len(now):,} of {len(every):,} sessions are looked at, drawn at random")
    instruments = Instruments.of(past, now, known, finder, settings)
    mondays = weeks_between(now[0].week, now[-1].week)
    sizes = [sum(session.week == monday for session in now) for monday in mondays]
    usual = _usual(instruments, max(int(np.median(sizes)), settings.least))
    weeks = _weeks(instruments, mondays, sizes, usual)
    calibration = {} if finder.calibration is None else _calibration(instruments)
    return Watched(weeks, _shares(instruments), asdict(settings), usual.quiet, calibration, tuple(notes))


def _parted(log: SearchLog, before: SearchLog | None, settings: WatchSettings) -> tuple[list[Session], SearchLog, list[str]]:
    """Return the sessions before, the log since then, and the notes on both."""
    notes = [] if before is None else list(before.notes)
    if before is None:
        cut = week_of(log.searches[0].when) + timedelta(weeks=settings.settling)
        early = [s for s in log.searches if week_of(s.when) < cut]
        later = tuple(log.searches[len(early) :])
        if not later:
            raise DataError(
                f"{log.path}: there is no log of the time before, and this one has no more than the {settings.settling} "
                "weeks that are to take its place: pass --before, or a longer log"
            )
        notes.append(f"no log of the time before: the first {settings.settling} weeks of {log.path.name} are what is usual")
        log = replace(log, searches=later)
    else:
        early = list(before.searches)
        log = log.without_before(early[-1].when)
    since = week_of(early[-1].when) - timedelta(weeks=settings.past - 1)
    sessions = thinned([s for s in sessions_of(early) if s.week >= since], settings.most, settings.seed)
    return sessions, log, [*notes, *log.notes]


def _check_own(name: str, sessions: Sequence[Session], known: Known) -> None:
    clicked = [click.article_id for s in sessions for search in s.searches for click in search.clicks]
    own = sum(article in known.articles for article in clicked)
    if clicked and own < OWN * len(clicked):
        raise DataError(
            f"{name}: of {len(clicked):,} clicks, {own:,} are on articles of this run ({clicked[0]!r} is on none of them): "
            "pass the log of the help centre that the run was made for"
        )


def _usual(instruments: Instruments, a_week: int) -> Usual:
    """Return what quiet periods say of the signals.

    Args:
        instruments: What sessions say.
        a_week: Sessions of a week of now.
    """
    settings, wordings = instruments.settings, instruments.wordings[: instruments.before]
    weeks = weeks_dealt(instruments.before, a_week, settings)
    rng = np.random.default_rng(settings.seed)
    paths = instruments.paths(deal(wordings, weeks, a_week, settings.quiet_periods, rng), trained=False)
    chosen = thresholds(paths, settings.alarms, instruments.floors())
    low, high = ({name: float(np.quantile(p[:, -1], q)) for name, p in paths.items()} for q in (0.05, 0.95))
    quiet = {"periods": settings.quiet_periods, "weeks": weeks, "sessions a week": a_week, "before": instruments.before}
    return Usual(chosen, low, high, {**quiet, "level": chosen.level, "alarms": chosen.together})


def _shares(instruments: Instruments) -> dict[str, float]:
    """Return each rate before, and 0 for what is no rate: there nothing new is usual."""
    before = instruments.before
    return {
        name: float(np.nanmean(instruments.rates[name].happened[:before])) if SIGNALS[name].rate else 0.0
        for name in instruments.signals
    }


def _calibration(instruments: Instruments) -> dict[str, dict[str, float]]:
    """Return for the sessions before and now how sure the model was where the answer is known, and how often right."""
    wrong, found = instruments.rates.get("wrong"), {}
    if wrong is None:
        return {}
    for name, part in (("before", slice(instruments.before)), ("now", slice(instruments.before, None))):
        happened, doubt = wrong.happened[part], wrong.expected[part][np.isfinite(wrong.happened[part])]
        happened = happened[np.isfinite(happened)]
        low, high = wilson(int((1 - happened).sum()), len(happened))
        sure = {"searches": len(happened), "confidence": 1 - float(doubt.mean())}
        found[name] = {**sure, "right": 1 - float(happened.mean()), "low": low, "high": high}
    return found


def _weeks(instruments: Instruments, mondays: Sequence[date], sizes: Sequence[int], usual: Usual) -> tuple[Week, ...]:
    bars = usual.thresholds.by_signal
    periods = instruments.now(sizes)
    paths = instruments.paths(periods, trained=True, caps={name: RISES_TO * bar for name, bar in bars.items()})
    found = []
    for w, monday in enumerate(mondays):
        rows = periods.present[0, periods.starts[w] : periods.ends[w]]
        readings = {name: _reading(instruments, name, rows, path[0, w] / bars[name], usual) for name, path in paths.items()}
        told = {name: says(instruments, name, paths, periods, w) for name, r in readings.items() if r.raised}
        found.append(decide(monday, instruments, rows, readings, told))
    return tuple(found)


def _reading(instruments: Instruments, name: str, rows: NDArray[np.int64], strength: float, usual: Usual) -> Reading:
    if not SIGNALS[name].rate:
        value = strength * usual.thresholds.by_signal[name]
        return Reading(float(value), usual.low[name], usual.high[name], float(strength))
    happened = instruments.rates[name].happened[rows]
    happened = happened[np.isfinite(happened)]
    if not len(happened):
        return Reading(None, None, None, float(strength))
    return Reading(float(happened.mean()), *wilson(int(happened.sum()), len(happened)), float(strength))


def wilson(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Reference: Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22.

    >>> [round(x, 3) for x in wilson(1, 10)]
    [0.018, 0.404]
    """
    interval = stats.binomtest(count, of).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
