import pandas as pd
import pytest

from tests.plots.figures import axes_of, labels, legend
from tutorial_lib import plots


def test_averaged_trainings():
    values = [
        ("desk", "one training", 0.7),
        ("desk", "one training", 0.8),
        ("desk", "mean of their weights", 0.8),
        ("desk", "plain recipe", 0.65),
        ("desk", "plain recipe", 0.75),
        ("code", "one training", 0.5),
        ("code", "one training", 0.5),
        ("code", "mean of their weights", 0.51),
        ("code", "plain recipe", 0.4),
    ]
    axis = axes_of(plots.averaged_trainings(pd.DataFrame(values, columns=["dataset", "way", "value"])), 1)
    assert legend(axis) == ["one training", "mean of their weights", "plain recipe"]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["code", "desk"]
    assert labels(axis)[0] == "nDCG@10 on test, above the mean score of single trainings"
    drawn = {c.get_label(): c.get_offsets() for c in axis.collections}
    assert drawn["mean of their weights"].tolist() == [[pytest.approx(0.01), 0], [pytest.approx(0.05), 1]]
    assert drawn["plain recipe"].tolist() == [[pytest.approx(-0.1), 0], [pytest.approx(-0.05), 1]]
