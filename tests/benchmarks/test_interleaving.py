"""Chances of clicks worked out by hand on one query, and searches that are simulated as those chances say."""

import numpy as np
import pytest

from benchmarks.interleaving import (
    LOOKED_AT,
    SHOWN,
    chances,
    drafts_of,
    false_alarms,
    mixed,
    needed,
    read_qrels,
    read_run,
    row_of,
    simulated,
    split_moments,
)
from tutorial_lib.retrieval.runs import write_trec_qrels, write_trec_run

RIGHT = {"q": {"a"}}
GOOD, BAD = {"q": ["a", "b"]}, {"q": ["b", "a"]}


def test_the_chance_of_a_click_falls_with_the_place():
    assert chances(["b", "a"], {"a"})[:3] == pytest.approx([0.17, 0.86 * 2**-0.7, 0])
    assert LOOKED_AT[0] == 1
    assert len(LOOKED_AT) == SHOWN


def test_who_wins_a_search_by_hand():
    """Either draft shows both documents: the right one for the candidate first (1) or second (2), the other for the live."""
    drafts = drafts_of(BAD, GOOD, RIGHT)
    first = (0.86, 0.17 * 2**-0.7)  # a first: chances of a and of b
    second = (0.86 * 2**-0.7, 0.17)
    wins = np.mean([a * (1 - b) for a, b in (first, second)])
    losses = np.mean([b * (1 - a) for a, b in (first, second)])
    assert drafts.chances() == pytest.approx((wins, losses))
    # By the first click alone b counts where it stands first, or was clicked below a that was not.
    wins = np.mean([0.86, second[0] * (1 - 0.17)])
    losses = np.mean([first[1] * (1 - 0.86), 0.17])
    assert drafts.first_click() == pytest.approx((wins, losses))


def test_simulated_searches_are_won_as_often_as_the_chances_say():
    drafts = drafts_of(BAD, GOOD, RIGHT)
    won = np.concatenate(list(simulated(drafts, 2000, 30, seed=0)))
    assert won.shape == (30, 2000)
    assert ((won > 0).mean(), (won < 0).mean()) == pytest.approx(drafts.chances(), abs=0.01)


def test_figures_of_a_split_by_hand():
    found = split_moments(BAD, RIGHT)
    clicked = 1 - (1 - 0.17) * (1 - 0.86 * 2**-0.7)
    assert found["clicked"] == pytest.approx((clicked, clicked * (1 - clicked)))
    below = (1 - 0.17) * 0.86 * 2**-0.7
    mean = 0.17 + below / 2
    assert found["reciprocal place"] == pytest.approx((mean, 0.17 + below / 4 - mean**2))


def test_how_many_are_needed():
    # (1.96 + 0.84)^2 = 7.85 times the variance over the square of the difference.
    assert needed(0.1, 1.0) == 785
    assert needed(-0.1, 1.0) == 785
    assert needed(0.0, 1.0) is None


def test_the_same_ranking_twice_never_raises_an_alarm_but_by_the_papers_coins():
    for paper, most in ((False, 0.0), (True, 0.2)):
        found = false_alarms(drafts_of(GOOD, GOOD, RIGHT, paper=paper), 100, 200, 50, exchanged=False)
        assert found["sign test, one look"]["share"] <= most
        assert found["sign test, looked at often"]["share"] >= found["sign test, one look"]["share"]
        assert (found["sign test, looked at often"]["share"] > 0) == paper


def test_a_row_says_what_it_takes(tmp_path):
    live, candidate = {"q": {"b": 2.0, "a": 1.0}}, {"q": {"a": 2.0, "b": 1.0}}
    row = row_of("swap", live, candidate, {"q": {"a": 2, "b": 1}}, 200)
    assert row["difference"] > 0
    assert row["candidate_wins"] > row["live_wins"]
    assert row["power"]["share"] == pytest.approx(0.8, abs=0.2)
    assert row["split_best"] == min(s["searches"] for s in row["split"].values())


def test_runs_are_read_as_a_workspace_writes_them(tmp_path):
    run, qrels = {"q": {"b": 2.0, "a": 1.0}, "r": {"a": 1.0}}, {"q": {"a": 2}}
    write_trec_run(run, tmp_path / "r.trec", "base")
    write_trec_qrels(qrels, tmp_path / "q.trec")
    assert read_run(tmp_path / "r.trec") == run
    assert read_qrels(tmp_path / "q.trec") == qrels


def test_a_share_of_the_queries_has_the_better_ranking():
    worse, better = ({f"q{n}": {name: 1.0} for n in range(10)} for name in ("worse", "better"))
    found = mixed(worse, better, 0.3)
    assert sum(found[q] == better[q] for q in found) == 3
    assert set(found) == set(worse)
