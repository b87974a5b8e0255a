"""Each figure: its panels, labels and the numbers it draws."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tutorial_lib import plots
from tutorial_lib.evaluation.measures import MEASURE_NAMES
from tutorial_lib.notebook import show, show_source, table
from tutorial_lib.training.settings import TrainResult

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


def axes_of(figure, count):
    assert isinstance(figure, Figure)
    assert len(figure.axes) == count
    figure.draw_without_rendering()
    return figure.axes if count > 1 else figure.axes[0]


def labels(axis):
    return axis.get_xlabel(), axis.get_ylabel()


def ticks(axis):
    return [tick.get_text() for tick in axis.get_xticklabels()]


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_lengths():
    first, second = axes_of(plots.lengths({"queries": [3, 5, 7], "articles": [100, 200, 900]}, window=190), 2)
    assert (first.get_title(), second.get_title()) == ("queries", "articles")
    assert legend(first) == ["median 5"]  # no query is longer than the window
    assert legend(second) == ["median 200", "window, about 190 words"]
    assert labels(first)[1] == "texts"


def test_split_sizes():
    axis = axes_of(plots.split_sizes({"train": 70, "dev": 10, "test": 20}, seen=15), 1)
    assert legend(axis) == ["train: 70", "dev: 10", "test, article seen: 15", "test, article unseen: 5"]
    assert [bar.get_width() for bar in axis.patches] == [70, 10, 15, 5]
    assert axis.get_xlabel() == "queries"


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


def test_candidate_scores():
    rows = [("kept", 0.5, 0.6), ("surplus", 0.4, 0.3), ("likely_positive", 1.2, 1.1), ("positive", 1.0, 1.0)]
    candidates = pd.DataFrame(
        [
            {"reason": r, "bm25_score": 10 * b, "bm25_positive": 10.0, "model_score": m, "model_positive": 1.0}
            for r, b, m in rows
        ]
    )
    left, right = axes_of(plots.candidate_scores(candidates), 2)
    assert legend(left) == ["not needed", "kept as negative", "dropped: likely positive"]
    assert labels(left) == ("BM25 score: candidate / positive", "density")
    assert right.get_xlabel() == "base model's cosine: candidate / positive"


def test_training():
    result = TrainResult(
        [(10, 2.0), (20, 0.5)], [(0, 0.6), (10, 0.8), (20, 0.7)], 10, [(1.0, 0.8)], 1.0, 20, 100, 1.0, 100.0, 5, 50
    )
    loss, dev = axes_of(plots.training(result), 2)
    assert loss.lines[0].get_xydata().tolist() == [[10, 2.0], [20, 0.5]]
    assert dev.lines[0].get_xydata().tolist() == [[0, 0.6], [10, 0.8], [20, 0.7]]
    assert legend(dev) == ["kept: step 10"]
    assert labels(dev) == ("step", "nDCG@10 on the dev pool")


def test_similarity_shift():
    kinds = {"positive": [0.5, 0.6], "negative": [0.1, 0.2]}
    left, right = axes_of(plots.similarity_shift({"base": kinds, "tuned": kinds}), 2)
    assert (left.get_title(), right.get_title()) == ("base", "tuned")
    assert legend(left) == ["positive", "negative"]
    assert left.get_xlabel() == "cosine of query and article"


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


def test_low_rank():
    axis = axes_of(plots.low_rank({"layer 0": [3.0, 1.0], "layer 1": [2.0, 0.5]}), 1)
    assert [line.get_xydata().tolist() for line in axis.lines] == [[[1, 3.0], [2, 1.0]], [[1, 2.0], [2, 0.5]]]
    assert axis.get_xlabel() == "singular value, largest first"


# --- what only notebooks use --------------------------------------------------------------------------------------


def test_show_gives_a_png():
    assert show(plots.slices(SLICES)).data.startswith(b"\x89PNG")


def test_show_source_is_the_code_itself():
    source = show_source(plots.slices).data
    assert source.startswith("```python\ndef slices(table: pd.DataFrame) -> Figure:")
    assert source.endswith("return figure\n```")


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, "0.894"),
        ({"approximate": True}, "≈0.894"),
        ({"approximate": True, "digits": 1}, "≈0.9"),
    ],
)
def test_a_table_marks_floats_only(options, shown):
    page = table(pd.DataFrame({"nDCG@10": [0.8941], "queries": [120]}), **options).data
    assert re.findall(r"<td>(.*?)</td>", page) == [shown, "120"]


@pytest.mark.parametrize(
    ("index", "row_names"),
    [
        (["base", "tuned"], ["base", "tuned"]),
        (pd.Index(["base", "tuned"], dtype=object), ["base", "tuned"]),
        (None, []),
        ([3, 7], []),  # positions left over from a filter say nothing
    ],
)
def test_a_table_shows_row_names_but_no_row_numbers(index, row_names):
    page = table(pd.DataFrame({"queries": [120, 80]}, index=index)).data
    assert re.findall(r"<tr>\s*<th>(.+?)</th>\s*<td>", page) == row_names


def test_search_results_show_every_title_once_a_side_and_the_answer_in_green():
    axis = axes_of(plots.search_results("refund", ["Leave", "Pause"], ["Policy", "Leave"], ["Policy"]), 1)
    shown = {text.get_text(): text.get_color() for text in axis.texts}
    assert list(shown) == ["Leave  1", "Pause  2", "1  Policy", "2  Leave"]
    assert [title for title, colour in shown.items() if colour != "black"] == ["1  Policy"]
    assert [list(line.get_ydata()) for line in axis.lines] == [[1, 2], [2.8, 1]]  # Policy comes from below


def test_queries_over_time_counts_months_and_splits():
    axis = axes_of(plots.queries_over_time({"train": ["2026-01-03", "2026-01-30", "2026-02-01"], "test": ["2026-02-09"]}), 1)
    assert [round(bar.get_height()) for bar in axis.patches] == [2, 1, 0, 1]
    assert legend(axis) == ["train: 3", "test: 1"]


def test_review_curve_draws_chance_as_the_last_precision():
    curve = pd.DataFrame({"share": [0.5, 1.0], "precision": [1.0, 0.5], "recall": [1.0, 1.0]})
    axis = axes_of(plots.review_curve(curve), 1)
    recall, precision, chance = axis.lines
    assert list(recall.get_ydata()) == [1.0, 1.0] and list(precision.get_ydata()) == [1.0, 0.5]
    assert set(chance.get_ydata()) == {0.5}


def test_training_curves_draw_the_mean_over_seeds():
    rows = pd.DataFrame({"x": [50, 50, 100], "variant": "trained", "value": [0.6, 0.8, 0.9]})
    axis = axes_of(plots.training_curves(rows, 0.5, xlabel="pairs", log=True), 1)
    assert list(axis.lines[0].get_ydata()) == pytest.approx([0.7, 0.9])
    assert set(axis.lines[1].get_ydata()) == {0.5}
    assert ticks(axis) == ["50", "100"]


def test_ablations_place_one_row_a_setting_and_one_panel_a_dataset():
    rows = pd.DataFrame(
        {
            "dataset": ["docs", "docs", "docs", "desk"],
            "group": ["rank", "rank", "defaults", "defaults"],
            "setting": ["rank 4", "rank 4", "the defaults", "the defaults"],
            "value": [0.5, 0.6, 0.7, 0.8],
        }
    )
    docs, desk = axes_of(plots.ablations(rows, ["defaults", "rank"]), 2)
    assert [docs.get_title(), desk.get_title()] == ["docs", "desk"]
    assert [t.get_text() for t in docs.get_yticklabels()] == ["the defaults", "rank 4"]
    assert docs.lines[1].get_xydata().tolist() == [[0.5, 1], [0.6, 1]]
    assert docs.lines[2].get_xdata() == [0.7, 0.7]  # the defaults' line
    assert desk.lines[1].get_xdata().tolist() == [] and desk.lines[2].get_xdata() == [0.8, 0.8]
    assert docs.get_ylim() == desk.get_ylim() == (1.5, -0.5)


def test_broken_runs_show_loss_and_dev():
    left, right = axes_of(plots.broken_runs({"good": [(1, 2.0), (2, 1.0)]}, {"good": 0.9}), 2)
    assert left.lines[0].get_xydata().tolist() == [[1, 2.0], [2, 1.0]]
    assert right.patches[0].get_width() == 0.9


def test_ways_of_training_leave_out_what_was_not_trained():
    rows = pd.DataFrame(
        {
            "dataset": ["a", "a", "b"],
            "system": ["base", "lora", "lora"],
            "above": [0.0, 0.1, 0.2],
            "seconds": [0.0, 60.0, 120.0],
            "trainable": [0, 5, 5],
        }
    )
    first, second = axes_of(plots.ways_of_training(rows), 2)
    assert first.lines[0].get_xydata().tolist() == [[1.0, 0.1]]
    assert second.lines[0].get_xydata().tolist() == [[2.0, 0.2]]


def test_dimensions_draw_one_line_a_way():
    ways = {"plain": {64: 0.5, 128: 0.7}, "matryoshka": {64: 0.6, 128: 0.7}}
    first, second = axes_of(plots.dimensions({"a": ways, "b": {"plain": {64: 0.8}}}), 2)
    assert first.lines[1].get_ydata().tolist() == [0.6, 0.7]
    assert [line.get_ydata().tolist() for line in second.lines] == [[0.8]]
