"""Colours and axes that all figures share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

Given = ParamSpec("Given")

MEASURE = "nDCG@10"
"""What axes call the measure that decides; a test holds it equal to ``evaluation.MAIN_MEASURE``."""
NOT_DRAWN = ("unjudged@10", "nDCG@10, twins count")
"""Columns of a table of systems that stand in no bar chart; a test holds them equal to those of ``evaluation``."""
COLOURS = {
    "bm25": "#8c8c8c",
    "base": "#4c78a8",
    "untrained": "#72b7b2",
    "tuned": "#e45756",
    "bm25+tuned": "#b279a2",
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


def told(draw: Callable[Given, Figure]) -> Callable[Given, Figure]:
    """Label a figure with the first lines of its function's docstring, for those who do not see it.

    ``notebook.show`` makes an alternative text of it. A label that the function gives itself stays.
    """
    words = " ".join((inspect.getdoc(draw) or "").partition("\n\n")[0].split())

    @functools.wraps(draw)
    def drawn(*args: Given.args, **kwargs: Given.kwargs) -> Figure:
        figure = draw(*args, **kwargs)
        figure.set_label(figure.get_label() or words)
        return figure

    return drawn


def number_bars(axis: Axes, bars: BarContainer, fmt: str | Callable[[float], str], *, groups_of: int) -> None:
    """Write its value over each bar: upright where more than three stand side by side, so that none meets the next."""
    axis.bar_label(bars, fmt=fmt, fontsize=8, rotation=90 if groups_of > 3 else 0, padding=2)
    low, high = axis.get_ylim()
    axis.set_ylim(low, max(high, 1.18 * max(bar.get_height() for bar in bars)))


def colour_of(name: str) -> str | None:
    """Return the colour that ``name`` has in every figure, or None: matplotlib then takes its next one."""
    return COLOURS.get(name)


def plain_log_ticks(axis: Axis) -> None:
    """Label a logarithmic axis at 1 and 3 of each power of ten, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_major_formatter("{x:,.12g}")  # g alone writes a million as 1e+06
    axis.set_minor_formatter(NullFormatter())
