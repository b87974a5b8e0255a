"""Figures of several trainings and their mean (chapter 04b)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib.plots.style import COLOURS, MEASURE, new_axes, told

SINGLE, MEAN = "one training", "mean of their weights"
MARKS = (("D", COLOURS["tuned"], 40), ("x", "#8c8c8c", 30))
"""Marker, colour and size of the mean of the weights, and of whatever else there is."""


@told
def averaged_trainings(rows: pd.DataFrame) -> Figure:
    """Test nDCG@10 above the mean score of single trainings, a row a collection: each of them, and one model of their mean.

    Args:
        rows: Columns dataset, way and value, a row a model; ways are "one training", "mean of their weights" and others, of
            which the mean over their rows is drawn. Datasets are drawn from top to bottom in the order of their first rows.
    """
    datasets = list(rows["dataset"].unique())[::-1]
    alone = rows[rows["way"] == SINGLE]
    above = rows.assign(value=rows["value"] - rows["dataset"].map(alone.groupby("dataset")["value"].mean()))
    figure, (axis,) = new_axes(8, 1.2 + 0.3 * len(datasets))
    single = above[above["way"] == SINGLE]
    ends = single.groupby("dataset")["value"].agg(["min", "max"]).reindex(datasets)
    axis.hlines(range(len(datasets)), ends["min"], ends["max"], color=COLOURS["base"], lw=1)
    heights = [datasets.index(d) for d in single["dataset"]]
    axis.scatter(single["value"], heights, s=18, color=COLOURS["base"], label=SINGLE)
    others = [way for way in rows["way"].unique() if way not in (SINGLE, MEAN)]
    for way, (marker, colour, size) in zip((MEAN, *others), MARKS, strict=False):
        means = above[above["way"] == way].groupby("dataset")["value"].mean().reindex(datasets)
        axis.scatter(means, range(len(datasets)), label=way, zorder=3, marker=marker, color=colour, s=size)
    axis.axvline(0, color="#bbbbbb", lw=1, zorder=0)
    axis.set_yticks(range(len(datasets)), datasets)
    axis.set(xlabel=f"{MEASURE} on test, above the mean score of single trainings")
    axis.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=3)
    return figure
