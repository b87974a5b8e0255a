from datetime import date, timedelta

import numpy as np
import pytest

from tests.monitoring.matters import START, finder, known, log
from tutorial_lib.data.dataset import DataError
from tutorial_lib.monitoring.drift import watch, wilson
from tutorial_lib.monitoring.searches import SearchLog
from tutorial_lib.monitoring.watch_settings import WatchSettings

SETTINGS = WatchSettings(quiet_periods=199, period=8, past=30, settling=20)
BEFORE = log(30)
NOW = START + timedelta(weeks=30)


def watched(now, before=BEFORE, settings=SETTINGS):
    return watch(now, before, known(), finder(), settings)


def renamed(n, rng):
    """A third asks for the "lookout", which is what the camera is called now."""
    return f"lookout {rng.choice(['price', 'broken', 'slow', 'copy', 'missing', 'limit'])}" if n % 3 == 0 else None


def test_weeks_as_before_are_fine_and_say_what_is_usual():
    found = watched(log(8, start=NOW, seed=1))
    assert [week.decision for week in found.weeks] == ["fine"] * 8
    assert found.status == 0
    assert found.weeks[0].monday == date(2026, 8, 3)
    assert found.weeks[0].reasons == ("no signal is beyond what quiet weeks show",)
    assert found.usual["no click"] == 0
    assert found.quiet["alarms"] <= SETTINGS.alarms
    reading = found.weeks[0].readings["words"]
    assert reading.low <= reading.value <= reading.high


def test_a_new_name_is_noticed_and_named():
    found = watched(log(6, start=NOW, seed=1, query=renamed))
    week = found.first("look", "retrain")
    assert week.monday <= date(2026, 8, 10)
    assert "names" in week.raised
    assert any("lookout (" in reason for reason in week.reasons)
    assert {"words", "distance", "unsure"} <= set(found.first_raised())


def test_one_witness_is_a_reason_to_look_and_two_are_one_to_retrain():
    tickets = watched(log(6, start=NOW, seed=1, ticket=True))
    assert {w.decision for w in tickets.weeks if "tickets" in w.raised} == {"look"}
    assert tickets.newest.raised == ["tickets"]
    assert tickets.status == 10
    both = watched(log(6, start=NOW, seed=1, ticket=True, query=renamed))
    assert both.newest.decision == "retrain"
    assert both.status == 20


def test_articles_that_training_never_had_are_named():
    now = log(6, start=NOW, seed=1, article=lambda n, _: "help/drone" if n % 3 == 0 else None)
    week = watched(now).first("look")
    assert week.raised == ["articles"]
    assert week.reasons == (
        "articles: since 3 August 7 of 20 sessions (35%, before 0%) with a click open an article that training never had: "
        "help/drone (7)",
    )


def test_a_signal_falls_again_when_all_is_as_before():
    usual = {"article": lambda n, _: "" if n % 5 == 0 else None}
    bad = log(4, start=NOW, seed=1, article="")
    good = log(6, start=NOW + timedelta(weeks=4), seed=2, **usual)
    found = watched(SearchLog(bad.path, bad.searches + good.searches), before=log(30, **usual))
    assert [week.raised for week in found.weeks[:4]] == [["no click"]] * 4
    assert found.newest.decision == "fine"


def test_a_week_with_too_few_sessions_decides_nothing_and_an_empty_one_is_told():
    whole = log(6, start=NOW, seed=1)
    gap = tuple(s for s in whole.searches if not (NOW + timedelta(weeks=2) <= s.when < NOW + timedelta(weeks=3)))
    found = watched(SearchLog(whole.path, gap[:-15]))
    assert [w.decision for w in found.weeks] == ["fine", "fine", "too few", "fine", "fine", "too few"]
    assert found.weeks[2].searches == 0
    assert found.weeks[2].readings["words"].value is None
    assert found.weeks[5].reasons == ("5 sessions, and 8 are the fewest that a week is judged by",)
    assert found.newest == found.weeks[4]


def test_without_a_log_of_before_the_first_weeks_say_what_is_usual():
    found = watched(log(24, seed=1), before=None)
    assert len(found.weeks) == 4
    assert found.notes == ("no log of the time before: the first 20 weeks of log.jsonl are what is usual",)
    with pytest.raises(DataError, match=r"no more than the 20 weeks that are to take its place: pass --before"):
        watched(log(20, seed=1), before=None)


def test_what_is_before_is_left_out():
    found = watched(log(34, seed=1))
    assert len(found.weeks) == 4
    assert any("600 searches up to" in note for note in found.notes)
    with pytest.raises(DataError, match=r"all 200 searches are from before 2026-08-02"):
        watched(log(10, seed=1))


def test_the_log_of_another_help_centre_is_refused():
    with pytest.raises(DataError, match=r"of 160 clicks, 0 are on articles of this run \('docs/x' is on none"):
        watched(log(8, start=NOW, article="docs/x"), before=log(30, path="before.jsonl"))


def test_too_little_before_is_refused():
    with pytest.raises(DataError, match=r"40 sessions before, and 20 a week now: .* at least 160 sessions"):
        watched(log(8, start=NOW), before=log(2))


def test_the_same_seed_gives_the_same_and_weeks_to_come_change_nothing_but_the_volume():
    later = log(8, start=NOW, seed=1, query=renamed)
    assert watched(later).record() == watched(later).record()
    sooner = SearchLog(later.path, later.searches[:80])
    assert watched(sooner).table().equals(watched(later).table().head(4))


def test_a_run_without_dev_queries_has_no_confidence():
    found = watch(log(6, start=NOW, seed=1), BEFORE, known(), finder(calibrated=False), SETTINGS)
    assert "unsure" not in found.signals
    assert found.calibration == {}
    assert "wrong" in found.signals


def test_confidence_is_held_against_what_was_read():
    found = watched(log(4, start=NOW, seed=1, article=lambda n, _: "help/refund" if n % 2 else None)).calibration
    assert found["before"]["right"] == 1
    assert found["before"]["confidence"] > 0.9
    assert found["now"]["searches"] == 80
    assert found["now"]["low"] < found["now"]["right"] < found["now"]["high"] < found["now"]["confidence"]


def test_wilson_holds_its_share_and_stays_within_0_and_1():
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1
    low, high = wilson(50, 100)
    assert np.isclose(low, 0.4038, atol=1e-4)
    assert np.isclose(high, 0.5962, atol=1e-4)
