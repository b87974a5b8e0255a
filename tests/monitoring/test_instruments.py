from datetime import timedelta

import numpy as np
import pytest

from tests.monitoring.matters import START, finder, known, log
from tutorial_lib.monitoring.instruments import FEATURES, Instruments
from tutorial_lib.monitoring.signals import SIGNALS
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.monitoring.weeks import sessions_of


def made(**changes):
    before = sessions_of(log(10).searches)
    now = sessions_of(log(3, start=START + timedelta(weeks=10), seed=1, **changes).searches)
    return Instruments.of(before, now, known(), finder(), WatchSettings())


@pytest.fixture(scope="module")
def cameras():
    """Three weeks in which half of all ask for the camera."""
    return made(query=lambda n, rng: "camera" if n % 2 else None)


def test_each_session_has_its_features_topic_and_wording(cameras):
    assert cameras.before == 200
    assert cameras.features.shape == (260, FEATURES)
    assert cameras.groups.shape == cameras.wordings.shape == (260,)
    first = [s.wording for s in cameras.sessions]
    assert (cameras.wordings[first.index("camera")] == cameras.wordings).sum() == first.count("camera")


def test_now_is_one_period_and_every_signal_has_a_path(cameras):
    periods = cameras.now([20, 20, 20])
    assert periods.past.sum() == 200
    paths = cameras.paths(periods, trained=True)
    assert list(paths) == cameras.signals == list(SIGNALS)
    assert {path.shape for path in paths.values()} == {(1, 3)}


def test_the_topic_that_grew_is_named(cameras):
    past, here, words = cameras.grown(np.arange(200, 260))
    assert past < 0.2 < here
    assert words[0] == "camera"


def test_a_log_that_does_not_tell_of_tickets_has_no_such_signal():
    assert "tickets" not in made(ticket=None).signals


def test_a_rate_needs_three_times(cameras):
    assert cameras.floors()["words"] == pytest.approx(3 * np.log(2))
    assert cameras.floors()["names"] == 2
