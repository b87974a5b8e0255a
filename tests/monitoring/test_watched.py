import json
from datetime import date

from tutorial_lib.monitoring.watched import Reading, Watched, Week


def week(day, decision, strength=0.0):
    readings = {"words": Reading(0.2, 0.1, 0.4, strength, "so" if strength > 1 else "")}
    return Week(date(2026, 10, day), 30, 20, decision, ("because",), readings)


FOUND = Watched(
    (week(5, "fine"), week(12, "look", 1.5), week(19, "retrain", 1.2), week(26, "too few")),
    {"words": 0.05},
    {"alarms": 0.05},
    {"weeks": 26},
    {"now": {"searches": 3, "right": 0.5}},
    ("a note",),
)


def test_the_newest_week_that_decided_gives_the_status():
    assert FOUND.newest.monday == date(2026, 10, 19)
    assert FOUND.status == 20
    assert Watched(FOUND.weeks[:2], {}, {}, {}).status == 10
    assert Watched(FOUND.weeks[:1], {}, {}, {}).status == 0
    assert Watched(FOUND.weeks[3:], {}, {}, {}).status == 0


def test_what_was_first():
    assert FOUND.first("retrain") is FOUND.weeks[2]
    assert FOUND.first("nothing") is None
    assert FOUND.first_raised() == {"words": date(2026, 10, 12)}


def test_tables():
    assert FOUND.table().iloc[1].tolist() == ["2026-10-12", 30, 20, "look", "words"]
    rows = FOUND.readings()
    assert rows["raised"].tolist() == [False, True, True, False]
    assert rows.iloc[0][["signal", "value", "usual"]].tolist() == ["words", 0.2, 0.05]


def test_it_is_read_as_it_was_written(tmp_path):
    FOUND.save(tmp_path / "watch" / "watch.json")
    assert Watched.from_record(json.loads((tmp_path / "watch" / "watch.json").read_text())) == FOUND
