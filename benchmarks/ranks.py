"""Who is ahead over many collections? ``python -m benchmarks.ranks RECORD [--shipped] [--figure FILE]``.

RECORD is from ``quality systems``.

Of every system: its gain over the best without training (test nDCG@10, mean over seeds) on each collection, how far it lies
below the best system there, and its mean rank; 1 is best, equal ones share the mean of their places. With ``--shipped`` a
system is what dev makes of it: the model alone, fused with keyword search, or what needs no training.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from tutorial_lib.evaluation.measures import MAIN_MEASURE

UNTRAINED = "untrained"


def gains(rows: list[dict[str, Any]], *, shipped: bool = False) -> pd.DataFrame:
    """Return the gain over ``untrained`` by collection (rows) and trained system (columns), means over seeds.

    Only collections that have rows of ``untrained`` are taken; a system that was not run on one is NaN there.

    Args:
        rows: Of ``benchmarks.quality``.
        shipped: Score what dev would ship of each trained model, not the model alone.
    """
    if shipped:
        rows = [{**r, "measures": r.get("shipped", r["measures"])} for r in rows if "shipped" in r or not r["trainable"]]
    named = [(r["dataset"] + (f", {r['train_queries']}" if r["train_queries"] else ""), r) for r in rows]
    scores = pd.DataFrame([{"collection": n, "system": r["system"], "score": r["measures"][MAIN_MEASURE]} for n, r in named])
    table = scores.pivot_table(index="collection", columns="system", values="score", sort=False).dropna(subset=[UNTRAINED])
    trained = [s for s in table if any(r["trainable"] for r in rows if r["system"] == s)]
    return table[trained].sub(table[UNTRAINED], axis=0)


def mean_ranks(table: pd.DataFrame) -> pd.DataFrame:
    """Return for each system its mean rank and how far it lies below the best at most, where all were run."""
    whole = table.dropna()
    below = whole.sub(whole.max(axis=1), axis=0).min()
    ranks = whole.rank(axis=1, ascending=False).mean()
    summary = pd.DataFrame({"mean rank": ranks, "furthest below the best": below, "least gain": whole.min()})
    return summary.assign(collections=len(whole)).sort_values("mean rank")


def draw(table: pd.DataFrame, file: Path) -> None:
    """Draw the gains, a row a collection and a colour a system."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 1 + 0.45 * len(table)), dpi=144)
    for system in table:
        axes.plot(table[system], range(len(table)), "o", alpha=0.7, label=system)
    axes.axvline(0, color="grey", linewidth=1)
    axes.set_yticks(range(len(table)), table.index)
    axes.set_xlabel(f"{MAIN_MEASURE} above the best without training")
    axes.legend(loc="best", fontsize=8)
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("--shipped", action="store_true", help="score what dev ships of each model")
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    table = gains(json.loads(options.record.read_text())["rows"], shipped=options.shipped)
    print(table.round(3).to_string(), mean_ranks(table).round(3).to_string(), sep="\n\n")
    if options.figure:
        draw(table, options.figure)


if __name__ == "__main__":
    main()
