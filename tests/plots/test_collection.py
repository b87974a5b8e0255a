import pandas as pd

from tests.plots.figures import axes_of, labels, legend
from tutorial_lib import plots


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
