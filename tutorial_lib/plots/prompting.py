"""Figures of prompts (chapter 08)."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib.plots.style import colour_of, new_axes, plain_log_ticks, told


@told
def answers_in_prompt(shares: pd.DataFrame, *, goal: float = 0.9, counted_by: str = "") -> Figure:
    """Share of queries whose facts are all in the prompt, against its tokens: a line a system, its interval as a band.

    Args:
        shares: Columns system, tokens, share, low, high (``rag.budget.Budget.shares``).
        goal: A share that a dashed line marks.
        counted_by: Name of the tokenizer, for the axis.
    """
    figure, (axis,) = new_axes(7, 3.6)
    for system, rows in shares.groupby("system", sort=False):
        (line,) = axis.plot(rows["tokens"], rows["share"], label=str(system), color=colour_of(str(system)))
        axis.fill_between(rows["tokens"], rows["low"], rows["high"], color=line.get_color(), alpha=0.15, lw=0)
    axis.axhline(goal, color="black", lw=0.8, ls="--")
    axis.set(xscale="log", ylim=(0, 1), ylabel="queries with all facts in the prompt")
    axis.set_xlabel(f"tokens of context{f' ({counted_by})' if counted_by else ''}")
    plain_log_ticks(axis.xaxis)
    axis.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axis.legend(frameon=False)
    return figure


@told
def prompt_grid(rows: pd.DataFrame, *, measure: str = "fact_recall") -> Figure:
    """Fact recall with its interval against the tokens of a prompt: a point a cell, a colour a system, a mark a template.

    Args:
        rows: Columns template, system, k, prompt_tokens, low, high and ``measure`` (``rag.cells.Experiment.table``).
        measure: Which column stands upwards.
    """
    figure, (axis,) = new_axes(7, 3.8)
    marks = dict(zip(dict.fromkeys(rows["template"]), "os^Dv<>P*X" * len(rows), strict=False))
    colours: dict[str, Any] = {}
    for _, row in rows.iterrows():
        system = str(row["system"])
        colour = colours.get(system) or colour_of(system)
        drawn = axis.errorbar(
            row["prompt_tokens"],
            row[measure],
            yerr=[[row[measure] - row["low"]], [row["high"] - row[measure]]],
            fmt=marks[row["template"]],
            color=colour,
            label=f"{row['template']}, {system}",
        )
        colours[system] = drawn[0].get_color()
        axis.annotate(f" k={row['k']}", (row["prompt_tokens"], row[measure]), fontsize=7)
    named = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    axis.legend(named.values(), named.keys(), frameon=False, fontsize=8)
    axis.set(xlabel="tokens of a prompt, mean", ylabel=f"{measure.replace('_', ' ')}, mean with 95 % interval")
    return figure
