import numpy as np
import pandas as pd

from tests.plots.figures import axes_of, labels, legend, texts, ticks
from tutorial_lib import plots
from tutorial_lib.evaluation.measures import MEASURE_NAMES

RANKS = {
    "base": pd.Series({"q1": 1.0, "q2": 3.0, "q3": 50.0, "q4": np.inf}),
    "tuned": pd.Series({"q1": 1.0, "q2": 1.0, "q3": 10.0, "q4": 2.0}),
}
SLICES = pd.DataFrame(
    {
        "slice": ["length", "length"],
        "value": ["short", "long"],
        "queries": [60, 20],
        "difference": [0.2, -0.1],
        "low": [0.1, -0.2],
        "high": [0.3, -0.05],
        "worse": [False, True],
    }
)


def test_systems_leave_out_what_is_no_measure():
    table = pd.DataFrame([[0.5, 0.6, 0.9]], index=["base"], columns=["nDCG@10", "nDCG@10, twins count", "unjudged@10"])
    assert ticks(axes_of(plots.systems(table), 1)) == ["nDCG@10"]


def test_systems():
    table = pd.DataFrame([[0.5] * 5, [0.7] * 5], index=["base", "tuned"], columns=list(MEASURE_NAMES))
    axis = axes_of(plots.systems(table), 1)
    assert ticks(axis) == list(MEASURE_NAMES)
    assert legend(axis) == ["base", "tuned"]
    assert texts(axis) == ["0.50"] * 5 + ["0.70"] * 5


def test_answer_ranks():
    axis = axes_of(plots.answer_ranks(RANKS), 1)
    assert labels(axis) == ("rank of the answer", "share of queries")
    assert ticks(axis) == ["1", "2-3", "4-10", "11-100", "not in 100"]
    assert texts(axis) == ["25%", "25%", "0%", "25%", "25%", "50%", "25%", "25%", "0%", "0%"]


def test_rank_shift():
    axis = axes_of(plots.rank_shift(RANKS["base"], RANKS["tuned"].iloc[::-1]), 1)  # paired by query, not by position
    assert labels(axis) == ("rank with tuned", "rank with base")
    counts = np.array(texts(axis)).reshape(5, 5)
    assert {(row, column): counts[row, column] for row, column in np.argwhere(counts != "")} == {
        (0, 0): "1",
        (1, 0): "1",
        (3, 2): "1",
        (4, 1): "1",
    }


def test_deltas():
    axis = axes_of(plots.deltas(pd.Series([0.5, -0.2, 0.0, 0.1]), "RR@10"), 1)
    assert legend(axis) == ["better: 2", "worse: 1"]
    assert labels(axis) == ("queries, sorted by change", "change in RR@10")


def test_slices():
    axis = axes_of(plots.slices(SLICES), 1)
    names = [tick.get_text() for tick in axis.get_yticklabels()]
    assert names == ["length: long (n=20)", "length: short (n=60)"]  # from the bottom, so that the first stands on top
    assert [line.get_color() for line in axis.lines[:4]] == ["#e45756"] * 2 + ["#4c78a8"] * 2


def test_recall_at_k():
    qrels = {"q1": {"a": 1}, "q2": {"b": 1}}
    axis = axes_of(plots.recall_at_k(qrels, {"base": {"q1": {"x": 2.0, "a": 1.0}, "q2": {}}}), 1)
    drawn = dict(axis.lines[0].get_xydata().tolist())
    assert (drawn[1], drawn[2], drawn[100]) == (0, 0.5, 0.5)
    assert labels(axis) == ("articles shown, k", "queries with an answer among them")


def test_search_results_show_every_title_once_a_side_and_the_answer_in_green():
    axis = axes_of(plots.search_results("refund", ["Leave", "Pause"], ["Policy", "Leave"], ["Policy"], rank_before=7), 1)
    shown = {text.get_text(): text.get_color() for text in axis.texts}
    assert list(shown) == ["before training", "Leave  1", "Pause  2", "after training", "1  Policy", "2  Leave", "Policy  7"]
    assert [title for title, colour in shown.items() if colour == "#2a7d2a"] == ["1  Policy", "Policy  7"]
    assert [list(line.get_ydata()) for line in axis.lines] == [[3, 1], [1, 2]]  # Policy comes from below


def test_search_results_say_in_words_what_they_show():
    words = plots.search_results("refund", ["Leave"], ["Policy"], ["Policy"], rank_before=7).get_label()
    assert words.startswith("First results of the search “refund”. Before training: 1 Leave. After training: 1 Policy.")
    assert words.endswith("The answer is: Policy. It was at rank 7.")
    assert "rank" not in plots.search_results("refund", ["Policy"], ["Policy"], ["Policy"]).get_label()


def test_numbers_stand_upright_where_bars_are_many():
    few, many = (pd.DataFrame([[0.5]] * n, index=[f"s{n}" for n in range(n)], columns=["nDCG@10"]) for n in (3, 4))
    turned = [axes_of(plots.systems(table), 1).texts[0].get_rotation() for table in (few, many)]
    assert turned == [0, 90]
