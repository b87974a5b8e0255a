"""One function a figure; each returns a matplotlib Figure and decides nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from tutorial_lib.training.dev import DEV_METRIC
from tutorial_lib.training.settings import TrainResult

COLOURS = {"bm25": "#8c8c8c", "base": "#4c78a8", "tuned": "#e45756", "hybrid": "#b279a2",
           "positive": "#54a24b", "random": "#4c78a8", "BM25's best wrong one": "#f58518", "first hit": "#4c78a8",
           "kept": "#f58518", "surplus": "#bab0ac", "likely_positive": "#b279a2"}
RANK_BUCKETS = (("1", 1, 1), ("2-3", 2, 3), ("4-10", 4, 10), ("11-100", 11, 100), ("not in 100", 101, np.inf))


def _axes(
    width: float = 7, height: float = 3.4, columns: int = 1, *, rows: int = 1, sharex: bool = False, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey).flat)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _colour(name: str) -> str | None:
    return COLOURS.get(name)


def lengths(words: Mapping[str, Sequence[int]], window: int | None = None) -> Figure:
    """Histogram of text lengths in words, one panel a kind of text; ``window`` marks about what a model reads."""
    figure, axes = _axes(8, 2.8, len(words))
    for axis, (name, values) in zip(axes, words.items(), strict=True):
        top = float(np.percentile(values, 99))
        axis.hist(np.minimum(values, top), bins=40, color="#4c78a8")
        axis.axvline(float(np.median(values)), color="black", lw=1, ls="--", label=f"median {np.median(values):.0f}")
        if window and top > window:
            axis.axvline(window, color="#e45756", lw=1, label=f"window, about {window} words")
        axis.set(title=name, xlabel="words (longest 1 % at the edge)", ylabel="texts")
        axis.legend(frameon=False, fontsize=8)
    return figure


def split_sizes(counts: Mapping[str, int], seen: int) -> Figure:
    """Bar of the queries per split; test is divided into queries whose article was seen in training and not."""
    figure, (axis,) = _axes(7, 1.6)
    left = 0
    parts = [("train", counts["train"], "#4c78a8"), ("dev", counts["dev"], "#f58518"),
             ("test, article seen", seen, "#e45756"), ("test, article unseen", counts["test"] - seen, "#f2a6a6")]
    for name, size, colour in parts:
        axis.barh(0, size, left=left, color=colour, label=f"{name}: {size:,}")
        left += size
    axis.set(yticks=[], xlabel="queries")
    axis.legend(ncols=4, frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def systems(table: pd.DataFrame) -> Figure:
    """Grouped bars: one group a measure, one bar a system (rows of ``table``)."""
    figure, (axis,) = _axes()
    width = 0.8 / len(table)
    for n, (name, row) in enumerate(table.iterrows()):
        bars = axis.bar(np.arange(len(row)) + n * width, row.to_numpy(), width, label=str(name), color=_colour(str(name)))
        axis.bar_label(bars, fmt="%.2f", fontsize=7)
    axis.set_xticks(np.arange(table.shape[1]) + 0.4 - width / 2, list(table.columns))
    axis.set(ylim=(0, 1.08), ylabel="mean over queries")
    axis.legend(frameon=False, ncols=len(table), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def answer_ranks(ranks: Mapping[str, pd.Series]) -> Figure:
    """Share of queries by the rank of their best-placed answer, one bar a system and bucket of ranks."""
    figure, (axis,) = _axes()
    width = 0.8 / len(ranks)
    for n, (name, series) in enumerate(ranks.items()):
        shares = [float(series.between(low, high).mean()) for _, low, high in RANK_BUCKETS]
        bars = axis.bar(np.arange(len(shares)) + n * width, shares, width, label=name, color=_colour(name))
        axis.bar_label(bars, fmt=lambda v: f"{v:.0%}", fontsize=7)
    axis.set_xticks(np.arange(len(RANK_BUCKETS)) + 0.4 - width / 2, [b[0] for b in RANK_BUCKETS])
    axis.set(xlabel="rank of the answer", ylabel="share of queries")
    axis.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axis.legend(frameon=False)
    return figure


def rank_shift(before: pd.Series, after: pd.Series, names: tuple[str, str] = ("base", "tuned")) -> Figure:
    """Table of counts: the bucket of the answer's rank before (rows) against after (columns), same queries."""
    labels = [b[0] for b in RANK_BUCKETS]

    def bucket(ranks: pd.Series) -> np.ndarray:
        return np.array([next(i for i, (_, lo, hi) in enumerate(RANK_BUCKETS) if lo <= r <= hi) for r in ranks])

    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (bucket(before), bucket(after.loc[before.index])), 1)
    figure, (axis,) = _axes(5.5, 3.8)
    shades = np.ones((*counts.shape, 4))
    for (row, column), count in np.ndenumerate(counts):
        colour = COLOURS["positive"] if column < row else COLOURS["tuned"] if column > row else COLOURS["bm25"]
        depth = 0.15 + 0.6 * np.log1p(count) / np.log1p(counts.max()) if count else 0
        shades[row, column] = to_rgba(colour, depth)
        axis.text(column, row, f"{count:,}" if count else "", ha="center", va="center", fontweight="bold", fontsize=9)
    axis.imshow(shades, aspect="auto")
    axis.set_xticks(range(len(labels)), labels)
    axis.set_yticks(range(len(labels)), labels)
    axis.set(xlabel=f"rank with {names[1]}", ylabel=f"rank with {names[0]}",
             title="green: better, red: worse")
    axis.title.set_fontsize(9)
    return figure


def candidate_scores(candidates: pd.DataFrame) -> Figure:
    """Where candidates lie beside their query's positive: BM25 (left) and base model (right), as a share of its score."""
    figure, axes = _axes(9, 3.2, 2)
    usable = candidates[(candidates["bm25_positive"] > 0) & (candidates["model_positive"] > 0)]
    for axis, kind, name in zip(axes, ("bm25", "model"), ("BM25 score", "base model's cosine"), strict=True):
        share = usable[f"{kind}_score"] / usable[f"{kind}_positive"]
        for reason, label in (("surplus", "not needed"), ("kept", "kept as negative"),
                              ("likely_positive", "dropped: likely positive")):
            values = share[usable["reason"] == reason].clip(0, 2)
            if len(values):
                axis.hist(values, bins=np.linspace(0, 2, 61).tolist(), density=True, histtype="step", lw=1.6, label=label,
                          color=_colour(reason))
        axis.axvline(1, color="black", lw=1)
        axis.set(xlabel=f"{name}: candidate / positive", ylabel="density")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def training(result: TrainResult) -> Figure:
    """Training loss (left) and nDCG@10 on the dev pool (right) by step; the checkpoint kept is marked."""
    figure, axes = _axes(9, 3, 2)
    steps, losses = zip(*result.losses, strict=True)
    axes[0].plot(steps, losses, color=COLOURS["base"])
    axes[0].set(xlabel="step", ylabel="loss (InfoNCE)", ylim=(0, None))
    dev_steps, scores = zip(*result.dev, strict=True)
    axes[1].plot(dev_steps, scores, "o-", color=COLOURS["tuned"])
    axes[1].axvline(result.best_step, color="black", lw=1, ls="--", label=f"kept: step {result.best_step}")
    axes[1].set(xlabel="step", ylabel=f"{DEV_METRIC} on the dev pool")
    axes[1].legend(frameon=False)
    return figure


def similarity_shift(pairs: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Histograms of cosines, one panel a model: for each kind of pair (positive, negative, …) its distribution."""
    figure, axes = _axes(9, 3, len(pairs), sharey=True)
    for axis, (model, kinds) in zip(axes, pairs.items(), strict=True):
        for kind, values in kinds.items():
            axis.hist(values, bins=np.linspace(-0.3, 1, 66).tolist(), density=True, alpha=0.55, label=kind,
                      color=_colour(kind))
        axis.set(title=model, xlabel="cosine of query and article")
    axes[0].set_ylabel("density")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def deltas(values: pd.Series, measure: str = "nDCG@10") -> Figure:
    """Every query's change, sorted: what was won (right, up) and what was paid for it (left, down)."""
    figure, (axis,) = _axes(7, 2.8)
    ordered = np.sort(values.to_numpy())
    axis.fill_between(range(len(ordered)), ordered, where=(ordered > 0).tolist(), color="#54a24b", step="mid",
                      label=f"better: {(ordered > 1e-9).sum():,}")
    axis.fill_between(range(len(ordered)), ordered, where=(ordered < 0).tolist(), color="#e45756", step="mid",
                      label=f"worse: {(ordered < -1e-9).sum():,}")
    axis.axhline(0, color="black", lw=0.8)
    axis.set(xlabel="queries, sorted by change", ylabel=f"change in {measure}")
    axis.legend(frameon=False)
    return figure


def slices(table: pd.DataFrame) -> Figure:
    """Forest plot of ``evaluate.slice_table``: difference and 95 % interval a slice; red where significantly worse."""
    figure, (axis,) = _axes(8, 0.8 + 0.26 * len(table))
    for n, (_, row) in enumerate(table.iloc[::-1].iterrows()):
        colour = "#e45756" if row["worse"] else "#4c78a8"
        axis.plot([row["low"], row["high"]], [n, n], color=colour, lw=2)
        axis.plot(row["difference"], n, "o", color=colour)
    names = [f"{r['slice']}: {r['value']} (n={r['queries']:.0f})" for _, r in table.iloc[::-1].iterrows()]
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.axvline(0, color="black", lw=0.8)
    axis.set_xlabel("difference in nDCG@10, tuned - base, with 95 % interval")
    return figure


def recall_at_k(qrels: Mapping[str, Mapping[str, int]], runs: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """Share of queries whose answer is among the first k articles, against k: what a prompt of k articles would hold."""
    from tutorial_lib.evaluation.measures import rank_of_answer

    figure, (axis,) = _axes(7, 3.2)
    ks = np.arange(1, 101)
    for name, run in runs.items():
        ranks = rank_of_answer({q: dict(g) for q, g in qrels.items()}, {q: dict(a) for q, a in run.items()}).to_numpy()
        axis.plot(ks, [(ranks <= k).mean() for k in ks], label=name, color=_colour(name))
    axis.set(xscale="log", xlabel="articles shown, k", ylabel="queries with an answer among them")
    axis.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    axis.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axis.legend(frameon=False)
    return figure


def low_rank(singular_values: Mapping[str, Sequence[float]]) -> Figure:
    """Singular values of each adapted layer's update, largest first: how much of the adapter's rank is used."""
    figure, (axis,) = _axes(7, 2.8)
    for values in singular_values.values():
        axis.plot(range(1, len(values) + 1), values, color=COLOURS["base"], alpha=0.35, lw=1)
    axis.set(xlabel="singular value, largest first", ylabel="size", ylim=(0, None))
    return figure


def search_results(query: str, before: Sequence[str], after: Sequence[str], answers: Sequence[str]) -> Figure:
    """The first articles of one search before and after, by title; lines join what is in both, answers are green.

    Args:
        query: The search.
        before: Titles by rank, best first.
        after: Titles by rank, best first, as many.
        answers: Titles that answer the query.
    """
    figure, (axis,) = _axes(10, 0.45 * max(len(before), len(after)) + 1)
    for side, titles in enumerate((before, after)):
        for rank, title in enumerate(titles, 1):
            good = title in answers
            axis.text(1.012 if side else 0.998, rank, f"{rank}  {title}" if side else f"{title}  {rank}",
                      ha="left" if side else "right", va="center", fontsize=9, weight="bold" if good else "normal",
                      color="#2a7d2a" if good else "black")
    for rank, title in enumerate(before, 1):
        if title in after:
            good = title in answers
            axis.plot((1, 1.01), (rank, list(after).index(title) + 1), color="#54a24b" if good else "#bbbbbb",
                      lw=3 if good else 1)
    for title in set(answers) & set(after) - set(before):  # it came from further below
        axis.plot((1, 1.01), (len(before) + 0.8, list(after).index(title) + 1), color="#54a24b", lw=3, ls=":")
    axis.set(xlim=(0.96, 1.05), ylim=(len(before) + 0.9, 0.2), title=f"“{query}”")
    axis.axis("off")
    return figure


def queries_over_time(created_at: Mapping[str, Sequence[str]]) -> Figure:
    """Stacked bars: queries a month, one colour a split; times in ISO 8601."""
    figure, (axis,) = _axes(8, 2.6)
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


def review_curve(curve: pd.DataFrame) -> Figure:
    """Precision and recall of the noise filter against the share of pairs reviewed, most suspicious first."""
    figure, (axis,) = _axes(7, 3)
    axis.plot(curve["share"], curve["recall"], color="#4c78a8", label="recall: wrong pairs found")
    axis.plot(curve["share"], curve["precision"], color="#f58518", label="precision: reviewed pairs that are wrong")
    axis.axhline(float(curve["precision"].iloc[-1]), color="#8c8c8c", ls="--", lw=1, label="precision of reading at random")
    axis.set(xlabel="share of the pairs reviewed, most suspicious first", ylim=(0, 1.02), xlim=(0, 1))
    axis.legend(frameon=False, fontsize=8)
    return figure


def training_curves(rows: pd.DataFrame, base: float, *, xlabel: str, log: bool = False) -> Figure:
    """Mean and range over seeds of a measure against what was varied, one line a variant, the untrained model as a line.

    Args:
        rows: Columns x, variant, value; one row a run.
        base: The base model's value.
        xlabel: What x is.
        log: Logarithmic x axis.
    """
    figure, (axis,) = _axes(7, 3.2)
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
    axis.set(xlabel=xlabel, ylabel="nDCG@10 on golden")
    axis.legend(frameon=False, fontsize=8)
    return figure


def ablations(rows: pd.DataFrame, groups: Sequence[str]) -> Figure:
    """Dots: dev nDCG@10 of every run, one row a setting by its numbers, one colour a group of settings, one panel a dataset.

    Args:
        rows: Columns dataset, group, setting, value; one row a run. A line marks the values of the group "defaults".
        groups: Groups to show, top to bottom.
    """
    def numbers(setting: str) -> list[float]:
        return [float(n) for n in re.findall(r"[\d.]+", setting)]

    shown = [(g, s) for g in groups for s in sorted(rows.loc[rows["group"] == g, "setting"].unique(), key=numbers)]
    datasets = list(rows["dataset"].unique())
    figure, axes = _axes(4 + 4 * len(datasets), 0.24 * len(shown) + 0.8, len(datasets), sharey=True)
    colours = dict(zip(groups, ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#8c8c8c",
                                  "#d67195"), strict=False))
    for axis, dataset in zip(axes, datasets, strict=True):
        runs = rows[rows["dataset"] == dataset]
        for place, (group, setting) in enumerate(shown):
            values = runs.loc[(runs["group"] == group) & (runs["setting"] == setting), "value"]
            axis.plot(values, [place] * len(values), "o", color=colours[group], alpha=0.8)
        for value in runs.loc[runs["group"] == "defaults", "value"]:
            axis.axvline(value, color="#bbbbbb", linewidth=1, zorder=0)
        axis.set(xlabel="nDCG@10 on dev", title=dataset)
        axis.grid(axis="y", color="#eeeeee")
    axes[0].set_yticks(range(len(shown)), [s for _, s in shown], fontsize=8)
    axes[0].set_ylim(len(shown) - 0.5, -0.5)
    return figure


def broken_runs(losses: Mapping[str, Sequence[tuple[int, float]]], dev: Mapping[str, float]) -> Figure:
    """Left: loss by step, one line a run. Right: what dev says of each at its end."""
    figure, (left, right) = _axes(9, 3, 2)
    colours = ("#54a24b", "#e45756", "#4c78a8", "#f58518")
    for (name, points), colour in zip(losses.items(), colours, strict=False):
        left.plot(*zip(*points, strict=True), color=colour, marker=".", label=name)
    left.set(xlabel="step", ylabel="loss", yscale="log")
    left.legend(frameon=False, fontsize=8)
    right.barh(list(dev), list(dev.values()), color=colours[: len(dev)])
    right.invert_yaxis()
    right.set(xlabel="nDCG@10 on the dev pool", xlim=(0, 1))
    return figure


def ways_of_training(rows: pd.DataFrame) -> Figure:
    """Gain over the base model on test against minutes of training, one panel a dataset, one dot a run.

    Args:
        rows: Columns dataset, system, above (difference to the base model), seconds, trainable; one row a run.
    """
    trained = rows[rows["trainable"] > 0]
    datasets = list(trained["dataset"].unique())
    figure, axes = _axes(9, 3.4, len(datasets), sharey=True)
    for axis, dataset in zip(axes, datasets, strict=True):
        part = trained[trained["dataset"] == dataset]
        for (system, group), colour in zip(part.groupby("system", sort=False), ("#e45756", "#54a24b", "#4c78a8", "#f58518",
                                                                                "#b279a2"), strict=False):
            axis.plot(group["seconds"] / 60, group["above"], "o", color=colour, label=str(system))
        axis.axhline(0, color="#8c8c8c", ls="--", lw=1)
        axis.set(title=dataset, xlabel="minutes of training")
    axes[0].set_ylabel("nDCG@10 above the base model")
    axes[-1].legend(frameon=False, fontsize=8)
    return figure


def dimensions(scores: Mapping[str, Mapping[str, Mapping[int, float]]]) -> Figure:
    """Measure against how many numbers of each vector are kept, one panel a dataset, one line a way of training.

    Args:
        scores: By dataset, way of training, and numbers kept: nDCG@10 on dev.
    """
    figure, axes = _axes(9, 3, len(scores))
    for axis, (dataset, ways) in zip(axes, scores.items(), strict=True):
        for (name, by_size), colour in zip(ways.items(), ("#4c78a8", "#e45756", "#8c8c8c"), strict=False):
            axis.plot(list(by_size), list(by_size.values()), color=colour, marker="o", label=name)
        sizes = sorted({size for by_size in ways.values() for size in by_size})
        axis.set_xscale("log", base=2)
        axis.set_xticks(sizes, [str(s) for s in sizes])
        axis.set(title=dataset, xlabel="numbers kept of each vector")
    axes[0].set_ylabel("nDCG@10 on dev")
    axes[-1].legend(frameon=False)
    return figure


def _plain_log_ticks(axis: Axis) -> None:
    """Label a logarithmic axis at 1 and 3 of each power of ten, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter(NullFormatter())


def index_choices(rows: pd.DataFrame) -> Figure:
    """Recall of every way to store and search vectors against what it keeps (left) and what a query takes (right).

    Args:
        rows: Columns way, engine, rescored (candidates, 0 for none), recall@10, mb_per_1000_articles, ms_median; one row a
            way. The ways of one name have one colour, those of one engine one shape; a rescored one is filled.
    """
    figure, axes = _axes(11, 4.2, 2, sharey=True)
    colours = {way: colormaps["tab10"](n) for n, way in enumerate(rows["way"].unique())}
    shapes = dict(zip(rows["engine"].unique(), "os^", strict=False))
    for axis, column, label in zip(axes, ("mb_per_1000_articles", "ms_median"), ("MB per 1,000 articles", "ms a query"),
                                   strict=True):
        for _, row in rows.iterrows():
            filled = row["rescored"] or row["way"].endswith("float32")
            axis.plot(row[column], row["recall@10"], shapes[row["engine"]], color=colours[row["way"]],
                      markerfacecolor=colours[row["way"]] if filled else "white", markersize=8)
        axis.set(xscale="log", xlabel=label)
        _plain_log_ticks(axis.xaxis)
        axis.grid(color="#eeeeee")
    axes[0].set_ylabel("recall@10 against exact search")
    for way, colour in colours.items():
        axes[1].plot([], [], "o", color=colour, label=way)
    for engine, shape in shapes.items():
        axes[1].plot([], [], shape, color="#8c8c8c", label=engine)
    axes[1].plot([], [], "o", color="#8c8c8c", markerfacecolor="white", label="not rescored")
    axes[1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def growth(rows: pd.DataFrame, slopes: Mapping[str, float]) -> Figure:
    """Log-log curves against the number of articles: seconds, milliseconds a search, file size, memory; slopes in the legend.

    Args:
        rows: Columns articles, build_seconds, evaluate_seconds, search_ms_p50, search_ms_p99, file_mb, peak_mb,
            evaluate_peak_mb; NaN, or no column, where nothing was measured.
        slopes: Column -> slope.
    """
    panels = {"seconds": {"build_seconds": "build", "evaluate_seconds": "evaluate"},
              "ms a search": {"search_ms_p50": "median", "search_ms_p99": "99 %"},
              "MB on disk": {"file_mb": "index"},
              "MB of memory at the peak": {"peak_mb": "build and search", "evaluate_peak_mb": "evaluate"}}
    figure, axes = _axes(12, 3.2, len(panels))
    for axis, (label, curves) in zip(axes, panels.items(), strict=True):
        for (column, name), colour in zip(curves.items(), ("#e45756", "#4c78a8"), strict=False):
            if column in rows:
                slope = f", slope {slopes[column]:.2f}" if column in slopes else ""
                axis.plot(rows["articles"], rows[column], "o-", color=colour, label=name + slope)
        axis.set(xscale="log", yscale="log", xlabel="articles", ylabel=label)
        axis.margins(y=0.2)  # room for the legend
        _plain_log_ticks(axis.yaxis)
        axis.legend(frameon=False, fontsize=8)
    return figure


def cut_offs(hits: Mapping[str, pd.DataFrame], thresholds: Mapping[str, float]) -> Figure:
    """Scores of right and of wrong first hits, one panel a model on one scale, with the score below which none is shown.

    Args:
        hits: Model -> ``calibration.first_hits``.
        thresholds: Model -> lowest score that is shown.
    """
    figure, axes = _axes(8, 1.9 * len(hits) + 0.4, 1, rows=len(hits), sharex=True)
    scores = np.concatenate([table["score"] for table in hits.values()])
    bins = np.linspace(scores.min(), scores.max(), 41).tolist()
    for axis, (model, table) in zip(axes, hits.items(), strict=True):
        for name, chosen, colour in (("the answer", table["right"], COLOURS["positive"]),
                                     ("wrong, the answer is elsewhere", ~table["right"] & table["in_index"], "#f58518"),
                                     ("wrong, there is no answer", ~table["in_index"], COLOURS["tuned"])):
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
    figure, (axis,) = _axes(9, 0.7 + 0.5 * len(titles))
    for row, (title, colour) in enumerate(zip(titles, ("#4c78a8", "#e45756"), strict=False)):
        times = [at for at, first in zip(seconds, firsts, strict=True) if first == title]
        axis.plot(times, [row] * len(times), "|", color=colour, markersize=14)
    axis.set(yticks=range(len(titles)), yticklabels=titles, ylim=(len(titles) - 0.4, -0.6), xlabel="seconds",
             title=f"first article for {query!r}, one mark an answer")
    return figure
