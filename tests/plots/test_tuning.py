import pandas as pd
import pytest

from tests.plots.figures import axes_of, labels, legend, ticks
from tutorial_lib import plots
from tutorial_lib.training.settings import TrainResult


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


def test_low_rank():
    axis = axes_of(plots.low_rank({"layer 0": [3.0, 1.0], "layer 1": [2.0, 0.5]}), 1)
    assert [line.get_xydata().tolist() for line in axis.lines] == [[[1, 3.0], [2, 1.0]], [[1, 2.0], [2, 0.5]]]
    assert axis.get_xlabel() == "singular value, largest first"


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


def test_ablations_draw_the_defaults_as_mean_and_range_of_their_seeds():
    rows = pd.DataFrame({"dataset": "docs", "group": "defaults", "setting": "the defaults", "value": [0.5, 0.6, 0.7]})
    axis = axes_of(plots.ablations(rows, ["defaults"]), 1)
    assert axis.lines[1].get_xdata() == pytest.approx([0.6, 0.6])
    band = axis.patches[0]
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((0.5, 0.7))


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


def test_memory_is_told_above_what_was_taken_before():
    runs = [{"system": "ours", "peak_mb": p, "before_mb": 1000} for p in (3000, 4000)]
    other = {"system": "another", "peak_mb": 9000, "before_mb": 500}
    axis = axes_of(plots.training_memory([*runs, other]), 1)
    assert [bar.get_width() for bar in axis.patches] == [8.5, 2.5]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["another", "ours"]
