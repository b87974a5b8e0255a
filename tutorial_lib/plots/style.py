"""Colours and axes that all figures share."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

MEASURE = "nDCG@10"
"""What axes call the measure that decides; a test holds it equal to ``evaluation.MAIN_MEASURE``."""
NOT_DRAWN = ("unjudged@10", "nDCG@10, twins count")
"""Columns of a table of systems that stand in no bar chart; a test holds them equal to those of ``evaluation``."""
COLOURS = {
    "bm25": "#8c8c8c",
    "base": "#4c78a8",
    "untrained": "#72b7b2",
    "tuned": "#e45756",
    "hybrid": "#b279a2",
    "base+late": "#9ecae9",
    "untrained+late": "#439894",
    "tuned+late": "#f58518",
    "positive": "#54a24b",
    "random": "#4c78a8",
    "BM25's best wrong one": "#f58518",
    "first hit": "#4c78a8",
    "kept": "#f58518",
    "surplus": "#bab0ac",
    "likely_positive": "#b279a2",
}


RANK_BUCKETS = (("1", 1, 1), ("2-3", 2, 3), ("4-10", 4, 10), ("11-100", 11, 100), ("not in 100", 101, np.inf))


def new_axes(
    width: float = 7, height: float = 3.4, columns: int = 1, *, rows: int = 1, sharex: bool = False, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``rows`` x ``columns`` panels without a frame, and its axes row by row.

    Args:
        width: Inches.
        height: Inches.
        columns: Panels side by side.
        rows: Panels one above the other.
        sharex: Whether all panels have one scale across.
        sharey: Whether all panels have one scale upwards.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey).flat)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def colour_of(name: str) -> str | None:
    """Return the colour that ``name`` has in every figure, or None: matplotlib then takes its next one."""
    return COLOURS.get(name)


def plain_log_ticks(axis: Axis) -> None:
    """Label a logarithmic axis at 1 and 3 of each power of ten, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter(NullFormatter())
