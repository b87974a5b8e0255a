"""Figures of watching (chapter 11)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tutorial_lib.plots.style import new_axes, told

QUIET, CLOSE, RAISED = "#eef1f4", "#f6d58e", "#e45756"
DECISIONS = {"too few": "#ffffff", "fine": "#bfe0c2", "look": "#f2b134", "retrain": "#c0392b"}
"""Decision -> colour."""
HALF = 0.5
"""Strength from which on a signal is drawn as close to its threshold."""


@told
def watched(readings: pd.DataFrame, events: Mapping[str, date] | None = None) -> Figure:
    """The weeks across, a row a signal, coloured by how near it is to its threshold; the decision below.

    Args:
        readings: Columns week, signal, strength, decision (``Watched.readings``).
        events: What happened -> its day, marked above.
    """
    strength = readings.pivot(index="signal", columns="week", values="strength").loc[readings["signal"].drop_duplicates()]
    weeks: list[Any] = list(strength.columns)
    decisions = readings.drop_duplicates("week").set_index("week")["decision"].loc[weeks]
    figure, (axis,) = new_axes(max(6.0, 1.8 + 0.16 * len(weeks)), 1.5 + 0.27 * len(strength))
    colours = ListedColormap([QUIET, CLOSE, RAISED])
    edges = np.arange(len(weeks) + 1)
    rows = np.arange(len(strength) + 1)
    axis.pcolormesh(edges, rows, strength, cmap=colours, norm=BoundaryNorm([0, HALF, 1, 1e9], 3), edgecolor="white", lw=0.8)
    for week, decision in enumerate(decisions):
        axis.barh(len(strength) + 0.75, 1, left=week, height=0.9, color=DECISIONS[decision], edgecolor="white", lw=0.8)
    axis.set(ylim=(len(strength) + 1.3, -0.1), xlim=(0, len(weeks)))
    axis.set_yticks([*(rows[:-1] + 0.5), len(strength) + 0.75], [*strength.index, "decision"])
    _months(axis, weeks)
    for name, day in (events or {}).items():
        at = (day - weeks[0]).days / 7
        axis.axvline(at, color="black", lw=1, ls="--")
        axis.annotate(name, (at, -0.1), xytext=(2, 2), textcoords="offset points", fontsize=8, annotation_clip=False)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    _legend(figure)
    return figure


def _months(axis: Axes, weeks: list[date]) -> None:
    """Label the first week of each month; of a short log each week."""
    first = [n for n, week in enumerate(weeks) if n == 0 or week.month != weeks[n - 1].month]
    shown = list(range(len(weeks))) if len(weeks) <= 10 else [n for n in first if n == 0 or n > first[0] + 2]
    form = "%-d %b" if len(weeks) <= 10 else "%b %Y"
    axis.set_xticks([n + 0.5 for n in shown], [weeks[n].strftime(form) for n in shown], rotation=45, ha="right")


def _legend(figure: Figure) -> None:
    told = {"quiet": QUIET, "over half of its threshold": CLOSE, "raised": RAISED}
    told |= {f"decision: {name}": DECISIONS[name] for name in ("fine", "look", "retrain")}
    handles = [Patch(color=colour, label=name) for name, colour in told.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
