"""Figures of serving (chapter 09)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib.plots.style import MEASURE, new_axes, plain_log_ticks, told

WAYS = {
    "split": ("half of the people with each", "#8c8c8c", "s"),
    "paper": ("interleaved, the paper's way", "#9ecae9", "^"),
    "interleaved": ("interleaved, without a draft where both agree", "#e45756", "o"),
}
"""Column of ``searches_needed`` -> what it is called, its colour and its mark."""


@told
def searches_needed(rows: pd.DataFrame) -> Figure:
    """Searches that tell two versions apart against how much they differ, both logarithmic: a line a way to compare.

    Args:
        rows: Index: the difference in nDCG@10, above 0. Columns: any of ``WAYS``.
    """
    figure, (axis,) = new_axes(7, 3.8)
    ordered = rows.sort_index()
    for name in (way for way in WAYS if way in ordered):
        title, colour, mark = WAYS[name]
        axis.plot(ordered.index, ordered[name], mark, ls="-", color=colour, label=title)
    axis.set(xscale="log", yscale="log", xlabel=f"difference in {MEASURE}", ylabel="searches until it is seen")
    plain_log_ticks(axis.xaxis)
    plain_log_ticks(axis.yaxis)
    axis.legend(frameon=False, fontsize=8)
    return figure


@told
def export_parity(rows: pd.DataFrame) -> Figure:
    """What each way to run a model finds (left), and how many articles it encodes (right).

    Args:
        rows: The table of ``evaluation.exporting.export_model``: index the way; columns score, difference, low, high,
            documents_per_cpu_second.
    """
    figure, (left, right) = new_axes(8, 0.9 + 0.4 * len(rows), 2, sharey=True)
    places = range(len(rows))
    for place, (low, high, difference) in enumerate(zip(rows["low"], rows["high"], rows["difference"], strict=True)):
        colour = "#e45756" if high < 0 else "#4c78a8"
        left.plot([low, high], [place, place], color=colour, lw=2)
        left.plot(difference, place, "o", color=colour)
        left.annotate(f"{difference:+.3f}", (difference, place), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    left.axvline(0, color="black", lw=0.8)
    left.set_yticks(places, list(rows.index))
    left.invert_yaxis()
    left.margins(x=0.15, y=0.2)
    left.set_xlabel(f"change of {MEASURE}, with 95 % interval")
    right.barh(places, rows["documents_per_cpu_second"], color="#8c8c8c", height=0.5)
    right.set_xlabel("articles encoded a second of one core")
    return figure
