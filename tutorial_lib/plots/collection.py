"""Figures of a collection and its pairs (chapter 01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib.plots.style import new_axes, told


@told
def lengths(words: Mapping[str, Sequence[int]], window: int | None = None) -> Figure:
    """Histogram of text lengths in words, one panel a kind of text; a line marks what a model reads at most.

    Args:
        words: Kind of text -> words of each.
        window: About how many words a model reads.
    """
    figure, axes = new_axes(8, 2.8, len(words))
    for axis, (name, values) in zip(axes, words.items(), strict=True):
        top = float(np.percentile(values, 99))
        axis.hist(np.minimum(values, top), bins=40, color="#4c78a8")
        axis.axvline(float(np.median(values)), color="black", lw=1, ls="--", label=f"median {np.median(values):.0f}")
        if window and top > window:
            axis.axvline(window, color="#e45756", lw=1, label=f"window, about {window} words")
        axis.set(title=name, xlabel="words (longest 1 % at the edge)", ylabel="texts")
        axis.legend(frameon=False, fontsize=8)
    return figure


@told
def split_sizes(counts: Mapping[str, int], seen: int) -> Figure:
    """Bar of the queries per split; test is divided into queries whose article was seen in training and not."""
    figure, (axis,) = new_axes(7, 1.6)
    left = 0
    parts = [
        ("train", counts["train"], "#4c78a8"),
        ("dev", counts["dev"], "#f58518"),
        ("test, article seen", seen, "#e45756"),
        ("test, article unseen", counts["test"] - seen, "#f2a6a6"),
    ]
    for name, size, colour in parts:
        axis.barh(0, size, left=left, color=colour, label=f"{name}: {size:,}")
        left += size
    axis.set(yticks=[], xlabel="queries")
    axis.legend(ncols=4, frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


@told
def queries_over_time(created_at: Mapping[str, Sequence[str]]) -> Figure:
    """Stacked bars: queries a month, one colour a split; times in ISO 8601."""
    figure, (axis,) = new_axes(8, 2.6)
    months = sorted({t[:7] for times in created_at.values() for t in times})
    bottom = np.zeros(len(months))
    for (split, times), colour in zip(created_at.items(), ("#4c78a8", "#f58518", "#e45756"), strict=False):
        counts = np.array([sum(t[:7] == m for t in times) for m in months])
        axis.bar(range(len(months)), counts, bottom=bottom, color=colour, label=f"{split}: {len(times):,}")
        bottom += counts
    axis.set_xticks(range(0, len(months), 3), months[::3])
    axis.set(ylabel="queries a month")
    axis.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


@told
def review_curve(curve: pd.DataFrame) -> Figure:
    """Precision and recall of the noise filter against the share of pairs reviewed, most suspicious first."""
    figure, (axis,) = new_axes(7, 3)
    axis.plot(curve["share"], curve["recall"], color="#4c78a8", label="recall: wrong pairs found")
    axis.plot(curve["share"], curve["precision"], color="#f58518", label="precision: reviewed pairs that are wrong")
    axis.axhline(float(curve["precision"].iloc[-1]), color="#8c8c8c", ls="--", lw=1, label="precision of reading at random")
    axis.set(xlabel="share of the pairs reviewed, most suspicious first", ylim=(0, 1.02), xlim=(0, 1))
    axis.legend(frameon=False, fontsize=8)
    return figure
