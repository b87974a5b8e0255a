"""Figures of mining and training (chapters 03 and 04)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib.plots.style import COLOURS, MEASURE, colour_of, new_axes, told

GROUP_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#8c8c8c", "#d67195")
"""Colours of groups of settings, in turn."""


@told
def candidate_scores(candidates: pd.DataFrame) -> Figure:
    """Where candidates lie beside their query's positive: BM25 (left) and base model (right), as a share of its score."""
    figure, axes = new_axes(9, 3.2, 2)
    usable = candidates[(candidates["bm25_positive"] > 0) & (candidates["model_positive"] > 0)]
    for axis, kind, name in zip(axes, ("bm25", "model"), ("BM25 score", "base model's cosine"), strict=True):
        share = usable[f"{kind}_score"] / usable[f"{kind}_positive"]
        for reason, label in (
            ("surplus", "not needed"),
            ("kept", "kept as negative"),
            ("likely_positive", "dropped: likely positive"),
        ):
            values = share[usable["reason"] == reason].clip(0, 2)
            if len(values):
                axis.hist(
                    values,
                    bins=np.linspace(0, 2, 61).tolist(),
                    density=True,
                    histtype="step",
                    lw=1.6,
                    label=label,
                    color=colour_of(reason),
                )
        axis.axvline(1, color="black", lw=1)
        axis.set(xlabel=f"{name}: candidate / positive", ylabel="density")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


class Curves(Protocol):
    """What ``training`` draws; ``training.settings.TrainResult`` is one."""

    @property
    def losses(self) -> Sequence[tuple[int, float]]:
        """(step, loss)."""
        ...

    @property
    def dev(self) -> Sequence[tuple[int, float]]:
        """(step, measure on the dev pool)."""
        ...

    @property
    def best_step(self) -> int:
        """Step of the checkpoint kept."""
        ...


@told
def training(result: Curves) -> Figure:
    """Training loss (left) and nDCG@10 on the dev pool (right) by step; the checkpoint kept is marked."""
    figure, axes = new_axes(9, 3, 2)
    steps, losses = zip(*result.losses, strict=True)
    axes[0].plot(steps, losses, color=COLOURS["base"])
    axes[0].set(xlabel="step", ylabel="loss (InfoNCE)", ylim=(0, None))
    dev_steps, scores = zip(*result.dev, strict=True)
    axes[1].plot(dev_steps, scores, "o-", color=COLOURS["tuned"])
    axes[1].axvline(result.best_step, color="black", lw=1, ls="--", label=f"kept: step {result.best_step}")
    axes[1].set(xlabel="step", ylabel=f"{MEASURE} on the dev pool")
    axes[1].legend(frameon=False)
    return figure


@told
def similarity_shift(pairs: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Histograms of cosines, one panel a model: for each kind of pair (positive, negative, …) its distribution."""
    figure, axes = new_axes(9, 3, len(pairs), sharey=True)
    for axis, (model, kinds) in zip(axes, pairs.items(), strict=True):
        for kind, values in kinds.items():
            bins = np.linspace(-0.3, 1, 66).tolist()
            axis.hist(values, bins=bins, density=True, histtype="step", lw=1.6, label=kind, color=colour_of(kind))
        axis.set(title=model, xlabel="cosine of query and article")
    axes[0].set_ylabel("density")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


@told
def low_rank(singular_values: Mapping[str, Sequence[float]]) -> Figure:
    """Singular values of each adapted layer's update, largest first: how much of the adapter's rank is used."""
    figure, (axis,) = new_axes(7, 2.8)
    for values in singular_values.values():
        axis.plot(range(1, len(values) + 1), values, color=COLOURS["base"], alpha=0.35, lw=1)
    axis.set(xlabel="singular value, largest first", ylabel="size", ylim=(0, None))
    return figure


@told
def training_curves(rows: pd.DataFrame, base: float, *, xlabel: str, log: bool = False) -> Figure:
    """Mean and range over seeds of a measure against what was varied, one line a variant, the untrained model as a line.

    Args:
        rows: Columns x, variant, value; one row a run.
        base: The base model's value.
        xlabel: What x is.
        log: Logarithmic x axis.
    """
    figure, (axis,) = new_axes(7, 3.2)
    for (variant, group), colour in zip(rows.groupby("variant", sort=False), ("#e45756", "#54a24b", "#4c78a8"), strict=False):
        spread = group.groupby("x")["value"].agg(["mean", "min", "max"])
        axis.plot(spread.index, spread["mean"], color=colour, marker="o", label=str(variant))
        axis.fill_between(spread.index.to_numpy(), spread["min"], spread["max"], color=colour, alpha=0.2, lw=0)
    axis.axhline(base, color="#8c8c8c", ls="--", lw=1, label=f"base model {base:.2f}")
    if log:
        axis.set_xscale("log")
        ticks = sorted(rows["x"].unique())
        axis.set_xticks(ticks, [f"{int(t):,}" for t in ticks])
        axis.minorticks_off()
    axis.set(xlabel=xlabel, ylabel=f"{MEASURE} on golden")
    axis.legend(frameon=False, fontsize=8)
    return figure


@told
def ablations(rows: pd.DataFrame, groups: Sequence[str]) -> Figure:
    """Dots: dev nDCG@10 of every run, one row a setting by its numbers, one colour a group of settings, one panel a dataset.

    Args:
        rows: Columns dataset, group, setting, value; one row a run. The runs of the group "defaults" are drawn through all
            rows, their mean as a line and their range as a band: a dot inside the band is no different.
        groups: Groups to show, top to bottom.
    """
    shown = _settings_by_group(rows, groups)
    datasets = list(rows["dataset"].unique())
    figure, axes = new_axes(3 + 3 * len(datasets), 0.24 * len(shown) + 0.8, len(datasets), sharey=True)
    colours = dict(zip(groups, GROUP_COLOURS, strict=False))
    for axis, dataset in zip(axes, datasets, strict=True):
        runs = rows[rows["dataset"] == dataset]
        for place, (group, setting) in enumerate(shown):
            values = runs.loc[(runs["group"] == group) & (runs["setting"] == setting), "value"]
            axis.plot(values, [place] * len(values), "o", color=colours[group], alpha=0.8)
        defaults = runs.loc[runs["group"] == "defaults", "value"]
        if len(defaults):
            axis.axvspan(defaults.min(), defaults.max(), color="#eeeeee", zorder=0)
            axis.axvline(defaults.mean(), color="#bbbbbb", linewidth=1, zorder=0)
        axis.set(xlabel=f"{MEASURE} on dev", title=dataset)
        axis.grid(axis="y", color="#eeeeee")
    axes[0].set_yticks(range(len(shown)), [s for _, s in shown], fontsize=8)
    axes[0].set_ylim(len(shown) - 0.5, -0.5)
    return figure


def _settings_by_group(rows: pd.DataFrame, groups: Sequence[str]) -> list[tuple[str, str]]:
    """Return every (group, setting), groups as given, settings by their numbers."""
    return [(g, s) for g in groups for s in sorted(rows.loc[rows["group"] == g, "setting"].unique(), key=_numbers)]


def _numbers(setting: str) -> list[float]:
    """Return the numbers in a text, in order: "rank 16" goes after "rank 4"."""
    return [float(n) for n in re.findall(r"[\d.]+", setting)]


@told
def broken_runs(losses: Mapping[str, Sequence[tuple[int, float]]], dev: Mapping[str, float]) -> Figure:
    """Left: loss by step, one line a run. Right: what dev says of each at its end."""
    figure, (left, right) = new_axes(9, 3, 2)
    colours = ("#54a24b", "#e45756", "#4c78a8", "#f58518")
    for (name, points), colour in zip(losses.items(), colours, strict=False):
        left.plot(*zip(*points, strict=True), color=colour, marker=".", label=name)
    left.set(xlabel="step", ylabel="loss", yscale="log")
    left.legend(frameon=False, fontsize=8)
    right.barh(list(dev), list(dev.values()), color=colours[: len(dev)])
    right.invert_yaxis()
    right.set(xlabel=f"{MEASURE} on the dev pool", xlim=(0, 1))
    return figure


@told
def ways_of_training(rows: pd.DataFrame) -> Figure:
    """Gain over the base model on test against minutes of training, one panel a dataset, one dot a run.

    Args:
        rows: Columns dataset, system, above (difference to the base model), seconds, trainable; one row a run.
    """
    trained = rows[rows["trainable"] > 0]
    datasets = list(trained["dataset"].unique())
    figure, axes = new_axes(9, 3.4, len(datasets), sharey=True)
    for axis, dataset in zip(axes, datasets, strict=True):
        part = trained[trained["dataset"] == dataset]
        for (system, group), colour in zip(
            part.groupby("system", sort=False), ("#e45756", "#54a24b", "#4c78a8", "#f58518", "#b279a2"), strict=False
        ):
            axis.plot(group["seconds"] / 60, group["above"], "o", color=colour, label=str(system))
        axis.axhline(0, color="#8c8c8c", ls="--", lw=1)
        axis.set(title=dataset, xlabel="minutes of training")
    axes[0].set_ylabel(f"{MEASURE} above the base model")
    axes[-1].legend(frameon=False, fontsize=8)
    return figure


@told
def dimensions(scores: Mapping[str, Mapping[str, Mapping[int, float]]]) -> Figure:
    """Measure against how many numbers of each vector are kept, one panel a dataset, one line a way of training.

    Args:
        scores: By dataset, way of training, and numbers kept: nDCG@10 on dev.
    """
    figure, axes = new_axes(9, 3, len(scores))
    for axis, (dataset, ways) in zip(axes, scores.items(), strict=True):
        for (name, by_size), colour in zip(ways.items(), ("#4c78a8", "#e45756", "#8c8c8c"), strict=False):
            axis.plot(list(by_size), list(by_size.values()), color=colour, marker="o", label=name)
        sizes = sorted({size for by_size in ways.values() for size in by_size})
        axis.set_xscale("log", base=2)
        axis.set_xticks(sizes, [str(s) for s in sizes])
        axis.set(title=dataset, xlabel="numbers kept of each vector")
    axes[0].set_ylabel(f"{MEASURE} on dev")
    axes[-1].legend(frameon=False)
    return figure


@told
def training_memory(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Memory at the peak of trainings, GB above what was taken before they began: a bar a system, the mean of its runs.

    Args:
        rows: Runs of ``benchmarks.training``: "system", "peak_mb" and "before_mb".
    """
    taken = pd.DataFrame(list(rows))
    means = ((taken["peak_mb"] - taken["before_mb"]) / 1000).groupby(taken["system"], sort=False).mean()
    figure, (axis,) = new_axes(7, 0.5 + 0.5 * len(means))
    bars = axis.barh(list(means.index)[::-1], means.to_list()[::-1], color=COLOURS["tuned"])
    axis.bar_label(bars, fmt="%.1f", padding=3)
    axis.set(xlabel="GB at the peak, above what was taken before", xlim=(0, 1.15 * means.max()))
    return figure
