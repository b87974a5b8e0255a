from datetime import timedelta

import numpy as np
import pytest

from tests.monitoring.matters import START, finder, known, search
from tutorial_lib.monitoring.signals import SIGNALS, counted
from tutorial_lib.monitoring.weeks import Session


def told(*searches, calibrated=True):
    found = counted([Session(searches)], known(), finder(calibrated=calibrated))
    return {name: seen.happened[0] for name, seen in found.items()}


def test_an_ordinary_session_tells_of_nothing():
    said = told(search(0, "router price slow"))
    assert {n: v for n, v in said.items() if n != "phrases"} == {
        "words": 0,
        "no click": 0,
        "reworded": 0,
        "tickets": 0,
        "articles": 0,
        "unsure": 0,
        "wrong": 0,
    }


@pytest.mark.parametrize(
    ("searches", "signal"),
    [
        ([search(0, "router lookout")], "words"),
        ([search(0, "router gizmo")], "phrases"),
        ([search(0, "router", article="")], "no click"),
        ([search(0, "router"), search(0, "refund", when=START + timedelta(minutes=1))], "reworded"),
        ([search(0, "router", ticket=True)], "tickets"),
        ([search(0, "router", article="help/new")], "articles"),
        ([search(0, "router", article="help/refund")], "wrong"),
        ([search(0, "price")], "unsure"),
    ],
)
def test_what_counts(searches, signal):
    assert told(*searches)[signal] == 1


def test_the_same_words_again_are_not_reworded():
    assert told(search(0, "Router!"), search(0, "router", when=START + timedelta(minutes=1)))["reworded"] == 0


def test_what_a_session_cannot_tell_is_not_a_number():
    silent = told(search(0, "router", article="", ticket=None))
    assert all(np.isnan(silent[name]) for name in ("articles", "wrong", "tickets"))
    assert np.isnan(told(search(0, "router"), calibrated=False)["unsure"])
    assert np.isnan(told(search(0, "router", article="help/new"))["wrong"])  # the model could not have found it


def test_how_likely_a_wrong_hit_was_comes_from_the_calibration():
    found = counted([Session((search(0, "router"),))], known(), finder())["wrong"]
    assert found.expected[0] == pytest.approx(1 - 1 / (1 + np.exp(-5.0)))


def test_every_rate_is_counted():
    rates = [name for name, signal in SIGNALS.items() if signal.rate]
    assert sorted(rates) == sorted(told(search(0, "router")))
