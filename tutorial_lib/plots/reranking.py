"""Figures of rerankers and of fusions (chapters 02, 06, 07)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tutorial_lib.plots.style import MEASURE, colour_of, new_axes, told


@told
def closest_words(cosines: NDArray[np.floating], query: Sequence[str], document: Sequence[str]) -> Figure:
    """Cosines of the words of a query (rows) with some of a document (columns); the highest of each row is framed.

    Args:
        cosines: (Q, N).
        query: The Q words.
        document: The N words.
    """
    figure, (axis,) = new_axes(max(6, 0.62 * len(document) + 1.5), 0.42 * len(query) + 1.3)
    deepest = 1.5 * float(cosines.max())  # so that black stays readable on it
    axis.imshow(cosines, cmap="Greens", vmin=0, vmax=max(deepest, 1e-6), aspect="auto")
    for row, line in enumerate(cosines):
        best = int(line.argmax())
        for column, cosine in enumerate(line):
            weight = "bold" if column == best else "normal"
            axis.text(column, row, f"{cosine:.2f}", ha="center", va="center", fontsize=8, fontweight=weight)
        axis.add_patch(Rectangle((best - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="#e45756", lw=2))
    axis.set_xticks(range(len(document)), list(document), rotation=40, ha="right", fontsize=9)
    axis.set_yticks(range(len(query)), list(query), fontsize=9)
    axis.spines[:].set_visible(False)
    return figure


@told
def by_depth(scores: Mapping[str, Mapping[int, float]], milliseconds: Mapping[int, float]) -> Figure:
    """Measure against how many documents are ranked again (left) and what that takes (right).

    Args:
        scores: By system and depth: nDCG@10; depth 0 is the first ranker alone.
        milliseconds: By depth: a query.
    """
    figure, (left, right) = new_axes(9, 3.2, 2)
    for name, by in scores.items():
        depths = [d for d in by if d]
        colour = colour_of(name)
        left.plot(depths, [by[d] for d in depths], "o-", color=colour, label=name)
        left.axhline(by[0], color=left.lines[-1].get_color(), ls="--", lw=1)
    left.set(xscale="log", xlabel="articles ranked again (dashed: none)", ylabel=MEASURE)
    left.set_xticks(depths, [str(d) for d in depths])
    left.minorticks_off()
    left.margins(y=0.12)
    left.legend(frameon=False, fontsize=8, ncols=len(scores), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    right.plot(list(milliseconds), list(milliseconds.values()), "o-", color="#8c8c8c")
    right.set(xlabel="articles ranked again", ylabel="ms a query", ylim=(0, None))
    return figure


@told
def by_weight(
    scores: Mapping[str, Mapping[float, float]],
    *,
    of: str = "late interaction (0: the vector alone, 1: the tokens alone)",
    beside: Mapping[str, float] | None = None,
) -> Figure:
    """Measure against the second ranker's share in the fused score, one line a system.

    Args:
        scores: By system and share, 0 to 1: nDCG@10.
        of: Whose share it is.
        beside: What has no share, by name: nDCG@10, a dashed line each.
    """
    figure, (axis,) = new_axes(6, 3)
    for name, by in scores.items():
        axis.plot(list(by), list(by.values()), "o-", color=colour_of(name), label=name)
    for name, level in (beside or {}).items():
        axis.axhline(level, color="#8c8c8c", ls="--", lw=1, label=name)
    axis.set(xlabel=f"share of {of}", ylabel=f"{MEASURE} on dev")
    axis.legend(frameon=False)
    return figure


@told
def differences(table: pd.DataFrame) -> Figure:
    """Differences with their 95 % intervals, one line a comparison.

    Args:
        table: Index: what is compared. Columns difference, low, high.
    """
    figure, (axis,) = new_axes(8, 0.9 + 0.34 * len(table))
    for place, (low, high, difference) in enumerate(zip(table["low"], table["high"], table["difference"], strict=True)):
        colour = "#4c78a8" if low > 0 or high < 0 else "#8c8c8c"
        axis.plot([low, high], [place, place], color=colour, lw=2)
        axis.plot(difference, place, "o", color=colour)
        axis.annotate(f"{difference:+.3f}", (high, place), (6, 0), textcoords="offset points", va="center", fontsize=8)
    axis.set_yticks(range(len(table)), list(table.index))
    axis.invert_yaxis()
    axis.axvline(0, color="black", lw=0.8)
    axis.margins(x=0.15, y=0.15)
    axis.set_xlabel(f"difference in {MEASURE}, with 95 % interval (grey: may be chance)")
    return figure
