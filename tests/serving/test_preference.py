"""Who is preferred, how sure that is, and what it takes for a difference that is not there to be seen."""

import numpy as np
import pytest
from scipy import stats

from tutorial_lib.serving.preference import Preference, any_time_p, sign_test


def preference(wins, losses, ties=0, *, clients=None, planned=None):
    won = np.repeat([1, -1, 0], [wins, losses, ties])
    names = clients or [f"c{n}" for n in range(len(won))]
    return Preference("1", "2", won, names, planned)


def test_the_sign_test_is_scipys():
    for wins, losses in ((3, 9), (40, 60), (7, 7), (0, 0)):
        wanted = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
        assert sign_test(wins, losses) == pytest.approx(wanted)
    assert sign_test([6, 0], [0, 6]).tolist() == [0.03125, 0.03125]


def test_the_bets_are_fair():
    """Whatever was won so far, the mean of what both ways to go on give is what one has."""
    for wins, losses in ((0, 0), (120, 180), (20, 200)):
        now = 1 / any_time_p(wins, losses)
        after = (1 / any_time_p(wins + 1, losses) + 1 / any_time_p(wins, losses + 1)) / 2
        if now > 1.5:  # below that it is capped at 1
            assert after == pytest.approx(now)
    assert any_time_p(20, 200) < 1e-9


def test_looking_each_day_misleads_the_sign_test_and_not_the_other():
    draw = np.random.default_rng(0)
    won = draw.integers(0, 2, (400, 3000)).cumsum(axis=1)
    looks = np.arange(100, 3001, 100)
    wins = won[:, looks - 1]
    often = {test: (test(wins, looks - wins) < 0.05).any(axis=1).mean() for test in (sign_test, any_time_p)}
    assert often[sign_test] > 0.15
    assert often[any_time_p] < 0.05


@pytest.mark.parametrize(
    ("found", "winner"),
    [
        (preference(300, 200, 500), "2"),
        (preference(200, 300, 500), "1"),
        (preference(260, 240, 500), None),
        (preference(280, 220, 500), None),  # p 0.008 for one look; but who knows how many looks there were
        (preference(280, 220, 500, planned=1000), "2"),
        (preference(280, 220, 499, planned=1000), None),
        (preference(0, 0, 10), None),
    ],
)
def test_who_is_preferred(found, winner):
    assert found.winner == winner


def test_one_client_who_searches_all_day_decides_nothing():
    busy = ["busy"] * 100 + [f"c{n}" for n in range(100)]
    won = np.array([1] * 100 + [1, -1] * 50)
    assert Preference("1", "2", won, busy, 200).p < 0.001
    assert Preference("1", "2", won, busy, 200).winner is None
    assert Preference("1", "2", won, ["busy"] * 200, 200).winner is None


def test_the_sentence_says_what_was_found():
    said = preference(300, 200, 500).sentence
    assert said.startswith("1,000 searches: 300 won by version 2, 200 by version 1; +10.0% of searches (95 % +")
    assert said.endswith(": version 2 is preferred")
    assert preference(3, 2).sentence.endswith("neither is preferred so far")
    assert preference(3, 2, planned=1000).sentence.endswith("too early to say: 1,000 searches were planned")


def test_no_search_is_no_comparison():
    with pytest.raises(ValueError, match="0 searches of 0 clients"):
        preference(0, 0)
    with pytest.raises(ValueError, match="2 searches of 1 clients"):
        preference(1, 1, clients=["a"])
