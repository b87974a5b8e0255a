"""Figures of the index (chapters 05 and 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from tutorial_lib.plots.style import COLOURS, new_axes, plain_log_ticks


def index_choices(rows: pd.DataFrame) -> Figure:
    """Recall of every way to store and search vectors against what it keeps (left) and what a query takes (right).

    Args:
        rows: Columns way, engine, rescored (candidates, 0 for none), recall@10, mb_per_1000_articles, ms_median; one row a
            way. The ways of one name have one colour, those of one engine one shape; a rescored one is filled.
    """
    figure, axes = new_axes(11, 4.2, 2, sharey=True)
    colours = {way: colormaps["tab10"](n) for n, way in enumerate(rows["way"].unique())}
    shapes = dict(zip(rows["engine"].unique(), "os^", strict=False))
    panels = {"mb_per_1000_articles": "MB per 1,000 articles", "ms_median": "ms a query"}
    for axis, (column, label) in zip(axes, panels.items(), strict=True):
        for _, row in rows.iterrows():
            filled = row["rescored"] or row["way"].endswith("float32")
            colour = colours[row["way"]]
            face = colour if filled else "white"
            axis.plot(row[column], row["recall@10"], shapes[row["engine"]], color=colour, markerfacecolor=face, markersize=8)
        axis.set(xscale="log", xlabel=label)
        plain_log_ticks(axis.xaxis)
        axis.grid(color="#eeeeee")
    axes[0].set_ylabel("recall@10 against exact search")
    _explain(axes[1], colours, shapes)
    return figure


def _explain(axis: Axes, colours: Mapping[str, ColorType], shapes: Mapping[str, str]) -> None:
    """Add a legend of colours (ways), shapes (engines) and the empty mark."""
    for way, colour in colours.items():
        axis.plot([], [], "o", color=colour, label=way)
    for engine, shape in shapes.items():
        axis.plot([], [], shape, color="#8c8c8c", label=engine)
    axis.plot([], [], "o", color="#8c8c8c", markerfacecolor="white", label="not rescored")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def growth(rows: pd.DataFrame, slopes: Mapping[str, float]) -> Figure:
    """Log-log curves against the number of articles: seconds, milliseconds a search, file size, memory; slopes in the legend.

    Args:
        rows: Columns articles, build_seconds, evaluate_seconds, search_ms_p50, search_ms_p99, file_mb, peak_mb,
            evaluate_peak_mb; NaN, or no column, where nothing was measured.
        slopes: Column -> slope.
    """
    panels = {
        "seconds": {"build_seconds": "build", "evaluate_seconds": "evaluate"},
        "ms a search": {"search_ms_p50": "median", "search_ms_p99": "99 %"},
        "MB on disk": {"file_mb": "index"},
        "MB of memory at the peak": {"peak_mb": "build and search", "evaluate_peak_mb": "evaluate"},
    }
    figure, axes = new_axes(12, 3.2, len(panels))
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


def stages(rows: pd.DataFrame, slopes: Mapping[str, Mapping[str, float]]) -> Figure:
    """Log-log curves of every stage against the number of articles: seconds (left), memory at the peak (right).

    Args:
        rows: Columns articles, stage, seconds, peak_mb; one row a stage and size, NaN where it was not run.
        slopes: Stage -> column -> slope; they stand in the legends.
    """
    figure, axes = new_axes(12, 4.2, 2)
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


def switch_under_load(seconds: Sequence[float], firsts: Sequence[str], query: str) -> Figure:
    """First article of every answer to ``query``, asked without pause while the index below it is replaced.

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
