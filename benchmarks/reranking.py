"""What does late interaction over a shortlist gain, by depth, and what does it cost a query?

    python -m benchmarks.reranking --data aws_docs=FOLDER support_desk=FOLDER --out benchmarks/results/reranking.json
        [--workspace support_desk=FOLDER …] [--depths 5 10 20 30 50 100] [--factors 1 2 3 4] [--queries N] [--only base tuned]

FOLDER after ``--data`` is a prepared BEIR folder, such as ``benchmarks.collections`` writes. Each collection is ranked by the
base model, with the window that dev chooses; and by the fine-tuned model of its ``--workspace``, if one is given. MaxSim's
share is chosen on dev at a depth of 30, or 0.5 where dev is too small. ``--queries`` takes a random draw of so many dev and
test queries: token vectors are made of every article in a shortlist, which on a large collection is most of them.

A row is a collection, a model and a depth: nDCG@10 on test before and after, the gain with its 95 % interval, queries won and
lost, and milliseconds a query for encoding it alone ("encode_ms") and for MaxSim beside that ("maxsim_ms": articles' token
vectors are there; medians, one thread). Rows are added as they come, and a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.quality import Collection
from benchmarks.rows import Rows
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.models.token_vectors import token_vectors
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import reranked
from tutorial_lib.retrieval.runs import Run

DEPTHS = (5, 10, 20, 30, 50, 100)
TIMED = 50
"""So many queries are timed, each alone."""

Scores = dict[str, dict[str, float]]


def drawn(dataset: RetrievalDataset, queries: int) -> RetrievalDataset:
    """Return the dataset with a random draw of so many dev and of so many test queries; 0 keeps all."""
    if not queries:
        return dataset
    qrels = dict(dataset.qrels)
    for split in ("dev", "test"):
        ids = sorted(qrels[split])
        kept = np.random.default_rng(0).permutation(ids)[:queries].tolist()
        qrels[split] = {q: qrels[split][q] for q in sorted(kept)}
    return replace(dataset, qrels=qrels)


def shallower(scores: Scores, run: Run, depth: int) -> Scores:
    """Return the scores of the first ``depth`` documents of each query.

    >>> shallower({"q": {"a": 0.5, "b": 0.7}}, {"q": {"a": 0.9, "b": 0.8}}, 1)
    {'q': {'a': 0.5}}
    """
    return {q: {a: scores[q][a] for a in list(found)[:depth]} for q, found in run.items()}


def milliseconds(
    late: LateInteraction, dataset: RetrievalDataset, run: Run, depths: list[int]
) -> tuple[float, dict[int, float]]:
    """Return what encoding a query takes, and by depth MaxSim beside it: medians over queries, in ms."""
    queries = list(dataset.query_texts("test").items())[:TIMED]
    encode: list[float] = []
    maxsim: dict[int, list[float]] = {depth: [] for depth in depths}
    for q, text in queries:
        started = time.perf_counter()
        (tokens,) = token_vectors(late.encoder, [text], late.encoder.settings.query_prompt)
        encode.append(time.perf_counter() - started)
        for depth in depths:
            started = time.perf_counter()
            late.compare(tokens, list(run[q])[:depth])
            maxsim[depth].append(time.perf_counter() - started)
    return 1000 * median(encode), {depth: 1000 * median(each) for depth, each in maxsim.items()}


def rows_of(
    name: str, model: str, dataset: RetrievalDataset, encoder: Encoder, depths: list[int], factor: int = 1
) -> list[dict[str, Any]]:
    """Return a row a depth of one model on one collection, with ``factor`` times fewer token vectors."""
    vectors = Vectors.of(dataset, encoder, ["dev", "test"])
    late = LateInteraction(encoder, dataset.document_texts(), factor=factor)
    dev, test = (dense_run(dataset, vectors, split, k=max(100, *depths)) for split in ("dev", "test"))
    weight = choose_weight(dataset, dev, late.maxsim(dataset.query_texts("dev"), dev))
    scores = late.maxsim(dataset.query_texts("test"), test, depth=max(depths))
    encode, maxsim = milliseconds(late, dataset, test, depths)
    rows = []
    for depth in depths:
        after = reranked(test, shallower(scores, test, depth), weight)
        comparison = compare(dataset.qrels["test"], {"before": test, "after": after}, "before", "after")
        rows.append(
            {
                "dataset": name,
                "model": model,
                "depth": depth,
                "factor": factor,
                "weight": weight,
                **vars(comparison.main),
                **comparison.outcome(),
                "encode_ms": encode,
                "maxsim_ms": maxsim[depth],
                "megabytes": late.megabytes,
                "window": encoder.settings.max_length,
            }
        )
    return rows


def main() -> None:
    """Run what the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--workspace", nargs="*", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--depths", type=int, nargs="+", default=list(DEPTHS))
    parser.add_argument("--factors", type=int, nargs="+", default=[1])
    parser.add_argument("--queries", type=int, default=0, help="a random draw of so many dev and test queries; 0: all")
    parser.add_argument("--only", nargs="+", choices=("base", "tuned"), default=["base", "tuned"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    tuned = dict(w.split("=", 1) for w in options.workspace)
    for name, folder in (d.split("=", 1) for d in options.data):
        home = Collection(name, Path(folder), DEFAULT_MODEL)
        dataset = drawn(home.dataset, options.queries)
        for model, factor in itertools.product(options.only, options.factors):
            command = f"python -m benchmarks.reranking --data {name}=FOLDER … --queries {options.queries}"
            rows = Rows(options.out, command)  # another process may be adding rows of its own
            if (model == "tuned" and name not in tuned) or {"dataset": name, "model": model, "factor": factor} in rows:
                continue
            encoder = home.base if model == "base" else Encoder.load(Path(tuned[name], "model"))
            made = rows_of(name, model, dataset, encoder, options.depths, factor)
            rows.add(*made)
            for row in made:
                print(
                    f"{name} {model} depth {row['depth']:3}: {MAIN_MEASURE} {row['before']:.3f} -> {row['after']:.3f} "
                    f"({row['low']:+.3f} to {row['high']:+.3f}), {row['maxsim_ms']:.1f} ms beside {row['encode_ms']:.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
