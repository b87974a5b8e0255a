from datetime import date

import numpy as np
import pytest

from tests.monitoring.matters import finder, known, log, search
from tutorial_lib.monitoring.decision import decide, says
from tutorial_lib.monitoring.instruments import Instruments
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.monitoring.watched import Reading
from tutorial_lib.monitoring.weeks import Session, sessions_of

MONDAY = date(2026, 8, 3)


@pytest.fixture(scope="module")
def instruments():
    """Forty sessions before; now eight that ask for the lookout, four of which open an article that is new."""
    now = [search(n, f"lookout {n}", article="help/new" if n % 2 else "", session=f"n{n}") for n in range(8)]
    sessions = [Session((s,)) for s in now]
    return Instruments.of(sessions_of(log(2).searches), sessions, known(), finder(), WatchSettings(least=4))


def decided(instruments, *raised, rows=8):
    readings = {name: Reading(0.5, 0.1, 0.9, 2.0) for name in raised}
    return decide(MONDAY, instruments, np.arange(40, 40 + rows), readings, dict.fromkeys(raised, "so"))


@pytest.mark.parametrize(
    ("raised", "decision"),
    [
        ((), "fine"),
        (("names", "words", "distance"), "look"),
        (("tickets", "no click"), "look"),
        (("words", "tickets"), "retrain"),
        (("names", "articles"), "retrain"),
    ],
)
def test_witnesses_of_two_kinds_are_enough_to_retrain(instruments, raised, decision):
    week = decided(instruments, *raised)
    assert week.decision == decision
    assert len(week.reasons) == max(len(raised), 1)
    assert all(week.readings[name].says == "so" for name in raised)


def test_three_sessions_decide_nothing(instruments):
    assert decided(instruments, "words", "tickets", rows=3).decision == "too few"


def test_reasons_name_numbers_since_when_and_examples(instruments):
    periods = instruments.now([8])
    paths = instruments.paths(periods, trained=True)
    assert says(instruments, "names", paths, periods, 0).startswith(
        "8 wordings hold a word that training never saw: lookout (8)"
    )
    assert says(instruments, "articles", paths, periods, 0) == (
        "since 5 January 4 of 4 sessions (100%, before 0%) with a click open an article that training never had: help/new (4)"
    )
    assert says(instruments, "words", paths, periods, 0).startswith("since 5 January 8 of 8 sessions (100%, before 0%)")
    assert says(instruments, "topics", paths, periods, 0).startswith(
        "the 8 sessions of 8 weeks share out among topics as chance"
    )
    assert "lookout" in says(instruments, "topics", paths, periods, 0).partition(":")[2]
