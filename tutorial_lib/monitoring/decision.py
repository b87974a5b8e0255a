"""From signals to one decision a week, with its reasons in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.monitoring.instruments import Instruments
from tutorial_lib.monitoring.known import is_phrase
from tutorial_lib.monitoring.signals import SIGNALS
from tutorial_lib.monitoring.statistics import Floats, Periods
from tutorial_lib.monitoring.watched import FINE, LOOK, RETRAIN, TOO_FEW, Reading, Week

NAMED = 4
"""New words, or articles, that a reason names."""


def decide(
    monday: date, instruments: Instruments, rows: NDArray[np.int64], readings: dict[str, Reading], told: Mapping[str, str]
) -> Week:
    """Return the decision of a week.

    What people ask, what they find, and which articles answer are three witnesses. One alone is a reason to look: new words
    may be of a campaign, fewer clicks of a broken page. Two say that the model has been left behind.

    Args:
        monday: Of the week.
        instruments: What sessions say.
        rows: Sessions of the week.
        readings: By signal.
        told: What each raised signal says.
    """
    searches = sum(len(instruments.sessions[row].searches) for row in rows)
    readings = {name: replace(reading, says=told.get(name, "")) for name, reading in readings.items()}
    if len(rows) < (least := instruments.settings.least):
        said = f"{len(rows)} sessions, and {least} are the fewest that a week is judged by"
        return Week(monday, searches, len(rows), TOO_FEW, (said,), readings)
    kinds = {SIGNALS[name].kind for name in told}
    decision = RETRAIN if len(kinds) > 1 else LOOK if kinds else FINE
    reasons = tuple(f"{name}: {text}" for name, text in told.items()) or ("no signal is beyond what quiet weeks show",)
    return Week(monday, searches, len(rows), decision, reasons, readings)


def says(instruments: Instruments, name: str, paths: Mapping[str, Floats], periods: Periods, week: int) -> str:
    """Return in words what a raised signal shows in a week."""
    window = periods.present[0, periods.window_starts(instruments.settings.window)[week] : periods.ends[week]]
    if name == "names":
        return f"{paths[name][0, week]:.0f} {SIGNALS[name].says}: {_new_words(instruments, window)}"
    if not SIGNALS[name].rate:
        past, here, words = instruments.grown(window)
        grown = f"{' / '.join(words)} grew most, from {past:.0%} to {here:.0%}"
        return f"the {len(window)} sessions of {instruments.settings.window} weeks {SIGNALS[name].says}: {grown}"
    begun = _begun(instruments.steps(name, periods)[0], week)
    rows = periods.present[0, periods.starts[begun] : periods.ends[week]]
    happened = instruments.rates[name].happened
    seen, before = happened[rows], happened[: instruments.before]
    count, of = int(np.nansum(seen)), int(np.isfinite(seen).sum())
    since = instruments.sessions[rows[0]].week
    said = f"since {since.day} {since:%B} {count} of {of} sessions ({count / of:.0%}, before {np.nanmean(before):.0%})"
    return f"{said} {SIGNALS[name].says}{_examples(instruments, name, rows)}"


def _begun(steps: NDArray[np.float64], week: int) -> int:
    """Return the week in which the evidence up to ``week`` began to come together."""
    sums = np.cumsum(steps[: week + 1][::-1])[::-1]
    return int(np.argmax(sums))


def _examples(instruments: Instruments, name: str, rows: NDArray[np.int64]) -> str:
    if name == "words":
        return f": {_new_words(instruments, rows)}"
    if name != "articles":
        return ""
    known = instruments.rare.known.articles
    clicks = (c.article_id for row in rows for s in instruments.sessions[row].searches for c in s.clicks)
    return f": {_most(Counter(a for a in clicks if a not in known))}"


def _new_words(instruments: Instruments, rows: NDArray[np.int64]) -> str:
    """Return the words that training never saw in sessions ``rows``, with how many sessions use each."""
    known = instruments.rare.known
    count: Counter[str] = Counter()
    for row in rows:
        found = set()
        for search in instruments.sessions[row].searches:
            spelt = known.spelt(search.query)
            found |= {spelt[part] for part in known.unseen(search.query) if not is_phrase(part)}
        count.update(found)
    return _most(count)


def _most(count: Counter[str]) -> str:
    return ", ".join(f"{name} ({n})" for name, n in sorted(count.items(), key=lambda item: (-item[1], item[0]))[:NAMED])
