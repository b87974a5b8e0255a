import numpy as np
import pandas as pd
import pytest

from tests.plots.figures import axes_of, labels, legend, texts, ticks
from tutorial_lib import plots


def test_the_closest_word_of_each_row_is_framed():
    axis = axes_of(plots.closest_words(np.array([[0.1, 0.5], [0.4, 0.2]]), ["refund", "plan"], ["fare", "returned"]), 1)
    assert ticks(axis) == ["fare", "returned"]
    assert texts(axis) == ["0.10", "0.50", "0.40", "0.20"]
    assert [patch.get_xy() for patch in axis.patches] == [(0.5, -0.5), (-0.5, 0.5)]


def test_by_depth():
    left, right = axes_of(plots.by_depth({"tuned": {0: 0.8, 5: 0.82, 30: 0.85}}, {5: 1.0, 30: 4.0}), 2)
    assert ticks(left) == ["5", "30"]
    assert legend(left) == ["tuned"]
    assert labels(right) == ("articles ranked again", "ms a query")


def test_by_weight():
    axis = axes_of(plots.by_weight({"base": {0.0: 0.7, 1.0: 0.8}, "tuned": {0.0: 0.8, 1.0: 0.82}}), 1)
    assert legend(axis) == ["base", "tuned"]


def test_what_has_no_share_is_a_dashed_line():
    axis = axes_of(plots.by_weight({"tuned": {0.0: 0.8, 1.0: 0.9}}, of="the model", beside={"by ranks": 0.85}), 1)
    assert legend(axis) == ["tuned", "by ranks"]
    assert labels(axis)[0] == "share of the model"
    assert list(axis.lines[1].get_ydata()) == [0.85, 0.85]


def test_a_difference_whose_interval_holds_zero_is_grey():
    rows = {"a": {"difference": 0.05, "low": 0.01, "high": 0.09}, "b": {"difference": 0.01, "low": -0.02, "high": 0.03}}
    axis = axes_of(plots.differences(pd.DataFrame(rows).T), 1)
    assert texts(axis) == ["+0.050", "+0.010"]
    assert [line.get_color() for line in axis.lines[:4:2]] == ["#4c78a8", "#8c8c8c"]


@pytest.mark.parametrize("figure", ["by_depth", "by_weight", "closest_words", "differences"])
def test_the_face_has_them(figure):
    assert figure in plots.__all__
