import pandas as pd
import pytest

from tests.plots.figures import axes_of, labels, legend, texts
from tutorial_lib import plots

SHARES = pd.DataFrame(
    [
        ("base", 100, 0.2, 0.1, 0.3),
        ("base", 1000, 0.8, 0.7, 0.9),
        ("tuned", 100, 0.5, 0.4, 0.6),
        ("tuned", 1000, 1.0, 1.0, 1.0),
    ],
    columns=["system", "tokens", "share", "low", "high"],
)


def test_answers_in_prompt():
    axis = axes_of(plots.answers_in_prompt(SHARES, goal=0.9, counted_by="o200k_base"), 1)
    assert [line.get_xydata().tolist() for line in axis.lines[:2]] == [[[100, 0.2], [1000, 0.8]], [[100, 0.5], [1000, 1.0]]]
    assert axis.lines[2].get_ydata() == [0.9, 0.9]
    assert legend(axis) == ["base", "tuned"]
    assert [line.get_color() for line in axis.lines[:2]] == [plots.COLOURS["base"], plots.COLOURS["tuned"]]
    assert len(axis.collections) == 2
    assert labels(axis) == ("tokens of context (o200k_base)", "queries with all facts in the prompt")
    assert axis.get_xscale() == "log"


def test_prompt_grid():
    rows = pd.DataFrame(
        [
            ("plain.v1", "bm25", 3, 900.0, 0.5, 0.4, 0.6),
            ("plain.v1", "ours", 3, 800.0, 0.7, 0.6, 0.8),
            ("guarded.v1", "ours", 1, 300.0, 0.6, 0.5, 0.7),
        ],
        columns=["template", "system", "k", "prompt_tokens", "fact_recall", "low", "high"],
    )
    axis = axes_of(plots.prompt_grid(rows), 1)
    assert [line.get_xydata().tolist() for line in axis.lines] == [[[900, 0.5]], [[800, 0.7]], [[300, 0.6]]]
    assert [line.get_marker() for line in axis.lines] == ["o", "o", "s"]
    assert axis.lines[1].get_color() == axis.lines[2].get_color() != axis.lines[0].get_color()
    assert axis.collections[0].get_segments()[0][:, 1].tolist() == pytest.approx([0.4, 0.6])
    assert legend(axis) == ["plain.v1, bm25", "plain.v1, ours", "guarded.v1, ours"]
    assert texts(axis) == [" k=3", " k=3", " k=1"]
    assert labels(axis) == ("tokens of a prompt, mean", "fact recall, mean with 95 % interval")
