import pandas as pd
import pytest

from tests.plots.figures import axes_of, labels, legend, texts
from tutorial_lib import plots


def test_searches_needed():
    rows = pd.DataFrame({"interleaved": [300, 3000], "split": [800, 50_000]}, index=[0.1, 0.01])
    axis = axes_of(plots.searches_needed(rows), 1)
    assert [line.get_xydata().tolist() for line in axis.lines] == [
        [[0.01, 50_000], [0.1, 800]],
        [[0.01, 3000], [0.1, 300]],
    ]
    assert legend(axis) == ["half of the people with each", "interleaved, without a draft where both agree"]
    assert labels(axis) == ("difference in nDCG@10", "searches until it is seen")
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")


def test_export_parity():
    rows = pd.DataFrame(
        {"difference": [0.0, -0.03], "low": [0.0, -0.045], "high": [0.0, -0.015], "documents_per_cpu_second": [9.0, 16.0]},
        index=["float32", "int8 signed"],
    )
    left, right = axes_of(plots.export_parity(rows), 2)
    assert texts(left) == ["+0.000", "-0.030"]
    assert left.lines[2].get_xydata()[:, 0].tolist() == pytest.approx([-0.045, -0.015])
    assert left.lines[0].get_color() != left.lines[2].get_color()  # what was surely lost is red
    assert [label.get_text() for label in left.get_yticklabels()] == ["float32", "int8 signed"]
    assert [bar.get_width() for bar in right.patches] == [9.0, 16.0]
