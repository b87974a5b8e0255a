import pytest

from tests.plots.figures import axes_of, labels, legend, texts
from tutorial_lib import plots


def test_progress_is_a_staircase_of_shards():
    axis = axes_of(plots.progress({"1 worker": [5.0, 9.0], "2 workers": [6.0, 7.0]}, 100), 1)
    assert [line.get_xydata().tolist() for line in axis.lines] == [
        [[0, 0], [5, 100], [9, 200]],
        [[0, 0], [6, 100], [7, 200]],
    ]
    assert legend(axis) == ["1 worker", "2 workers"]
    assert labels(axis) == ("seconds since the call", "articles embedded")


def test_a_bill_is_only_multiplied():
    left, right = axes_of(plots.bill(0.036, {"flat": 1000, "HNSW": 2000}, [1e7]), 2)
    hours = {line.get_label(): line.get_ydata()[-1] for line in left.lines}  # a billion articles
    assert hours["1 worker"] == pytest.approx(10_000)
    assert hours["100 workers"] == pytest.approx(100)
    gigabytes = [line.get_ydata()[-1] for line in right.lines[:2]]
    assert gigabytes == pytest.approx([1000, 2000])
    assert legend(right) == ["flat", "HNSW"]
    assert texts(left) == ["an hour", "a day", "a month"]
    assert labels(right) == ("articles", "GB of memory for the index")
