"""Cohen's kappa: known values, the peer's, and an interval that knows of clusters."""

import warnings

import numpy as np
import pytest

from tutorial_lib.rag.agreement import agreement


def verdicts(both_yes, both_no, first_alone, second_alone):
    first = [True] * both_yes + [False] * both_no + [True] * first_alone + [False] * second_alone
    second = [True] * both_yes + [False] * both_no + [False] * first_alone + [True] * second_alone
    return first, second, [str(n) for n in range(len(first))]


def test_a_value_worked_out_by_hand():
    found = agreement(*verdicts(20, 15, 5, 10))
    assert found.kappa == pytest.approx(0.4)  # observed 35/50; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5
    assert found.share == 0.7
    assert (found.both_yes, found.both_no, found.first_alone, found.second_alone) == (20, 15, 5, 10)
    assert found.low < 0.4 < found.high


@pytest.mark.parametrize(
    ("cells", "kappa"),
    [((3, 4, 0, 0), 1.0), ((0, 0, 2, 2), -1.0), ((1, 1, 1, 1), 0.0), ((0, 5, 0, 5), 0.0), ((7, 0, 0, 0), None)],
)
def test_the_ends_of_the_scale(cells, kappa):
    found = agreement(*verdicts(*cells))
    assert (np.isnan(found.kappa) and np.isnan(found.low)) if kappa is None else found.kappa == pytest.approx(kappa)


def test_nine_of_ten_by_chance_alone():
    found = agreement(*verdicts(81, 1, 9, 9))
    assert found.share == 0.82
    assert found.kappa == pytest.approx(0.0)


def test_it_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    for _ in range(20):
        first, second = (rng.random(30) < rng.random() for _ in "ab")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = metrics.cohen_kappa_score(first, second)
        assert agreement(first, second, list(map(str, range(30)))).kappa == pytest.approx(peer, nan_ok=True)


def test_verdicts_of_one_cluster_move_together():
    first, second, alone = verdicts(20, 15, 5, 10)
    apart, together = agreement(first, second, alone), agreement(first * 4, second * 4, alone * 4)
    assert together.kappa == pytest.approx(apart.kappa)
    assert (together.low, together.high) == pytest.approx((apart.low, apart.high))  # four copies are no more evidence
    assert agreement(first * 4, second * 4, list(map(str, range(200)))).low > together.low
    assert np.isnan(agreement(first, second, ["a"] * 50).low)


@pytest.mark.parametrize("given", [([True], [True], []), ([], [], []), ([True], [], ["a"])])
def test_what_does_not_fit_is_refused(given):
    with pytest.raises(ValueError, match=r"verdicts, .* of the other judge, .* clusters: pass one each"):
        agreement(*given)
