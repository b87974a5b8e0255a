import numpy as np
import pandas as pd
import pytest

from tests.plots.figures import axes_of, labels, legend, texts
from tutorial_lib import plots

WAYS = pd.DataFrame(
    [
        ("FLAT float32", "faiss", 0, 1.0, 1.5, 2.0),
        ("FLAT int8", "faiss", 0, 0.97, 0.4, 0.5),
        ("FLAT int8", "faiss", 100, 1.0, 0.4, 0.7),
        ("FLAT float32", "Milvus Lite", 0, 1.0, 3.1, 9.0),
    ],
    columns=["way", "engine", "rescored", "recall@10", "mb_per_1000_articles", "ms_median"],
)


def bars(axis):
    """Return what is drawn: width, row (to the nearest), rescored or not."""
    drawn = [bar for bar in axis.patches if bar.get_width()]
    return [(bar.get_width(), round(bar.get_y() + bar.get_height() / 2), bar.get_alpha() == 1) for bar in drawn]


def test_index_choices():
    figure = plots.index_choices(WAYS)
    recall, size, speed = axes_of(figure, 3)
    assert [tick.get_text() for tick in recall.get_yticklabels()] == ["FLAT float32", "FLAT int8", "FLAT float32"]
    assert bars(recall) == [(1.0, 0, False), (0.97, 1, False), (1.0, 1, True), (1.0, 2, False)]
    assert [width for width, *_ in bars(size)] == [1.5, 0.4, 0.4, 3.1]
    assert texts(speed) == ["2.00", "0.50", "0.70", "9.00"]
    assert speed.get_xlabel() == "ms a query, median"
    (named,) = figure.legends
    assert [t.get_text() for t in named.get_texts()] == [
        "faiss",
        "faiss, rescored",
        "Milvus Lite",
        "Milvus Lite, rescored",
    ]
    assert recall.patches[0].get_facecolor() != recall.patches[3].get_facecolor()


def test_growth():
    rows = pd.DataFrame(
        {
            "articles": [10, 100],
            "build_seconds": [1.0, np.nan],
            "evaluate_seconds": [0.1, 1.0],
            "search_ms_p50": [2.0, 4.0],
            "search_ms_p99": [3.0, 9.0],
            "file_mb": [1.0, 10.0],
            "evaluate_peak_mb": [500.0, 510.0],
        }
    )
    seconds, search, disk, memory = axes_of(plots.growth(rows, {"evaluate_seconds": 1.0, "search_ms_p50": 0.301}), 4)
    assert legend(seconds) == ["build", "evaluate, slope 1.00"]
    assert legend(search) == ["median, slope 0.30", "99 %"]
    assert search.lines[1].get_xydata().tolist() == [[10, 3], [100, 9]]
    assert legend(disk) == ["index"]
    assert legend(memory) == ["evaluate"]  # of the other nothing was measured
    assert labels(memory) == ("articles", "MB of memory at the peak")
    assert {axis.get_xscale() + axis.get_yscale() for axis in (seconds, search, disk, memory)} == {"loglog"}


def test_stages():
    rows = pd.DataFrame(
        [("clean", 10, 1.0, 100.0), ("mine", 10, 0.1, 90.0), ("clean", 100, 12.0, 300.0), ("mine", 100, np.nan, np.nan)],
        columns=["stage", "articles", "seconds", "peak_mb"],
    )
    seconds, memory = axes_of(plots.stages(rows, {"clean": {"seconds": 1.08, "peak_mb": 0.48}, "mine": {}}), 2)
    assert legend(seconds) == ["clean, slope 1.08", "mine"]
    assert legend(memory) == ["clean, slope 0.48", "mine"]
    assert seconds.lines[0].get_xydata().tolist() == [[10, 1], [100, 12]]
    assert memory.lines[1].get_xydata().tolist() == [[10, 90]]  # of the larger size nothing was measured
    assert seconds.lines[1].get_color() == memory.lines[1].get_color() != seconds.lines[0].get_color()
    assert labels(seconds) == ("articles", "seconds of the processor")
    assert {axis.get_xscale() + axis.get_yscale() for axis in (seconds, memory)} == {"loglog"}


def test_cut_offs():
    hits = pd.DataFrame(
        [("q1", 0.9, True, True), ("q2", 0.4, False, True), ("q1", 0.3, False, False)],
        columns=["query_id", "score", "right", "in_index"],
    )
    base, tuned = axes_of(
        plots.cut_offs({"base": hits, "tuned": hits.assign(score=hits["score"] / 2)}, {"base": 0.6, "tuned": 0.3}), 2
    )
    kinds = ["the answer", "wrong, the answer is elsewhere", "wrong, there is no answer"]
    assert sorted(legend(base)) == sorted([*kinds, "cut-off 0.60"])
    assert "cut-off 0.30" in legend(tuned)
    assert base.get_xlim() == tuned.get_xlim()
    assert base.get_position().x0 == pytest.approx(tuned.get_position().x0)  # one above the other, on one scale
    assert (base.get_title(), tuned.get_title(), tuned.get_xlabel()) == ("base", "tuned", "score of the first hit")
    assert base.get_ylabel() == "first hits"


def test_switch_under_load():
    axis = axes_of(plots.switch_under_load([0.0, 0.1, 0.2], ["Cancel", "Cancel", "Refunds"], "refund"), 1)
    assert [line.get_xdata().tolist() for line in axis.lines] == [[0.0, 0.1], [0.2]]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["Cancel", "Refunds"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the first answer on top
    assert "refund" in axis.figure.get_suptitle()
