"""What watching found: a decision a week, its reasons, and every signal's reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from tutorial_lib.files import write_json

FINE, LOOK, RETRAIN, TOO_FEW = "fine", "look", "retrain", "too few"
STATUS = {FINE: 0, LOOK: 10, RETRAIN: 20, TOO_FEW: 0}
"""Decision -> exit status of ``watch``: others than those of errors."""


@dataclass(frozen=True)
class Reading:
    """One signal in one week.

    Attributes:
        value: Share of the week's sessions, or what a window shows; None where no session can tell.
        low: End of its 95 % interval; for windows, what 5 % of the quiet periods lie below.
        high: The other end; for windows, what 5 % of the quiet periods lie above.
        strength: Evidence that has come together, as a share of the threshold: above 1 the signal is raised.
        says: In words, where it is raised.
    """

    value: float | None
    low: float | None
    high: float | None
    strength: float
    says: str = ""

    @property
    def raised(self) -> bool:
        """Whether the signal is raised."""
        return self.strength > 1


@dataclass(frozen=True)
class Week:
    """One week.

    Attributes:
        monday: Its first day.
        searches: In its sessions.
        sessions: That began in it.
        decision: "fine", "look", "retrain", or "too few" where too little was searched to decide.
        reasons: Of the decision, as sentences.
        readings: By signal; none where nothing was searched.
    """

    monday: date
    searches: int
    sessions: int
    decision: str
    reasons: tuple[str, ...]
    readings: dict[str, Reading]

    @property
    def raised(self) -> list[str]:
        """The signals that are raised."""
        return [name for name, reading in self.readings.items() if reading.raised]


@dataclass(frozen=True)
class Watched:
    """What watching a log found.

    Attributes:
        weeks: In order of time, without gaps.
        usual: Signal -> what was usual before, where it is a share.
        settings: What it was watched with, as plain values.
        quiet: What the thresholds were chosen on: periods, their weeks, sessions, share with an alarm.
        calibration: "before" and "now" -> of searches whose answer is known from a click and could be found: how many, how
            sure the model was of its first hit on average, the share in which it was right, ``low`` and ``high`` of that.
            Empty where the model is not calibrated.
        notes: What was found in the logs, as sentences for people.
    """

    weeks: tuple[Week, ...]
    usual: dict[str, float]
    settings: dict[str, Any]
    quiet: dict[str, Any]
    calibration: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def signals(self) -> list[str]:
        """The signals that this log can show."""
        return list(self.usual)

    @property
    def newest(self) -> Week:
        """The last week with enough searches to decide; the last one, where none has."""
        return next((w for w in reversed(self.weeks) if w.decision != TOO_FEW), self.weeks[-1])

    @property
    def status(self) -> int:
        """The exit status that tells the decision of the newest week."""
        return STATUS[self.newest.decision]

    def first(self, *decisions: str) -> Week | None:
        """Return the first week with one of these decisions; None if there is none."""
        return next((week for week in self.weeks if week.decision in decisions), None)

    def first_raised(self) -> dict[str, date]:
        """Return for each signal that was ever raised the Monday of the week when it was first, by date."""
        found: dict[str, date] = {}
        for week in self.weeks:
            for name in week.raised:
                found.setdefault(name, week.monday)
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def table(self) -> pd.DataFrame:
        """Return a row a week: week, searches, sessions, decision, raised (signals, with commas)."""
        rows = [(w.monday.isoformat(), w.searches, w.sessions, w.decision, ", ".join(w.raised)) for w in self.weeks]
        return pd.DataFrame(rows, columns=["week", "searches", "sessions", "decision", "raised"])

    def readings(self) -> pd.DataFrame:
        """Return a row a week and signal: week, signal, value, low, high, usual, strength, raised, decision."""
        rows = [
            (w.monday, name, r.value, r.low, r.high, self.usual[name], r.strength, r.raised, w.decision)
            for w in self.weeks
            for name, r in w.readings.items()
        ]
        columns = ["week", "signal", "value", "low", "high", "usual", "strength", "raised", "decision"]
        return pd.DataFrame(rows, columns=columns)

    def record(self) -> dict[str, Any]:
        """Return what ``from_record`` reads, as JSON can hold it."""
        record = asdict(self)
        for week, shown in zip(self.weeks, record["weeks"], strict=True):
            shown["monday"] = week.monday.isoformat()
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Watched:
        """Return what ``record`` wrote."""
        weeks = tuple(_week(shown) for shown in record["weeks"])
        return cls(**{**record, "weeks": weeks, "notes": tuple(record["notes"])})

    def save(self, path: Path) -> None:
        """Write it as JSON; its folder is made if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, self.record())


def _week(shown: Mapping[str, Any]) -> Week:
    readings = {name: Reading(**reading) for name, reading in shown["readings"].items()}
    given = {**shown, "monday": date.fromisoformat(shown["monday"]), "reasons": tuple(shown["reasons"]), "readings": readings}
    return Week(**given)
