from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.plots.figures import axes_of, ticks
from tutorial_lib import plots
from tutorial_lib.plots.monitoring import CLOSE, DECISIONS, QUIET, RAISED


def readings(weeks):
    start = date(2026, 9, 28)
    strengths = {"words": [0.1, 0.7, 1.2], "distance": [0.0, 0.5, 0.99]}
    decided = ["fine", "too few", "retrain"]
    rows = [
        (start + timedelta(weeks=w), name, strength[w % 3], decided[w % 3])
        for w in range(weeks)
        for name, strength in strengths.items()
    ]
    return pd.DataFrame(rows, columns=["week", "signal", "strength", "decision"])


def colours(collection):
    shown = np.round(collection.to_rgba(collection.get_array().ravel())[:, :3] * 255).astype(int)
    return ["#" + "".join(f"{c:02x}" for c in row) for row in shown]


def test_a_row_a_signal_in_three_colours_and_the_decision_below():
    figure = plots.watched(readings(3), {"renamed": date(2026, 10, 5)})
    axis = axes_of(figure, 1)
    assert colours(axis.collections[0]) == [QUIET, CLOSE, RAISED, QUIET, CLOSE, CLOSE]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["words", "distance", "decision"]
    bars = ["#" + "".join(f"{round(c * 255):02x}" for c in bar.get_facecolor()[:3]) for bar in axis.patches]
    assert bars == [DECISIONS["fine"], DECISIONS["too few"], DECISIONS["retrain"]]
    assert axis.texts[0].get_text() == "renamed"
    assert axis.lines[0].get_xdata() == [1.0, 1.0]
    assert ticks(axis) == ["28 Sep", "5 Oct", "12 Oct"]
    assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == [
        "quiet",
        "over half of its threshold",
        "raised",
    ]


@pytest.mark.parametrize("weeks", [1, 30])
def test_one_week_and_many_can_be_read(weeks):
    axis = axes_of(plots.watched(readings(weeks)), 1)
    assert len(ticks(axis)) <= 10
    if weeks == 30:
        assert ticks(axis)[:3] == ["Sep 2026", "Nov 2026", "Dec 2026"]
