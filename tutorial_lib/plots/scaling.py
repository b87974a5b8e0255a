"""Figures of embedding with many workers (chapter 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_lib.plots.style import new_axes, told

RUNS = ("#4c78a8", "#e45756", "#f58518", "#54a24b")
INDEXES = ("#8c8c8c", "#4c78a8", "#54a24b", "#f58518")
"""Colours of lines, in their order."""
WORKERS = {1: "#9ecae9", 10: "#4c78a8", 100: "#f58518", 1000: "#e45756"}
"""For how many workers ``bill`` draws a line, and its colour."""
HOURS = {"an hour": 1, "a day": 24, "a month": 24 * 30}
MEMORY = {"a laptop, 16 GB": 16, "a large server, 512 GB": 512}
"""Lines drawn across, to compare with."""


@told
def progress(seconds: Mapping[str, Sequence[float]], shard: int) -> Figure:
    """Articles embedded against seconds since the call, a staircase of shards a run; its slope is the throughput.

    Args:
        seconds: Run -> when each of its shards was done, in order.
        shard: Articles of one shard.
    """
    figure, (axis,) = new_axes(7, 3)
    for (name, done), colour in zip(seconds.items(), RUNS, strict=False):
        finished = shard * np.arange(len(done) + 1)
        axis.step([0, *done], finished, where="post", color=colour, label=name)
    axis.set(xlabel="seconds since the call", ylabel="articles embedded", xlim=(0, None), ylim=(0, None))
    axis.legend(frameon=False)
    return figure


@told
def bill(seconds: float, weight: Mapping[str, float], marked: Sequence[float]) -> Figure:
    """Hours to embed (left) and memory for the index (right) against the number of articles, all logarithmic.

    Args:
        seconds: Of one worker for one article.
        weight: Kind of index -> bytes for one article.
        marked: Numbers of articles with a line upwards.
    """
    figure, (left, right) = new_axes(10, 3.6, 2)
    articles = np.logspace(4, 9, 50)
    for workers, colour in WORKERS.items():
        label = f"{workers:,} worker{'s' * (workers > 1)}"
        left.loglog(articles, articles * seconds / 3600 / workers, color=colour, label=label)
    for (kind, size), colour in zip(weight.items(), INDEXES, strict=False):
        right.loglog(articles, articles * size / 1e9, color=colour, label=kind)
    left.set(xlabel="articles", ylabel="hours to embed", ylim=(1e-3, 1e4))
    right.set(xlabel="articles", ylabel="GB of memory for the index", ylim=(5e-3, 5e3))
    _compare_with(left, HOURS, marked)
    _compare_with(right, MEMORY, marked)
    return figure


def _compare_with(axis: Axes, across: Mapping[str, float], upwards: Sequence[float]) -> None:
    """Draw pale lines to compare with, named across and dotted upwards."""
    for name, height in across.items():
        axis.axhline(height, color="#bbbbbb", lw=0.8, zorder=0)
        axis.text(1e4, height * 1.15, name, fontsize=8, color="#777777")
    axis.vlines(list(upwards), *axis.get_ylim(), color="#bbbbbb", lw=0.8, ls=":", zorder=0)
    axis.legend(frameon=False, fontsize=8, loc="lower right")
