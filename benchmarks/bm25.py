"""How fast is BM25? Ours against rank-bm25's loop (whose scores it must equal) and against bm25s (the fastest peer).

    python -m benchmarks.bm25 --data workspace/aws_docs/dataset --out benchmarks/results/bm25.json [--repeats 3]

Everything is timed from query texts on, tokens included, in one process, each system in turn. The loop takes over ten
milliseconds a query, so it is timed on every n-th query only; all figures are queries per second. bm25s gives row numbers
and scores as arrays and breaks ties as they fall, ours the course's run; "as a run" gives bm25s' arrays the same form.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import torch

from benchmarks.machine import description, ratios
from tutorial_lib.data.beir import read_beir
from tutorial_lib.files import write_text
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.text import tokenize

K = 100
CHUNK = 256
TOLERANCE = 1e-9
"""Largest difference allowed between our scores and rank-bm25's."""


def largest_difference(bm25: BM25, texts: Sequence[str]) -> float:
    """Return the largest absolute difference between our scores and rank-bm25's; refuse one above ``TOLERANCE``."""
    loop = np.array([bm25.okapi.get_scores(tokenize(t)) for t in texts])
    difference = float(np.abs(bm25.scores(texts) - loop).max())
    assert difference <= TOLERANCE, f"scores differ from rank-bm25's by {difference}"
    return difference


def bm25s_index(documents: Sequence[str]) -> bm25s.BM25:
    """Return bm25s over the same tokens with the same k1 and b; it takes numba where that is installed."""
    index = bm25s.BM25(k1=1.5, b=0.75, backend="auto")
    index.index([tokenize(a) for a in documents], show_progress=False)
    return index


def bm25s_search(index: bm25s.BM25, texts: Sequence[str], threads: int) -> bm25s.Results:
    """Return row numbers and scores of the ``K`` best articles of each text, (Q, K) both."""
    return index.retrieve([tokenize(t) for t in texts], k=K, show_progress=False, n_threads=threads)


def as_run(ids: Sequence[str], queries: Sequence[str], found: bm25s.Results) -> Run:
    """Return bm25s' arrays in the form of our run, without our rule for ties."""
    named = np.array(ids, dtype=object)[found.documents].tolist()
    return {q: dict(zip(a, s, strict=True)) for q, a, s in zip(queries, named, found.scores.tolist(), strict=True)}


def common_top(ours: Run, peer: Run, k: int = 10) -> float:
    """Return which share of our first ``k`` is among the peer's: its IDF differs a little, so it is not all of them."""
    return float(np.mean([len({*list(ours[q])[:k]} & {*list(peer[q])[:k]}) / k for q in ours]))


def in_turn(systems: dict[str, tuple[int, Callable[[], object]]], repeats: int) -> dict[str, list[float]]:
    """Return queries per second of each system (its number of queries, what to run), one after the other each repeat."""
    rates: dict[str, list[float]] = {name: [] for name in systems}
    for repeat in range(repeats + 1):
        for name, (queries, run) in systems.items():
            started = time.perf_counter()
            run()
            if repeat:  # the first round warms caches and lets numba compile
                rates[name].append(queries / (time.perf_counter() - started))
    return rates


def compare(bm25: BM25, peer: bm25s.BM25, queries: dict[str, str], sample: int, repeats: int) -> dict[str, list[float]]:
    """Return queries per second of every way to score, and to search, ``queries``."""
    texts = list(queries.values())
    few = texts[:: max(1, len(texts) // sample)][:sample]
    parts = [texts[n : n + CHUNK] for n in range(0, len(texts), CHUNK)]
    systems: dict[str, tuple[int, Callable[[], object]]] = {
        "scores": (len(texts), lambda: [bm25.scores(part) is None for part in parts]),
        "rank-bm25 get_scores": (len(few), lambda: [bm25.okapi.get_scores(tokenize(t)) is None for t in few]),
        "bm25s get_scores": (len(texts), lambda: [peer.get_scores(tokenize(t)) is None for t in texts]),
        "search": (len(texts), lambda: bm25.search(queries, k=K)),
    }
    for threads in sorted({1, torch.get_num_threads()}):  # as many as torch may use: OMP_NUM_THREADS holds for all
        name = f"bm25s retrieve, {threads} thread{'s' * (threads > 1)}"
        systems[name] = (len(texts), lambda n=threads: bm25s_search(peer, texts, n))
        systems[f"{name}, as a run"] = (
            len(texts),
            lambda n=threads: as_run(bm25.ids, list(queries), bm25s_search(peer, texts, n)),
        )
    return in_turn(systems, repeats)


def main() -> None:
    """Compare, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="workspace/aws_docs/dataset", type=Path, help="BEIR folder with train queries")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sample", type=int, default=200, help="queries that rank-bm25's loop is timed on")
    options = parser.parse_args()
    machine, dataset = description(), read_beir(options.data)  # numba changes the number of threads later
    documents, queries = dataset.document_texts(), dataset.query_texts("train")
    bm25, peer = BM25(documents), bm25s_index([documents[a] for a in sorted(documents)])
    checked = list(queries.values())[:: max(1, len(queries) // options.sample)][: options.sample]
    difference = largest_difference(bm25, checked)
    rates = compare(bm25, peer, queries, options.sample, options.repeats)
    found = as_run(bm25.ids, list(queries), bm25s_search(peer, list(queries.values()), 1))
    record: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.bm25", *sys.argv[1:]]),
        "machine": machine,
        "dataset": dataset.name,
        "articles": len(documents),
        "queries": len(queries),
        "k": K,
        "rank_bm25_timed_on": len(checked),
        "largest_score_difference": difference,
        "bm25s_backend": peer.backend + (f" {version('numba')}" if peer.backend == "numba" else ""),
        "bm25s_top10_in_common": common_top(bm25.search(queries, k=K), found),
        "queries_per_s": rates,
        "ratios": {
            f"{ours} / {name}": ratios(rates[ours], rates[name])
            for name in rates
            if name not in ("scores", "search")
            for ours in ["search" if "retrieve" in name else "scores"]
        },
    }
    write_text(options.out, json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
