import numpy as np
import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.monitoring.quiet import deal, thresholds, weeks_dealt
from tutorial_lib.monitoring.watch_settings import WatchSettings

WORDINGS = np.repeat(np.arange(40), 3)


def test_no_wording_is_in_both_hands():
    periods = deal(WORDINGS, 5, 4, 50, np.random.default_rng(0))
    assert periods.present.shape == (50, 20)
    assert periods.ends.tolist() == [4, 8, 12, 16, 20]
    for present, past in zip(periods.present, periods.past, strict=True):
        assert len(set(present)) == 20
        assert not set(WORDINGS[present]) & set(WORDINGS[past])
        assert past.sum() >= 120 - 20 - 2


def test_a_period_has_as_many_weeks_as_half_of_the_past_fills():
    assert weeks_dealt(1000, 10, WatchSettings()) == 26
    assert weeks_dealt(200, 10, WatchSettings()) == 10
    with pytest.raises(DataError, match=r"70 sessions before, and 10 a week now: .* of at least 80 sessions"):
        weeks_dealt(70, 10, WatchSettings())


def test_all_signals_together_are_raised_as_seldom_as_asked():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(2000, 5))
    chosen = thresholds({"a": one, "b": rng.normal(size=(2000, 5)), "c": rng.gumbel(size=(2000, 5))}, 0.05, {})
    assert 0.04 < chosen.together <= 0.05
    assert 0.05 / 3 - 0.003 < chosen.level < 0.05
    fresh = {"a": rng.normal(size=(4000, 5)), "b": rng.normal(size=(4000, 5)), "c": rng.gumbel(size=(4000, 5))}
    raised = np.any([path.max(axis=1) > chosen.by_signal[name] for name, path in fresh.items()], axis=0)
    assert 0.03 < raised.mean() < 0.075


def test_signals_that_move_together_share_their_alarms():
    path = np.random.default_rng(0).normal(size=(2000, 5))
    together = thresholds({"a": path, "b": path.copy()}, 0.05, {})
    alone = thresholds({"a": path}, 0.05, {})
    assert together.by_signal["a"] == alone.by_signal["a"]


def test_no_threshold_is_below_its_floor_and_ties_raise_nothing():
    flat = np.zeros((400, 3))
    chosen = thresholds({"a": flat, "b": flat}, 0.05, {"b": 2.0})
    assert chosen.by_signal == {"a": 0.0, "b": 2.0}
    assert (chosen.level, chosen.together) == (0.0, 0.0)
