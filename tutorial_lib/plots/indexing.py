"""Figures of the index (chapters 05 and 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from tutorial_lib.plots.style import COLOURS, new_axes, plain_log_ticks, told

ENGINES = ("#4c78a8", "#f58518", "#54a24b")
"""Colours of index engines, in turn."""


@told
def index_choices(rows: pd.DataFrame) -> Figure:
    """Bars of every way to store and search vectors: recall, what it keeps, and what a query takes; pale is not rescored.

    Args:
        rows: Columns way, engine, rescored (candidates, 0 for none), recall@10, mb_per_1000_articles, ms_median; one row a
            way. The ways of an engine stand together, in its colour; a rescored way is a second bar below the plain one.
    """
    engines = list(rows["engine"].unique())
    ways = sorted(dict.fromkeys(zip(rows["engine"], rows["way"], strict=True)), key=lambda way: engines.index(way[0]))
    colours = dict(zip(engines, ENGINES, strict=False))
    figure, axes = new_axes(9, 0.34 * len(ways) + 1.2, 3, sharey=True)
    panels = {
        "recall@10": ("recall@10 against exact search", "{:.3f}"),
        "mb_per_1000_articles": ("MB per 1,000 articles", "{:.2f}"),
        "ms_median": ("ms a query, median", "{:.2f}"),
    }
    for axis, (column, (label, fmt)) in zip(axes, panels.items(), strict=True):
        for _, row in rows.iterrows():
            place = ways.index((row["engine"], row["way"])) + (0.2 if row["rescored"] else -0.2)
            bars = axis.barh(place, row[column], 0.38, color=colours[row["engine"]], alpha=1 if row["rescored"] else 0.5)
            axis.bar_label(bars, fmt=fmt, fontsize=7, padding=2)
        axis.set_xlabel(label)
        axis.margins(x=0.25)  # room for the numbers
    axes[0].set_xticks([0, 0.5, 1])
    axes[0].set_yticks(range(len(ways)), [way for _, way in ways], fontsize=8)
    axes[0].set_ylim(len(ways) - 0.4, -0.6)
    _explain(figure, axes[0], colours)
    return figure


def _explain(figure: Figure, axis: Axes, colours: Mapping[str, ColorType]) -> None:
    """Add a legend of the engines, plain and rescored."""
    for engine, colour in colours.items():
        for suffix, alpha in (("", 0.5), (", rescored", 1)):
            axis.barh(0, 0, color=colour, alpha=alpha, label=f"{engine}{suffix}")
    figure.legend(*axis.get_legend_handles_labels(), frameon=False, fontsize=8, loc="outside upper center", ncols=4)


@told
def growth(rows: pd.DataFrame, slopes: Mapping[str, float]) -> Figure:
    """Curves against the number of articles, both axes logarithmic: seconds, milliseconds a search, file size, memory.

    Args:
        rows: Columns articles, build_seconds, evaluate_seconds, search_ms_p50, search_ms_p99, file_mb, peak_mb,
            evaluate_peak_mb; NaN, or no column, where nothing was measured.
        slopes: Column -> slope; they stand in the legends.
    """
    panels = {
        "seconds": {"build_seconds": "build", "evaluate_seconds": "evaluate"},
        "ms a search": {"search_ms_p50": "median", "search_ms_p99": "99 %"},
        "MB on disk": {"file_mb": "index"},
        "MB of memory at the peak": {"peak_mb": "build and search", "evaluate_peak_mb": "evaluate"},
    }
    figure, axes = new_axes(9, 5.6, 2, rows=2)
    for axis, (label, curves) in zip(axes, panels.items(), strict=True):
        for (column, name), colour in zip(curves.items(), ("#e45756", "#4c78a8"), strict=False):
            if column in rows:
                slope = f", slope {slopes[column]:.2f}" if column in slopes else ""
                axis.plot(rows["articles"], rows[column], "o-", color=colour, label=name + slope)
        axis.set(xscale="log", yscale="log", xlabel="articles", ylabel=label)
        axis.margins(y=0.2)  # room for the legend
        plain_log_ticks(axis.yaxis)
        axis.legend(frameon=False, fontsize=8)
    return figure


@told
def stages(rows: pd.DataFrame, slopes: Mapping[str, Mapping[str, float]]) -> Figure:
    """Curves of every stage against the number of articles, both axes logarithmic: seconds, memory at the peak.

    Args:
        rows: Columns articles, stage, seconds, peak_mb; one row a stage and size, NaN where it was not run.
        slopes: Stage -> column -> slope; they stand in the legends.
    """
    figure, axes = new_axes(8, 7, rows=2)
    panels = {"seconds": "seconds of the processor", "peak_mb": "MB of memory at the peak"}
    for axis, (column, label) in zip(axes, panels.items(), strict=True):
        for n, (stage, own) in enumerate(rows.dropna(subset=column).groupby("stage", sort=False)):
            slope = slopes.get(str(stage), {}).get(column)
            name = str(stage) if slope is None else f"{stage}, slope {slope:.2f}"
            axis.plot(own["articles"], own[column], "o-", color=colormaps["tab10"](n % 10), label=name)
        axis.set(xscale="log", yscale="log", xlabel="articles", ylabel=label)
        plain_log_ticks(axis.xaxis)
        plain_log_ticks(axis.yaxis)
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@told
def cut_offs(hits: Mapping[str, pd.DataFrame], thresholds: Mapping[str, float]) -> Figure:
    """Scores of right and of wrong first hits, one panel a model on one scale, with the score below which none is shown.

    Args:
        hits: Model -> ``retrieval.first_hits``.
        thresholds: Model -> lowest score that is shown.
    """
    figure, axes = new_axes(8, 1.9 * len(hits) + 0.4, 1, rows=len(hits), sharex=True)
    scores = np.concatenate([table["score"] for table in hits.values()])
    bins = np.linspace(scores.min(), scores.max(), 41).tolist()
    for axis, (model, table) in zip(axes, hits.items(), strict=True):
        for name, chosen, colour in (
            ("the answer", table["right"], COLOURS["positive"]),
            ("wrong, the answer is elsewhere", ~table["right"] & table["in_index"], "#f58518"),
            ("wrong, there is no answer", ~table["in_index"], COLOURS["tuned"]),
        ):
            axis.hist(table.loc[chosen, "score"], bins=bins, histtype="step", lw=1.6, color=colour, label=name)
        axis.axvline(thresholds[model], color="black", ls="--", lw=1, label=f"cut-off {thresholds[model]:.2f}")
        axis.set(title=model, ylabel="first hits")
        axis.legend(frameon=False, fontsize=8)
    axes[-1].set_xlabel("score of the first hit")
    return figure


@told
def switch_under_load(seconds: Sequence[float], firsts: Sequence[str], query: str) -> Figure:
    """First article of every answer to one query, asked without pause while the index below it is replaced.

    Args:
        seconds: When each answer came.
        firsts: Title of its first article.
        query: What was asked.
    """
    titles = list(dict.fromkeys(firsts))
    figure, (axis,) = new_axes(9, 0.7 + 0.5 * len(titles))
    for row, (title, colour) in enumerate(zip(titles, ("#4c78a8", "#e45756"), strict=False)):
        times = [at for at, first in zip(seconds, firsts, strict=True) if first == title]
        axis.plot(times, [row] * len(times), "|", color=colour, markersize=14)
    axis.set(
        yticks=range(len(titles)),
        yticklabels=titles,
        ylim=(len(titles) - 0.4, -0.6),
        xlabel="seconds",
    )
    figure.suptitle(f"first article for {query!r}, one mark an answer", fontsize="medium")  # over the titles on the left too
    return figure
