"""How often does ``watch`` cry wolf, and how soon does it notice that a product was renamed?

    python -m benchmarks.watching --workspace workspace/support_desk --out benchmarks/results/watching.json [--runs 100]
        [--parts year again wordings weeks]

"year" watches the second year of support_desk by a model of the first, and "again" does so with the year's sessions drawn
anew, week by week with replacement, at its own pace and at half of it. The other two watch what cannot hold anything new:
"wordings" deals the wordings of the first year into a past and a present of half a year, so that the present asks for the
same matters in words of its own; "weeks" takes 20 whole weeks of the first year out, at random, and sets them after the
others. What training knew is without the queries that the present alone has. The model is the same throughout, and each text
is encoded once. Parts that are not run keep their figures.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import description
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_FILES
from tutorial_lib.data.support_desk_year2 import SUPPORT_DESK_YEAR2_FILES
from tutorial_lib.files import write_json
from tutorial_lib.monitoring.drift import watch
from tutorial_lib.monitoring.finder import Finder
from tutorial_lib.monitoring.known import Known
from tutorial_lib.monitoring.run import WatchedRun
from tutorial_lib.monitoring.searches import SearchLog, read_searches
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.monitoring.watched import Watched
from tutorial_lib.monitoring.weeks import Session, sessions_of
from tutorial_lib.text import normal_form

COMMAND = "python -m benchmarks.watching --workspace FOLDER --out FILE"
RENAMED = date(2026, 10, 5)
"""The Gantry becomes the Lookout."""

FIRST_CHANGE = date(2026, 8, 31)
"""Week of the year's first change, the Tender: all weeks before it are quiet."""

AFTER = datetime(2026, 7, 6, tzinfo=UTC)
"""A Monday after the first year."""

WEEKS, A_WEEK = 26, 18
"""Of a quiet present of dealt wordings."""

DEALS = 499
"""Quiet periods that each simulated watch finds its thresholds on: half as many as usual, for the sake of time."""

TAKEN_OUT = 20
"""Whole weeks of a quiet present."""

PARTS = ("year", "again", "wordings", "weeks")

Draw = Callable[[np.random.Generator], tuple[list[Session], list[Session]]]


def at(session: Session, start: datetime, name: str) -> Session:
    """Return a session as if it had begun at ``start``, under a name of its own."""
    shift = start - session.first.when
    return Session(tuple(replace(s, when=s.when + shift, session_id=name) for s in session.searches))


def spread(sessions: Sequence[Session], monday: datetime) -> list[Session]:
    """Return sessions spread over the week of ``monday``."""
    step = timedelta(days=6) / max(len(sessions), 1)
    return [at(s, monday + n * step, f"{monday:%Y%m%d}-{n}") for n, s in enumerate(sessions)]


def log_of(sessions: Sequence[Session]) -> SearchLog:
    """Return sessions as a log."""
    searches = sorted((s for session in sessions for s in session.searches), key=lambda s: s.when)
    return SearchLog(Path("simulated"), tuple(searches))


def dealt(sessions: Sequence[Session], rng: np.random.Generator) -> tuple[list[Session], list[Session]]:
    """Return a past and a present with no wording in common."""
    number = {w: n for n, w in enumerate(dict.fromkeys(s.wording for s in sessions))}
    wordings = np.array([number[s.wording] for s in sessions])
    order = np.argsort(rng.permutation(len(number))[wordings], kind="stable")
    held = set(wordings[order[: WEEKS * A_WEEK]])
    rows = rng.permutation(order[: WEEKS * A_WEEK])
    weeks = (rows[n * A_WEEK : (n + 1) * A_WEEK] for n in range(WEEKS))
    present = [s for n, own in enumerate(weeks) for s in spread([sessions[r] for r in own], AFTER + timedelta(weeks=n))]
    return [s for s, w in zip(sessions, wordings, strict=True) if w not in held], present


def taken_out(sessions: Sequence[Session], rng: np.random.Generator) -> tuple[list[Session], list[Session]]:
    """Return the sessions of most weeks as the past, and those of ``TAKEN_OUT`` weeks, shuffled, as the present."""
    mondays = sorted({s.week for s in sessions})
    out = rng.permutation(mondays)[:TAKEN_OUT].tolist()
    present = []
    for n, monday in enumerate(out):
        present += spread([s for s in sessions if s.week == monday], AFTER + timedelta(weeks=n))
    return [s for s in sessions if s.week not in set(out)], present


def without(known: Known, past: Sequence[Session], present: Sequence[Session]) -> Known:
    """Return what training would know without the searches of the present alone."""
    there, here = ({normal_form(s.query) for session in part for s in session.searches} for part in (past, present))
    return known.without(here - there)


def quiet(known: Known, finder: Finder, draw: Draw, settings: WatchSettings, runs: int) -> dict[str, Any]:
    """Return how often anything is raised where nothing is new."""
    raised: Counter[str] = Counter()
    weeks = late = periods = 0
    for run in range(runs):
        past, present = draw(np.random.default_rng(run))
        found = watch(log_of(present), log_of(past), without(known, past, present), finder, replace(settings, seed=run))
        raised.update(list(found.first_raised()))
        periods += bool(found.first_raised())
        weeks += len(found.weeks)
        late += sum(week.decision in ("look", "retrain") for week in found.weeks)
    return {
        "periods": runs,
        "deals": settings.quiet_periods,
        "weeks of a period": weeks / runs,
        "periods with an alarm": periods / runs,
        "weeks with an alarm": late / weeks,
        "by signal": {name: n / runs for name, n in raised.most_common()},
    }


def noticed(found: Watched) -> dict[str, Any]:
    """Return when the rename was noticed: by which signal, how many days after, to the end of that week."""
    days = {name: (day - RENAMED).days + 7 for name, day in found.first_raised().items()}
    after = {name: d for name, d in days.items() if d > 0}
    retrain = found.first("retrain")
    return {
        "before any change": sorted(n for n, d in found.first_raised().items() if d < FIRST_CHANGE),
        "between": sorted(n for n, d in found.first_raised().items() if FIRST_CHANGE <= d < RENAMED),
        "days by signal": after,
        "first": min(after, key=lambda name: after[name]) if after else None,
        "days": min(after.values(), default=None),
        "days to retrain": (retrain.monday - RENAMED).days + 7 if retrain else None,
    }


def year(now: SearchLog, before: SearchLog, known: Known, finder: Finder, settings: WatchSettings) -> dict[str, Any]:
    """Return what watching the second year finds."""
    found = watch(now, before, known, finder, settings)
    changed = [w for w in found.weeks if w.decision != "fine"]
    return {
        "quiet": found.quiet,
        "usual": found.usual,
        "decisions": Counter(w.decision for w in found.weeks),
        **noticed(found),
        "first weeks": [{"week": w.monday.isoformat(), "decision": w.decision, "reasons": w.reasons} for w in changed[:4]],
    }


def again(
    now: SearchLog, before: SearchLog, known: Known, finder: Finder, settings: WatchSettings, runs: int
) -> dict[str, Any]:
    """Return when the rename is noticed where the second year's sessions are drawn anew."""
    by_week: dict[date, list[Session]] = {}
    for session in sessions_of(now.searches):
        by_week.setdefault(session.week, []).append(session)
    result = {}
    for pace in (1.0, 0.5):
        rows = []
        for run in range(runs):
            rng = np.random.default_rng(run)
            drawn: list[Session] = []
            for monday, sessions in by_week.items():
                rows_ = rng.integers(len(sessions), size=max(round(pace * len(sessions)), 1))
                start = datetime(monday.year, monday.month, monday.day, 12, tzinfo=UTC) + timedelta(
                    days=monday < date(2026, 7, 1)
                )
                drawn += spread([sessions[r] for r in rows_], start)
            rows.append(
                noticed(
                    watch(log_of(drawn), before, known, finder, replace(settings, least=4, quiet_periods=DEALS, seed=run))
                )
            )
        result[f"{pace:g} times its sessions"] = summary(rows)
    return result


def quantile(days: Sequence[float], q: float) -> int | None:
    """Return a quantile of days, None where it is never."""
    value = float(np.quantile(days, q, method="higher"))
    return None if np.isinf(value) else int(value)


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what several draws of the year have in common."""
    days = [row["days"] if row["days"] is not None else np.inf for row in rows]
    retrain = [row["days to retrain"] or np.inf for row in rows]
    return {
        "runs": len(rows),
        "alarm before any change": sum(bool(row["before any change"]) for row in rows) / len(rows),
        "alarm between": sum(bool(row["between"]) for row in rows) / len(rows),
        "days, median and 90 %": [quantile(days, q) for q in (0.5, 0.9)],
        "days to retrain, median and 90 %": [quantile(retrain, q) for q in (0.5, 0.9)],
        "first": Counter(row["first"] or "none" for row in rows),
    }


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    given = parser.parse_args()
    run, settings = WatchedRun(given.workspace), WatchSettings()
    before = read_searches(SUPPORT_DESK_FILES / "search_log.jsonl")
    now = read_searches(SUPPORT_DESK_YEAR2_FILES / "search_log.jsonl")
    first_year = sessions_of(before.searches)
    recent = [s for s in first_year if s.week >= first_year[-1].week - timedelta(weeks=settings.past - 1)]
    parts, whole = run.parts(), replace(settings, past=104, quiet_periods=DEALS)
    measures: dict[str, Callable[[], Any]] = {
        "year": lambda: year(now, before, *parts, settings),
        "again": lambda: again(now, before, *parts, settings, given.runs // 5),
        "wordings": lambda: quiet(*parts, lambda rng: dealt(recent, rng), whole, given.runs),
        "weeks": lambda: quiet(*parts, lambda rng: taken_out(first_year, rng), whole, given.runs),
    }
    for name in given.parts:
        result = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
        result |= {"command": COMMAND, "machine": description(), "renamed": RENAMED.isoformat(), name: measures[name]()}
        write_json(given.out, result)


if __name__ == "__main__":
    main()
