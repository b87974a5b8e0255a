import numpy as np
import pandas as pd
import pytest

from tutorial_lib.evaluation import significance
from tutorial_lib.evaluation.measures import per_query
from tutorial_lib.evaluation.significance import compare, document_clusters, paired_difference

QRELS = {"q1": {"a": 1}, "q2": {"a": 2, "b": 1, "c": 0}, "q3": {"c": 1}}
RUN = {
    "q1": {"b": 3.0, "a": 2.0, "c": 1.0},  # the answer second
    "q2": {"b": 3.0, "c": 2.0, "a": 1.0},  # grade 1 first, grade 2 third
    "q3": {"a": 3.0, "b": 2.0},  # not found
}


def alone(values):
    return [str(n) for n in range(len(values))]


def test_identical_systems_differ_by_nothing():
    values = np.random.default_rng(0).random(30)
    d = paired_difference(values, values.copy(), alone(values))
    assert (d.difference, d.low, d.high, d.p) == (0, 0, 0, 1)


def test_a_constant_gain_is_certain():
    values = np.random.default_rng(0).random(30)
    d = paired_difference(values, values + 0.1, alone(values))
    assert d.low == pytest.approx(0.1)
    assert d.high == pytest.approx(0.1)
    assert d.p < 0.001
    assert (d.after - d.before, d.queries) == (pytest.approx(0.1), 30)


def test_the_p_value_of_three_queries_by_hand():
    # Of the 8 ways to swap, only none and all give a difference of +-0.6: 2 / 8.
    assert paired_difference(np.zeros(3), np.array([0.1, 0.2, 0.3]), ["a", "b", "c"]).p == pytest.approx(0.25)


def test_one_cluster_proves_nothing():
    d = paired_difference(np.zeros(5), np.ones(5), ["same"] * 5)
    assert (d.difference, d.low, d.high, d.p) == (1, 1, 1, 1)


def test_copies_of_queries_add_no_certainty_when_clustered():
    gains = np.random.default_rng(1).normal(0.05, 0.2, 40)
    copies, clusters = np.repeat(gains, 4), np.repeat(alone(gains), 4)
    zeros = np.zeros(160)
    once = paired_difference(zeros[:40], gains, alone(gains))
    clustered = paired_difference(zeros, copies, clusters)
    naive = paired_difference(zeros, copies, alone(copies))
    assert clustered.high - clustered.low == pytest.approx(once.high - once.low, rel=0.1)
    assert naive.high - naive.low < 0.6 * (clustered.high - clustered.low)  # by about half, the root of four
    assert naive.p < clustered.p


def test_seeds_and_order_of_queries():
    rng = np.random.default_rng(2)
    before, after = rng.random(50), rng.random(50)
    first = paired_difference(before, after, alone(before), seed=1)
    assert paired_difference(before, after, alone(before), seed=1) == first
    assert paired_difference(before, after, alone(before), seed=2) != first
    swapped = paired_difference(after, before, alone(before), seed=1)
    assert swapped.difference == pytest.approx(-first.difference)
    assert swapped.p == pytest.approx(first.p, abs=0.02)


def test_false_alarms_are_as_rare_as_promised(monkeypatch):
    monkeypatch.setattr("tutorial_lib.evaluation.significance.RESAMPLES", 499)
    rng = np.random.default_rng(3)
    excluded = rejected = 0
    for _ in range(200):
        gains = np.repeat(rng.normal(0, 0.2, 40), 2)  # no difference; two queries of a cluster always agree
        d = paired_difference(np.zeros(80), gains, [str(n // 2) for n in range(80)])
        excluded += d.low > 0 or d.high < 0
        rejected += d.p < 0.05
    assert 2 <= excluded <= 24  # 10 expected, a little more of a percentile interval of 40 clusters
    assert 2 <= rejected <= 20


@pytest.mark.parametrize(("before", "after", "clusters"), [(2, 3, 2), (2, 2, 3), (0, 0, 0)])
def test_values_and_clusters_must_match(before, after, clusters):
    with pytest.raises(ValueError, match=f"{before} values before, {after} after, {clusters} clusters"):
        paired_difference(np.zeros(before), np.zeros(after), ["c"] * clusters)


def test_queries_for_one_article_form_a_cluster():
    assert document_clusters(QRELS) == {"q1": "a", "q2": "a", "q3": "c"}


def test_compare_pairs_the_queries_and_counts_who_won():
    better = {"q1": {"a": 1.0}, "q2": {"c": 1.0}, "q3": {"b": 1.0}}
    comparison = compare(QRELS, {"old": RUN, "new": better}, "old", "new")
    assert comparison.deltas("RR@10").to_dict() == {"q1": 0.5, "q2": -1, "q3": 0}
    assert comparison.outcome("RR@10") == {"won": 1, "lost": 1, "tied": 1}
    assert comparison.main == comparison.differences["nDCG@10"]
    assert comparison.table().loc["RR@10", "difference"] == pytest.approx(-0.5 / 3)
    with pytest.raises(ValueError, match=r"no run named \['newer'\]: there are \['new', 'old'\]"):
        compare(QRELS, {"old": RUN, "new": better}, "old", "newer")


def test_compare_takes_scores_that_are_made():
    runs = {"old": RUN, "new": {"q1": {"a": 1.0}}}
    scores = {name: per_query(QRELS, run) for name, run in runs.items()}
    expected = compare(QRELS, runs, "old", "new")
    found = compare(QRELS, {"old": {}, "new": {}}, "old", "new", scores=scores)
    assert found.differences == expected.differences
    pd.testing.assert_frame_equal(found.before, expected.before)
    assert found.after is scores["new"]


def test_how_many_resamples_are_drawn_at_a_time_changes_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    before, after, clusters = rng.random(60), rng.random(60), [str(n % 25) for n in range(60)]
    at_once = paired_difference(before, after, clusters)
    monkeypatch.setattr(significance, "NUMBERS", 25 * 70)
    assert paired_difference(before, after, clusters) == at_once
