"""How do seconds and memory of every stage grow from 10 thousand to a million articles?

    python -m benchmarks.stages --data workspace/aws_docs/dataset --out benchmarks/results/stages.json
        [--sizes 10000 30000 100000 300000 1000000] [--stages clean mine ...] [--minutes 4] [--gb 12] [--beside TEXT]

Articles and queries are synthetic, and the record says so: those of ``--data`` with changed words (``made_texts``), for a
million real ones are not at hand. Vectors are those of ``growth``. They stand for the load, not for quality.

Every stage is measured at every size in a process of its own, which first reads what the stage is given: ``seconds`` are
the processor's for the stage alone (``wall_seconds`` hang on what else runs), ``peak_mb`` is the process's peak of memory,
``before_mb`` its peak before the stage began. What by the two sizes below
would take longer than ``--minutes``, or more memory than ``--gb``, is not run, and a process that takes longer is ended:
the record says so. What is measured is written after each; rows of other sizes and ``--stages`` in the file stay.
``slopes`` are those of straight lines on log-log axes: 1 is proportional.

Encoding and training are not among the stages: both take texts in batches of bounded size, so that seconds are texts by
texts a second (``encoding`` and ``training``, beside this), and hold no more than one batch and the vectors.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.growth import DIMENSION, NOISE, Synthetic, ended, fitted, write_vectors
from benchmarks.machine import description, in_child, peak_mb
from benchmarks.made_texts import made_dataset
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.steps import near_duplicate_documents
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.data.registry import Kind
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.files import write_text
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, exact_search
from tutorial_lib.retrieval.runs import Run, ranking
from tutorial_lib.retrieval.terms import BM25Settings

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
QUERIES = 1000
"""Queries searched and mined for, at every size; as many as a tenth of the articles are cleaned and evaluated."""
WORDS = BM25Settings("lucene", stop_words="en", stemmer="en")


class Measured(NamedTuple):
    """What a stage gave, and what it took."""

    result: Any
    took: dict[str, float]


def measured(work: Callable[[], Any]) -> Measured:
    """Run ``work`` and note its seconds, and the process's peak of memory before and after it."""
    before, started, began = peak_mb(), time.process_time(), time.perf_counter()
    result = work()
    seconds, wall = time.process_time() - started, time.perf_counter() - began
    return Measured(result, {"seconds": seconds, "wall_seconds": wall, "before_mb": before, "peak_mb": peak_mb()})


def read(folder: Path) -> dict[str, Any]:
    """Read the BEIR folder."""
    done = measured(lambda: read_beir(folder))
    return done.took | {"queries": len(done.result.queries)}


def write(folder: Path) -> dict[str, Any]:
    """Write a BEIR folder."""
    dataset = read_beir(folder)
    done = measured(lambda: write_beir(dataset, folder / "written"))
    size = sum(p.stat().st_size for p in (folder / "written").rglob("*") if p.is_file())
    return done.took | {"file_mb": size / 1e6}


def clean(folder: Path) -> dict[str, Any]:
    """Prepare the dataset as documentation: cleaned, divided, without leaks."""
    dataset = read_beir(folder)
    done = measured(lambda: prepare(dataset, Kind.DOCUMENTATION))
    touched = {step.name: len(step.rows) for step in done.result.report.steps}
    return done.took | {"touched": touched, **done.result.dataset.counts()}


def near_copies(folder: Path) -> dict[str, Any]:
    """Find near-duplicate articles: the longest part of cleaning, by itself."""
    dataset = read_beir(folder)
    done = measured(lambda: near_duplicate_documents(dataset))
    return done.took | {"groups": len(done.result.dataset.near_duplicates)}


def bm25_build(folder: Path) -> dict[str, Any]:
    """Index all articles for keyword search."""
    documents = read_beir(folder).document_texts()
    done = measured(lambda: BM25(documents, WORDS))
    return done.took | {"terms": len(done.result.idf)}


def bm25_search(folder: Path) -> dict[str, Any]:
    """Search for ``QUERIES`` queries, 100 articles each."""
    dataset = _some_queries(folder)
    bm25 = BM25(dataset.document_texts(), WORDS)
    done = measured(lambda: bm25.search(dataset.query_texts("train")))
    return done.took | {"found": sum(map(len, done.result.values()))}


def exact(folder: Path) -> dict[str, Any]:
    """Compare the vectors of ``QUERIES`` queries with those of all articles."""
    dataset = _some_queries(folder)
    vectors = _vectors(folder, dataset)
    given = list(dataset.qrels["train"]), vectors.queries["train"], list(dataset.corpus), vectors.documents
    done = measured(lambda: exact_search(*given))
    return done.took | {"found": sum(map(len, done.result.values()))}


def mine(folder: Path) -> dict[str, Any]:
    """Mine negatives for ``QUERIES`` training queries."""
    from tutorial_lib.training.mining import mine_negatives

    dataset = _some_queries(folder)
    vectors, bm25 = _vectors(folder, dataset), BM25(dataset.document_texts(), WORDS)
    done = measured(lambda: mine_negatives(dataset, bm25, vectors))
    return done.took | {"candidates": len(done.result.candidates)}


def pairs(folder: Path) -> dict[str, Any]:
    """Make the training pairs of all queries, four negatives each, and the order of an epoch."""
    from tutorial_lib.training.pairs import Shuffled, training_pairs

    dataset = read_beir(folder)
    rng, documents = np.random.default_rng(5), list(dataset.corpus)
    drawn = rng.integers(len(documents), size=(len(dataset.qrels["train"]), 4)).tolist()
    negatives = {
        q: [documents[n] for n in row if documents[n] not in grades]
        for (q, grades), row in zip(dataset.qrels["train"].items(), drawn, strict=True)
    }
    done = measured(lambda: (made := training_pairs(dataset, negatives, 4), list(Shuffled(len(made), 0))))
    return done.took | {"pairs": len(done.result[1])}


def evaluate(folder: Path) -> dict[str, Any]:
    """Compare two runs of 100 articles for every query: measures, intervals and tests."""
    dataset = read_beir(folder)
    qrels, documents = dataset.qrels["train"], list(dataset.corpus)
    runs = {name: _made_run(qrels, documents, seed) for seed, name in enumerate(("base", "tuned"))}
    done = measured(lambda: compare(qrels, runs, "base", "tuned"))
    return done.took | {"queries": len(qrels), MAIN_MEASURE: done.result.main.after}


def _some_queries(folder: Path) -> RetrievalDataset:
    """Return the dataset with ``QUERIES`` of its queries."""
    dataset = read_beir(folder)
    train = dataset.qrels["train"]
    chosen = list(train)[:: max(1, len(train) // QUERIES)][:QUERIES]
    return replace(dataset, qrels={**dataset.qrels, "train": {q: train[q] for q in chosen}})


def _vectors(folder: Path, dataset: RetrievalDataset) -> Vectors:
    """Return synthetic vectors, of each query one that lies near its answer's."""
    path = folder / "vectors.npy"
    if not path.exists():
        write_vectors(path, len(dataset.corpus))
    documents = np.load(path)
    place = {a: n for n, a in enumerate(dataset.corpus)}
    answers = [place[next(iter(grades))] for _, grades in sorted(dataset.qrels["train"].items())]
    queries = Synthetic().near(documents[answers].astype(np.float64), np.random.default_rng(2), NOISE)
    return Vectors(documents, {"train": queries})


def _made_run(qrels: Mapping[str, Mapping[str, int]], documents: Sequence[str], seed: int) -> Run:
    """Return a run of 100 random articles for each query, its answer among them at a random rank of the first 20."""
    rng = np.random.default_rng([6, seed])
    scores: NDArray[np.float64] = np.linspace(1, 0, 100)
    run: Run = {}
    for q, grades in qrels.items():
        found = [documents[n] for n in rng.integers(len(documents), size=99).tolist()]
        found.insert(int(rng.integers(20)), next(iter(grades)))
        found = list(dict.fromkeys(found))
        run[q] = ranking(found, scores[: len(found)])
    return run


STAGES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "read": read,
    "write": write,
    "clean": clean,
    "near-copies": near_copies,
    "bm25 build": bm25_build,
    "bm25 search": bm25_search,
    "exact search": exact,
    "mine": mine,
    "pairs": pairs,
    "evaluate": evaluate,
}


def make(real: Path, folder: Path, size: int) -> dict[str, Any]:
    """Write the synthetic dataset into ``folder``."""
    dataset, distinct = made_dataset(read_beir(real), size)
    write_beir(dataset, folder)
    words = sum(len(text.split()) for text in dataset.document_texts().values())
    return {"articles": size, "queries": len(dataset.queries), "words": words, "distinct_words": distinct}


def expected(rows: Sequence[Mapping[str, Any]], stage: str, size: int) -> tuple[float, float] | None:
    """Return seconds and GB that a stage will take by the two measured sizes below; None without two.

    Seconds by a straight line on log-log axes, at least proportional; memory by one on plain axes.
    """
    below = [r for r in rows if r["stage"] == stage and r["articles"] < size and "seconds" in r][-2:]
    if len(below) < 2:
        return None
    (n, seconds, mb), (more, longer, larger) = [(r["articles"], r["seconds"], r["peak_mb"]) for r in below]
    slope = max(1.0, math.log(longer / seconds) / math.log(more / n))
    gb = (larger + (larger - mb) * (size - more) / (more - n)) / 1024
    return longer * (size / more) ** slope, gb


def run_stage(stage: str, folder: Path, size: int, rows: Sequence[Mapping[str, Any]], options: Any) -> dict[str, Any]:
    """Return the row of one stage at one size: what it took, or why it was not run or not finished."""
    row = {"articles": size, "stage": stage}
    guess = expected(rows, stage, size)
    if guess and (guess[0] > 60 * options.minutes or guess[1] > options.gb):
        return row | {"not_run": f"by the sizes below it would take {guess[0] / 60:.1f} minutes and {guess[1]:.1f} GB"}
    try:
        return row | in_child("benchmarks.stages", "--child", stage, str(folder), "--minutes", str(2 * options.minutes))
    except subprocess.CalledProcessError as error:
        return row | {"failed": ended(error.returncode, 2 * options.minutes)}


def stage_slopes(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return for each stage the slopes of seconds and of memory."""
    found = {}
    for stage in STAGES:
        own = [r for r in rows if r["stage"] == stage]
        found[stage] = {c: slope for c in ("seconds", "peak_mb") if (slope := fitted(own, c)) is not None}
    return found


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="BEIR folder of the real articles")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES), help="measure these only")
    parser.add_argument("--minutes", type=float, default=4, help="most that a stage may be expected to take")
    parser.add_argument("--gb", type=float, default=12, help="most memory that it may be expected to take")
    parser.add_argument("--beside", default="nothing known", help="what else runs on the machine, for the record")
    parser.add_argument("--folder", type=Path, help="where the files go while it runs; default the system's")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.child and not (options.data and options.out):
        parser.error("--data or --out is missing")
    return options


def main() -> None:
    """Measure size after size and stage after stage; the figures so far are written after each."""
    options = parsed()
    if options.child:
        signal.setitimer(signal.ITIMER_PROF, 60 * options.minutes)  # of the processor; it ends the process wherever it is
        stage, folder = options.child
        print(json.dumps(STAGES[stage](Path(folder))))
        return
    earlier = json.loads(options.out.read_text()) if options.out.exists() else {"rows": [], "made": []}
    rows = {(r["articles"], r["stage"]): r for r in earlier["rows"]}
    made = {r["articles"]: r for r in earlier["made"]}
    record: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.stages", *sys.argv[1:]]),
        "machine": description(),
        "beside": options.beside,
        "texts": f"synthetic: articles of {options.data.parent.name} with changed words (benchmarks/made_texts.py)",
        "vectors": f"synthetic, {DIMENSION} numbers",
        "searched_and_mined": QUERIES,
    }
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            made[size] = make(options.data, Path(name), size)
            for stage in options.stages:
                row = run_stage(stage, Path(name), size, [rows[key] for key in sorted(rows)], options)
                rows[size, stage] = row
                print(json.dumps(row), flush=True)
                record["made"] = [made[n] for n in sorted(made)]
                record["rows"] = [rows[key] for key in sorted(rows)]
                record["slopes"] = stage_slopes(record["rows"])
                write_text(options.out, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
