"""Figures of a model that is trained again: its year by policy, and its life on its own clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib.plots.style import MEASURE, new_axes


def policies(months: pd.DataFrame, minutes: Mapping[str, float], events: Mapping[int, str], names: Sequence[str]) -> Figure:
    """nDCG@10 on each month's queries, a line a policy, and beside it what a policy's trainings cost.

    Args:
        months: A row a month, by its number, a column a policy.
        minutes: Policy -> CPU minutes of its trainings in the year.
        events: Month -> what happened in it.
        names: What to write below the months, in the order of the rows.
    """
    figure, (line, bar) = new_axes(10, 4.2, 2)

    colours = {}
    for policy in months.columns:
        found = months[policy].dropna()
        style: dict[str, Any] = {"color": "black", "lw": 1.5, "ls": "--"} if policy == "never" else {"lw": 2}
        (drawn,) = line.plot(found.index, found, marker="o", ms=4, label=policy, **style)
        colours[policy] = drawn.get_color()
    low, high = line.get_ylim()
    line.set_ylim(low - 0.28 * (high - low), high)  # room for what happened
    for month, what in events.items():
        line.axvline(month, color="#bab0ac", lw=1, zorder=0)
        line.annotate(what, (month, 0.02), (3, 0), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8)
    line.set_xticks(list(months.index), names, rotation=45, ha="right", fontsize=8)
    line.set_ylabel(f"{MEASURE} on the month's queries")
    line.legend(frameon=False, fontsize=8)
    order = [policy for policy in months.columns if policy in minutes]
    bar.barh(order, [minutes[policy] for policy in order], color=[colours[policy] for policy in order])
    bar.invert_yaxis()
    bar.set_xlabel("CPU minutes of training in the year")
    return figure


def feedback_loops(rows: pd.DataFrame) -> Figure:
    """What generations that learn from their own clicks come to: by the golden set, and by the clicks themselves.

    Args:
        rows: Columns way, generation, golden, by_its_clicks; several rows of one way and generation are seeds.
    """
    figure, axes = new_axes(10, 3.6, 2, sharex=True, sharey=True)
    told = {"golden": "judged by hand, on the golden set", "by_its_clicks": "judged by its own clicks"}
    for axis, (column, title) in zip(axes, told.items(), strict=True):
        for way, of_way in rows.groupby("way", sort=False):
            means = of_way.groupby("generation")[column].agg(["mean", "min", "max"])
            style: dict[str, Any] = {"color": "black", "ls": "--"} if way == "truth" else {}
            (drawn,) = axis.plot(means.index, means["mean"], marker="o", ms=4, label=str(way), **style)
            axis.fill_between(means.index, means["min"], means["max"], color=drawn.get_color(), alpha=0.15, lw=0)
        axis.set_title(title, fontsize=10)
        axis.set_xticks(sorted(rows["generation"].unique()))
        axis.set_xlabel("generation (0: the base model)")
    axes[0].set_ylabel(MEASURE)
    axes[1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
