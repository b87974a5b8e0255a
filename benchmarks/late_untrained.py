"""What does late interaction give where nothing is trained? The honest baseline, moved up, over collections.

    python -m benchmarks.late_untrained --data aws_docs=FOLDER ansible=FOLDER … --out benchmarks/results/late_untrained.json
        [--queries 300] [--articles 2500]

FOLDER is a prepared BEIR folder, such as ``benchmarks.collections`` writes. Keyword search, the base model and both fused
(each with the settings that dev chose) are ranked again by MaxSim of the base model's token vectors over their first 30, with
the share that dev chooses. ``--queries`` draws so many of each split; ``--articles`` keeps those judged for them and a draw
of the others, so many in all: what is left is easier than the whole, for every system.

A row is a collection: nDCG@10 on dev and test of each ranking with and without, which of the three dev takes ("untrained"),
which of the six ("untrained+late"), and the differences on test with 95 % intervals. Rows are added as they come, and a
second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.rows import Rows
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import SPLITS, RetrievalDataset
from tutorial_lib.evaluation.choose import choose_settings, choose_share, choose_weight
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.systems import keyword_run
from tutorial_lib.retrieval.untrained import ROWS, rankings


def capped(dataset: RetrievalDataset, queries: int, articles: int) -> RetrievalDataset:
    """Return the dataset with a draw of so many queries of each split, and so many articles, all judged ones among them."""
    draw = np.random.default_rng(0)
    kept = {q for s in SPLITS for q in draw.permutation(sorted(dataset.qrels[s]))[: queries or None].tolist()}
    judged = {a for s in SPLITS for q, grades in dataset.qrels[s].items() if q in kept for a in grades}
    others = sorted(set(dataset.corpus) - judged)
    most = max(0, articles - len(judged)) if articles else len(others)
    return dataset.restrict(documents=judged | set(draw.permutation(others)[:most].tolist()), queries=kept)


def runs_of(dataset: RetrievalDataset, encoder: Encoder, bm25: BM25) -> dict[str, dict[str, dict[str, Run]]]:
    """Return the runs of every ranking that needs no training: with or without late interaction -> name -> split -> run."""
    vectors = Vectors.of(dataset, encoder, ["dev", "test"])
    late = LateInteraction(encoder, dataset.document_texts())
    parts = {split: (keyword_run(dataset, bm25, split), dense_run(dataset, vectors, split)) for split in ("dev", "test")}
    share = choose_share(dataset, *parts["dev"])
    by_split = {split: rankings(*runs, share) for split, runs in parts.items()}
    plain = {name: {split: runs[name] for split, runs in by_split.items()} for name in ROWS}
    again: dict[str, dict[str, Run]] = {}
    for name, runs in plain.items():
        scores = {split: late.maxsim(dataset.query_texts(split), run) for split, run in runs.items()}
        weight = choose_weight(dataset, runs["dev"], scores["dev"])
        again[f"{name}+late"] = {split: reranked(run, scores[split], weight) for split, run in runs.items()}
    return {"plain": plain, "again": again}


def row_of(name: str, whole: RetrievalDataset, queries: int, articles: int) -> dict[str, Any]:
    """Return the row of a collection."""
    dataset = capped(whole, queries, articles)
    encoder = Encoder.load()
    settings = choose_settings(dataset, encoder)
    encoder = encoder.with_window(settings.window) if settings.window else encoder
    made = runs_of(dataset, encoder, BM25(dataset.document_texts(), settings.bm25))
    every = {**made["plain"], **made["again"]}
    means = {
        split: {n: evaluate_run(dataset.qrels[split], runs[split])[MAIN_MEASURE] for n, runs in every.items()}
        for split in ("dev", "test")
    }
    untrained = max(made["plain"], key=lambda n: means["dev"][n])
    again = max(every, key=lambda n: means["dev"][n])
    test = {n: runs["test"] for n, runs in every.items()}
    pairs = {"base": ("base", "base+late"), "untrained": (untrained, again)}
    return {
        "dataset": name,
        "articles": len(dataset.corpus),
        "of": len(whole.corpus),
        "queries": {s: len(dataset.qrels[s]) for s in SPLITS},
        "settings": asdict(settings),
        "untrained": untrained,
        "untrained+late": again,
        **means,
        "differences": {n: vars(compare(dataset.qrels["test"], test, *pair).main) for n, pair in pairs.items()},
    }


def main() -> None:
    """Write the rows that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=0, help="a draw of so many of each split; 0: all")
    parser.add_argument("--articles", type=int, default=0, help="so many, judged ones first; 0: all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    command = f"python -m benchmarks.late_untrained --queries {options.queries} --articles {options.articles}"
    made = Rows(options.out, command)
    for name, folder in made.missing(options.data):
        row = row_of(name, read_beir(folder), options.queries, options.articles)
        made.add(row)
        gains = ", ".join(
            f"{n} {d['before']:.3f} -> {d['after']:.3f} ({d['low']:+.3f} to {d['high']:+.3f})"
            for n, d in row["differences"].items()
        )
        print(f"{name}: {gains}; dev takes {row['untrained+late']}", flush=True)


if __name__ == "__main__":
    main()
