import math

import ir_measures
import numpy as np
import pytest
from ir_measures import nDCG

from tests.helpers import small_dataset
from tutorial_lib.evaluation.measures import MEASURE_NAMES, evaluate_run, per_query, rank_of_answer, systems_table
from tutorial_lib.evaluation.significance import compare, document_clusters, paired_difference
from tutorial_lib.evaluation.slices import side_by_side
from tutorial_lib.retrieval.runs import ranked

QRELS = {"q1": {"a": 1}, "q2": {"a": 2, "b": 1, "c": 0}, "q3": {"c": 1}}
RUN = {
    "q1": {"b": 3.0, "a": 2.0, "c": 1.0},  # the answer second
    "q2": {"b": 3.0, "c": 2.0, "a": 1.0},  # grade 1 first, grade 2 third
    "q3": {"a": 3.0, "b": 2.0},  # not found
}


# --- measures -----------------------------------------------------------------------------------------------------


def test_measures_by_hand():
    table = per_query(QRELS, RUN)
    log2 = math.log2
    q2 = (1 / log2(2) + 2 / log2(4)) / (2 / log2(2) + 1 / log2(3))  # gains in ranked order over gains in the best order
    assert table["nDCG@10"].tolist() == pytest.approx([1 / log2(3), q2, 0])
    assert table["RR@10"].tolist() == [0.5, 1, 0]
    assert table["R@10"].tolist() == [1, 1, 0]
    assert table["Success@1"].tolist() == [0, 1, 0]
    assert evaluate_run(QRELS, RUN)["RR@10"] == 0.5
    assert list(table.columns) == list(MEASURE_NAMES)


def test_an_answer_below_rank_ten_counts_in_recall_at_100_only():
    run = {"q1": {f"x{n}": float(100 - n) for n in range(10)} | {"a": 1.0}}
    assert evaluate_run({"q1": {"a": 1}}, run) == {"nDCG@10": 0, "RR@10": 0, "R@10": 0, "R@100": 1, "Success@1": 0}


def test_a_query_without_an_answer_counts_zero_and_one_without_judgment_not_at_all():
    partial = {"q1": {"a": 1.0}, "q2": {}, "unjudged": {"a": 1.0}}
    assert per_query(QRELS, partial)["RR@10"].to_dict() == {"q1": 1, "q2": 0, "q3": 0}
    assert evaluate_run(QRELS, partial)["RR@10"] == pytest.approx(1 / 3)
    assert evaluate_run(QRELS, {}) == dict.fromkeys(MEASURE_NAMES, 0.0)


@pytest.mark.parametrize("score", [1.0, 0.0, -2.5, 1e9])
def test_of_two_equal_scores_the_lower_id_wins_in_ir_measures_too(score):
    run = {"q": ranked({"b": score, "a": score, "c": score})}
    for answer, rank in (("a", 1), ("b", 2), ("c", 3)):
        found = evaluate_run({"q": {answer: 1}}, run)
        assert (found["RR@10"], found["nDCG@10"]) == pytest.approx((1 / rank, 1 / math.log2(rank + 1)))
    raw = {"q": {"b": score, "a": score, "c": score}}
    left_to_itself = ir_measures.calc_aggregate([nDCG @ 10], {"q": {"a": 1}}, raw)
    assert left_to_itself[nDCG @ 10] == pytest.approx(0.5)  # trec_eval prefers the later id and puts "a" third


def test_the_systems_table_has_one_row_a_system():
    table = systems_table(QRELS, {"one": RUN, "none": {}})
    assert table.loc["one", "RR@10"] == 0.5
    assert table.loc["none"].tolist() == [0] * len(MEASURE_NAMES)


# --- significance -------------------------------------------------------------------------------------------------


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


# --- looking at single queries ------------------------------------------------------------------------------------


def test_rank_of_answer():
    ranks = rank_of_answer({**QRELS, "q4": {"a": 1}}, RUN)
    assert ranks.to_dict() == {"q1": 2, "q2": 1, "q3": math.inf, "q4": math.inf}


def test_side_by_side():
    runs = {
        "base": {"e1": {"billing/cancel": 2.0, "billing/refund": 1.0}, "e3": {}},
        "tuned": {"e1": {"billing/refund": 1.0}},
    }
    table = side_by_side(small_dataset(), runs, ["e1", "e3"])
    assert table.iloc[0].to_dict() == {
        "query": "can I get a refund in the second week",
        "answer": "billing/refund",
        "base ranks first": "billing/cancel",
        "base: answer at": "2",
        "tuned ranks first": "billing/refund",
        "tuned: answer at": "1",
    }
    assert table.loc[1, ["base ranks first", "tuned ranks first", "tuned: answer at"]].tolist() == [
        "nothing",
        "nothing",
        "not in 100",
    ]
