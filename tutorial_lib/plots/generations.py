"""Figures of a model that is trained again: its year by policy, and its life on its own clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib.plots.style import MEASURE, new_axes, told


@told
def policies(months: pd.DataFrame, minutes: Mapping[str, float], events: Mapping[int, str], names: Sequence[str]) -> Figure:
    """What each policy gains over never retraining, a line a policy over the months, and beside it what its trainings cost.

    The difference is drawn, since months differ more from each other than policies do; below each month stands what "never"
    has in it.

    Args:
        months: nDCG@10, a row a month, by its number, a column a policy, "never" among them.
        minutes: Policy -> CPU minutes of its trainings in the year.
        events: Month -> what happened in it.
        names: What to call the months, in the order of the rows.
    """
    figure, (line, bar) = new_axes(11, 4.4, 2)
    colours = {}
    line.axhline(0, color="black", lw=1.2, ls="--")
    for policy in months.columns.drop("never"):
        (drawn,) = line.plot(months.index, months[policy] - months["never"], marker="o", ms=4, lw=2, label=policy)
        colours[policy] = drawn.get_color()
    low, high = line.get_ylim()
    line.set_ylim(low - 0.15 * (high - low), high)  # room for what happened
    for n, (month, what) in enumerate(events.items()):
        line.axvline(month, color="#bab0ac", lw=1, zorder=0)
        where: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "fontsize": 8}
        line.annotate(what, (month, 0.01 + 0.05 * (n % 2)), (3, 0), **where)
    heads = [f"{name}\n{score:.2f}" for name, score in zip(names, months["never"], strict=True)]
    line.set_xticks(list(months.index), heads, fontsize=7)
    line.set_xlabel(f"month, and {MEASURE} of the model that is never retrained")
    line.set_ylabel(f"gain in {MEASURE} over never")
    line.legend(frameon=False, fontsize=8, loc="upper left")
    order = [policy for policy in colours if policy in minutes]
    bar.barh(order, [minutes[policy] for policy in order], color=[colours[policy] for policy in order])
    bar.invert_yaxis()
    bar.set_xlabel("CPU minutes of training in the year")
    return figure


@told
def feedback_loops(rows: pd.DataFrame) -> Figure:
    """What generations that learn from their own clicks come to: by the golden set, and by the clicks themselves.

    Args:
        rows: Columns way, generation, golden, by_its_clicks; several rows of one way and generation are seeds.
    """
    figure, axes = new_axes(10, 3.6, 2, sharex=True, sharey=True)
    titles = {"golden": "judged by hand, on the golden set", "by_its_clicks": "judged by its own clicks"}
    for axis, (column, title) in zip(axes, titles.items(), strict=True):
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
