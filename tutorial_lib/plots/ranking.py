"""Figures of rankings and of their comparison (chapters 00, 02, 06)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tutorial_lib.plots.style import COLOURS, MEASURE, NOT_DRAWN, RANK_BUCKETS, colour_of, new_axes, number_bars, told


@told
def systems(table: pd.DataFrame) -> Figure:
    """Grouped bars: one group a measure, one bar a system.

    Systems are the rows of ``table``; its columns of ``NOT_DRAWN`` are left out.

    >>> figure = systems(pd.DataFrame({"nDCG@10": {"base": 0.5, "tuned": 0.7}}))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.50', '0.70']
    """
    table = table.drop(columns=[c for c in table if c in NOT_DRAWN])
    figure, (axis,) = new_axes(min(9, max(7, 0.34 * table.size)))
    width = 0.8 / len(table)
    for n, (name, row) in enumerate(table.iterrows()):
        bars = axis.bar(np.arange(len(row)) + n * width, row.to_numpy(), width, label=str(name), color=colour_of(str(name)))
        number_bars(axis, bars, "%.2f", groups_of=len(table))
    axis.set_xticks(np.arange(table.shape[1]) + 0.4 - width / 2, list(table.columns))
    axis.set(ylabel="mean over queries", yticks=np.linspace(0, 1, 6))
    axis.legend(frameon=False, ncols=len(table), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


@told
def answer_ranks(ranks: Mapping[str, pd.Series]) -> Figure:
    """Share of queries by the rank of their best-placed answer, one bar a system and bucket of ranks."""
    figure, (axis,) = new_axes()
    width = 0.8 / len(ranks)
    for n, (name, series) in enumerate(ranks.items()):
        shares = [float(series.between(low, high).mean()) for _, low, high in RANK_BUCKETS]
        bars = axis.bar(np.arange(len(shares)) + n * width, shares, width, label=name, color=colour_of(name))
        number_bars(axis, bars, lambda v: f"{v:.0%}", groups_of=len(ranks))
    axis.set_xticks(np.arange(len(RANK_BUCKETS)) + 0.4 - width / 2, [b[0] for b in RANK_BUCKETS])
    axis.set(xlabel="rank of the answer", ylabel="share of queries")
    axis.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axis.legend(frameon=False)
    return figure


@told
def rank_shift(before: pd.Series, after: pd.Series, names: tuple[str, str] = ("base", "tuned")) -> Figure:
    """Table of counts: where the answer stood before (rows) against where it stands after (columns), same queries."""
    labels = [b[0] for b in RANK_BUCKETS]
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (_buckets(before), _buckets(after.loc[before.index])), 1)
    figure, (axis,) = new_axes(5.5, 3.8)
    axis.imshow(_shades(counts), aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        axis.text(column, row, f"{count:,}" if count else "", ha="center", va="center", fontweight="bold", fontsize=9)
    axis.set_xticks(range(len(labels)), labels)
    axis.set_yticks(range(len(labels)), labels)
    axis.set(xlabel=f"rank with {names[1]}", ylabel=f"rank with {names[0]}", title="green: better, red: worse")
    axis.title.set_fontsize(9)
    return figure


def _buckets(ranks: pd.Series) -> NDArray[np.int64]:
    """Return the place in ``RANK_BUCKETS`` of each rank."""
    return np.array([next(i for i, (_, lo, hi) in enumerate(RANK_BUCKETS) if lo <= r <= hi) for r in ranks])


def _shades(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the colour of each cell, (rows, columns, 4): better or worse by its place, deeper the larger its count."""
    shades = np.ones((*counts.shape, 4))
    for (row, column), count in np.ndenumerate(counts):
        colour = COLOURS["positive"] if column < row else COLOURS["tuned"] if column > row else COLOURS["bm25"]
        depth = 0.15 + 0.6 * np.log1p(count) / np.log1p(counts.max()) if count else 0
        shades[row, column] = to_rgba(colour, depth)
    return shades


@told
def deltas(values: pd.Series, measure: str = MEASURE) -> Figure:
    """Every query's change, sorted: what was won (right, up) and what was paid for it (left, down)."""
    figure, (axis,) = new_axes(7, 2.8)
    ordered = np.sort(values.to_numpy())
    axis.fill_between(
        range(len(ordered)),
        ordered,
        where=(ordered > 0).tolist(),
        color="#54a24b",
        step="mid",
        label=f"better: {(ordered > 1e-9).sum():,}",
    )
    axis.fill_between(
        range(len(ordered)),
        ordered,
        where=(ordered < 0).tolist(),
        color="#e45756",
        step="mid",
        label=f"worse: {(ordered < -1e-9).sum():,}",
    )
    axis.axhline(0, color="black", lw=0.8)
    axis.set(xlabel="queries, sorted by change", ylabel=f"change in {measure}")
    axis.legend(frameon=False)
    return figure


@told
def slices(table: pd.DataFrame) -> Figure:
    """Difference and 95 % interval of each slice of the queries; red where significantly worse.

    Args:
        table: ``evaluation.slice_table``.
    """
    figure, (axis,) = new_axes(8, 0.8 + 0.26 * len(table))
    for n, (_, row) in enumerate(table.iloc[::-1].iterrows()):
        colour = "#e45756" if row["worse"] else "#4c78a8"
        axis.plot([row["low"], row["high"]], [n, n], color=colour, lw=2)
        axis.plot(row["difference"], n, "o", color=colour)
    names = [f"{r['slice']}: {r['value']} (n={r['queries']:.0f})" for _, r in table.iloc[::-1].iterrows()]
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.axvline(0, color="black", lw=0.8)
    axis.set_xlabel(f"difference in {MEASURE}, tuned - base, with 95 % interval")
    return figure


@told
def recall_at_k(qrels: Mapping[str, Mapping[str, int]], runs: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """Share of queries whose answer is among the first k articles, against k: what a prompt of k articles would hold."""
    figure, (axis,) = new_axes(7, 3.2)
    ks = np.arange(1, 101)
    for name, run in runs.items():
        ranks = np.array([_rank(grades, run.get(q, {})) for q, grades in qrels.items()])
        axis.plot(ks, [(ranks <= k).mean() for k in ks], label=name, color=colour_of(name))
    axis.set(xscale="log", xlabel="articles shown, k", ylabel="queries with an answer among them")
    axis.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    axis.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axis.legend(frameon=False)
    return figure


def _rank(grades: Mapping[str, int], ranked: Mapping[str, float]) -> float:
    """Return the rank, from 1, of the best-placed relevant article of one query; infinite where there is none."""
    return next((float(n) for n, a in enumerate(ranked, 1) if grades.get(a, 0) > 0), np.inf)


@told
def search_results(
    query: str,
    before: Sequence[str],
    after: Sequence[str],
    answers: Sequence[str],
    *,
    rank_before: int | None = None,
    heads: tuple[str, str] = ("before training", "after training"),
) -> Figure:
    """The first articles of one search before and after, by title; lines join what is in both, answers are green.

    Args:
        query: The search.
        before: Titles by rank, best first.
        after: Titles by rank, best first, as many.
        answers: Titles that answer the query.
        rank_before: Where the answer stood before, if it was further below than ``before`` shows.
        heads: What stands over the two columns.
    """
    last = len(before) + 1
    below = [title for title in after if title in answers and title not in before]  # they came from further below
    figure, (axis,) = new_axes(9, 0.36 * last + 1)
    figure.set_label(_results_in_words(query, dict(zip(heads, (before, after), strict=True)), answers, rank_before))
    _column(axis, 0.44, "right", [heads[0], *(f"{t}  {n}" for n, t in enumerate(before, 1))], [t in answers for t in before])
    _column(axis, 0.56, "left", [heads[1], *(f"{n}  {t}" for n, t in enumerate(after, 1))], [t in answers for t in after])
    if below:
        _title(axis, 0.44, last, f"{below[0]}  {rank_before or 'further below'}", "right", good=True)
    places = {title: rank for rank, title in enumerate(before, 1)} | dict.fromkeys(below, last)
    for rank, title in enumerate(after, 1):
        if title in places:
            colour, width = ("#54a24b", 3) if title in answers else ("#bbbbbb", 1)
            axis.plot((0.45, 0.55), (places[title], rank), ls=":" if title in below else "-", color=colour, lw=width)
    axis.set(xlim=(0, 1), ylim=(last + 0.5, -0.6), title=f"“{query}”")
    axis.axis("off")
    return figure


def _column(axis: Axes, x: float, side: Literal["left", "right"], texts: Sequence[str], good: Sequence[bool]) -> None:
    """Write a head and the titles below it, one a rank; ``good`` says which of them answer."""
    axis.text(x, 0, texts[0], ha=side, va="center", fontsize=10, color="#666666")
    for rank, (text, answers) in enumerate(zip(texts[1:], good, strict=True), 1):
        _title(axis, x, rank, text, side, good=answers)


def _results_in_words(query: str, shown: Mapping[str, Sequence[str]], answers: Sequence[str], rank: int | None) -> str:
    """Return what ``search_results`` draws as sentences."""
    lists = [
        f"{head[0].upper()}{head[1:]}: {'; '.join(f'{n} {t}' for n, t in enumerate(ts, 1))}." for head, ts in shown.items()
    ]
    was = f" It was at rank {rank}." if rank else ""
    return f"First results of the search “{query}”. {' '.join(lists)} The answer is: {' or '.join(answers)}.{was}"


def _title(axis: Axes, x: float, rank: int, text: str, side: Literal["left", "right"], *, good: bool) -> None:
    """Write a title at its rank; one that answers is bold and green."""
    weight, colour = ("bold", "#2a7d2a") if good else ("normal", "black")
    axis.text(x, rank, text, ha=side, va="center", fontsize=9, weight=weight, color=colour)
