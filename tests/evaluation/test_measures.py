import math

import ir_measures
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import nDCG

from tutorial_lib.evaluation.measures import (
    MAIN_MEASURE,
    MEASURE_NAMES,
    MEASURES,
    TWINS,
    UNJUDGED,
    evaluate_run,
    per_query,
    rank_of_answer,
    systems_table,
    twins_count,
)
from tutorial_lib.plots.style import MEASURE, NOT_DRAWN
from tutorial_lib.retrieval.runs import ranked

QRELS = {"q1": {"a": 1}, "q2": {"a": 2, "b": 1, "c": 0}, "q3": {"c": 1}}
RUN = {
    "q1": {"b": 3.0, "a": 2.0, "c": 1.0},  # the answer second
    "q2": {"b": 3.0, "c": 2.0, "a": 1.0},  # grade 1 first, grade 2 third
    "q3": {"a": 3.0, "b": 2.0},  # not found
}


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
    assert table.loc["none"].tolist() == [0] * len(table.columns)
    assert list(table.columns) == [*MEASURE_NAMES, "unjudged@10"]


def test_unjudged_is_the_share_of_the_first_ten_that_nobody_has_judged():
    # q1: b and c of three are unjudged; q2: none of three; q3: both of two; a query without a run counts 0
    assert systems_table(QRELS, {"one": RUN}).loc["one", "unjudged@10"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert systems_table({**QRELS, "q4": {"a": 1}}, {"one": RUN}).loc["one", "unjudged@10"] == pytest.approx((2 / 3 + 1) / 4)
    long = {"q1": {f"x{n:02}": float(100 - n) for n in range(9)} | {"a": 2.0, "late": 1.0}}
    assert systems_table({"q1": {"a": 1}}, {"one": long}).loc["one", "unjudged@10"] == pytest.approx(0.9)


def test_a_systems_table_takes_scores_that_are_made():
    made = {"one": per_query(QRELS, RUN), "none": per_query(QRELS, {})}
    expected = systems_table(QRELS, {"one": RUN, "none": {}})
    found = systems_table(QRELS, {"one": {}, "none": {}}, scores=made)
    pd.testing.assert_frame_equal(found[list(MEASURE_NAMES)], expected[list(MEASURE_NAMES)])


def cell_by_cell(qrels, run):
    """What ``per_query`` returns, filled in cell by cell."""
    frame = pd.DataFrame(0.0, index=pd.Index(sorted(qrels), name="query_id"), columns=list(MEASURE_NAMES))
    for metric in ir_measures.iter_calc(MEASURES, qrels, run):
        frame.loc[metric.query_id, str(metric.measure)] = metric.value
    return frame


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
QUERIES = st.sampled_from(["q1", "q2", "q3", "10", "9"])


@given(
    st.dictionaries(QUERIES, st.dictionaries(NAMES, st.integers(0, 2), min_size=1), max_size=5),
    st.dictionaries(QUERIES, st.dictionaries(NAMES, st.sampled_from([0.5, 1.0, -2.0])), max_size=5),
)
def test_per_query_is_to_the_bit_what_a_slow_loop_gives(qrels, scores):
    run = {q: ranked(s) for q, s in scores.items()}
    pd.testing.assert_frame_equal(per_query(qrels, run), cell_by_cell(qrels, run), check_exact=True)


def test_the_main_measure_is_one_of_them_and_what_figures_call_it():
    assert MAIN_MEASURE == MEASURE == "nDCG@10"
    assert MEASURE_NAMES[0] == MAIN_MEASURE


def test_rank_of_answer():
    ranks = rank_of_answer({**QRELS, "q4": {"a": 1}}, RUN)
    assert ranks.to_dict() == {"q1": 2, "q2": 1, "q3": math.inf, "q4": math.inf}


def test_scores_decide_and_not_the_order_in_which_documents_stand():
    shuffled = {"q": {"x": 0.1, "twin": 0.2, "a": 0.9, "y": 0.5}}
    assert rank_of_answer({"q": {"y": 1}}, shuffled)["q"] == 2
    assert twins_count({"q": {"a": 1}}, shuffled, [("twin", "a")])["q"] == 1
    tied = {"q": {"b": 0.5, "a": 0.5}}
    assert [rank_of_answer({"q": {name: 1}}, tied)["q"] for name in "ab"] == [1, 2]
    assert per_query({"q": {"b": 1}}, tied)["RR@10"]["q"] == 0.5, "the measures read ties alike"


def test_a_twin_of_an_answer_counts_as_the_answer_and_once():
    log2 = math.log2
    groups = [("a", "a2", "a3"), ("b", "b2")]

    def score(grades, *found):
        return twins_count({"q": grades}, {"q": {a: float(-n) for n, a in enumerate(found)}}, groups)["q"]

    assert score({"a": 1}, "x", "a2") == pytest.approx(1 / log2(3))  # strictly 0
    assert score({"a": 1}, "a2", "a", "a3") == 1  # one credit for the three of them
    two = 1 + 1 / log2(3)
    assert score({"a": 1, "c": 1}, "a", "a2", "c") == pytest.approx((1 + 1 / log2(4)) / two)  # a2 keeps its place
    assert score({"a": 2, "a2": 1}, "a2") == 1  # a group is worth its best grade, whichever of it is found
    assert score({"a": 0, "c": 1}, "a2", "c") == pytest.approx(1 / log2(3))  # a group without an answer earns nothing
    assert score({"x": 1}, "b", "b2", "x") == pytest.approx(1 / log2(4))  # copies of a wrong document stay where they are


def test_without_twins_the_figure_is_the_strict_one():
    assert twins_count(QRELS, RUN, [("y", "z")]).tolist() == per_query(QRELS, RUN)[MAIN_MEASURE].tolist()
    table = systems_table(QRELS, {"one": RUN}, near_duplicates=[("a", "b")])
    assert list(table.columns) == [MAIN_MEASURE, TWINS, *MEASURE_NAMES[1:], UNJUDGED]
    # q1: b, the answer's twin, comes first. q2: one group of grade 2, found first. q3: its answer is in no group.
    assert table.loc["one", TWINS] == pytest.approx((1 + 1 + 0) / 3)


def test_what_is_no_measure_stands_in_no_chart():
    assert NOT_DRAWN == (UNJUDGED, TWINS)
