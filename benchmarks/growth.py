"""How do build time, search time, file size and memory grow from 10 thousand to a million articles?

    python -m benchmarks.growth --out benchmarks/results/growth.json [--sizes 10000 30000 100000 300000 1000000]
        [--minutes 25] [--folder DIR] [--steps evaluate]

The vectors are synthetic, and the results say so: clusters of normally distributed points whose variance falls off from
number to number as that of text embeddings does, 384 numbers, unit length. They stand for the load, not for quality.

Every size is built and searched in a process of its own, and evaluated by exact search in another one, which reads the
vectors from their file a chunk at a time. A process that takes longer than ``--minutes`` is ended, and the record says so;
what is measured is written after each, and figures of other sizes and ``--steps`` in the file stay. ``slopes`` are those of
straight lines on log-log axes: 1 is proportional.
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
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import description, in_child, peak_mb
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.files import write_text
from tutorial_lib.index import VectorIndex
from tutorial_lib.models.settings import EncoderSettings
from tutorial_lib.retrieval.dense import exact_search

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
DIMENSION, CLUSTERS = 384, 1000
SPREAD = 0.6
"""Deviation of a point from its cluster's centre, as a share of that of the centres."""
NOISE = 0.3
"""Deviation of a query from the article that answers it, at unit length both."""
QUERIES = 200
BLOCK = 10_000
"""Vectors made at a time; the first n of a million are the same as n alone."""
CURVES = ("build_seconds", "search_ms_p50", "search_ms_p99", "file_mb", "peak_mb", "evaluate_seconds", "evaluate_peak_mb")


class Synthetic:
    """Makes vectors, and stands for the encoder of queries: the text of query n is n."""

    name, fingerprint, settings = "synthetic", "synthetic", EncoderSettings()

    def __init__(self) -> None:
        """Draw the centres."""
        self.scale = np.arange(1, DIMENSION + 1) ** -0.5
        self.centres = self.scale * np.random.default_rng(0).standard_normal((CLUSTERS, DIMENSION))

    def near(self, points: NDArray[np.float64], rng: np.random.Generator, spread: float) -> NDArray[np.float32]:
        """Return a unit vector beside each of ``points``."""
        moved = points + spread * self.scale * rng.standard_normal(points.shape)
        return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)

    def blocks(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Yield ``size`` article vectors, ``BLOCK`` at a time."""
        for n in range(0, size, BLOCK):
            rng = np.random.default_rng([1, n])
            yield self.near(self.centres[rng.integers(CLUSTERS, size=BLOCK)], rng, SPREAD)[: size - n]

    @cached_property
    def queries(self) -> NDArray[np.float32]:
        """``QUERIES`` vectors: number n lies near article n, which is its answer."""
        return self.near(next(self.blocks(QUERIES)).astype(np.float64), np.random.default_rng(2), NOISE)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of the queries named."""
        return self.queries[[int(t) for t in texts]]


class OnDisk:
    """Vectors in a .npy file, read slice by slice; pages of a memory map would be counted as memory of the process."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        mapped = np.load(path, mmap_mode="r")
        self.path, self.shape, self.offset = path, mapped.shape, mapped.offset

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        """Return the rows of ``part``."""
        first, last, _ = part.indices(self.shape[0])
        width = self.shape[1]
        found = np.fromfile(self.path, np.float32, (last - first) * width, offset=self.offset + first * width * 4)
        return found.reshape(-1, width)


def write_vectors(path: Path, size: int) -> None:
    """Write ``size`` synthetic vectors to ``path``."""
    stored = np.lib.format.open_memmap(path, "w+", np.float32, (size, DIMENSION))
    first = 0
    for block in Synthetic().blocks(size):
        stored[first : first + len(block)] = block
        first += len(block)
    stored.flush()


def ids(size: int) -> list[str]:
    """Return article ids in ascending order."""
    return [f"a{n:07}" for n in range(size)]


def build_and_search(path: Path) -> dict[str, Any]:
    """Build an index of the vectors in ``path`` and search it, one query at a time."""
    vectors, encoder = np.load(path), Synthetic()
    documents, queries = ids(len(vectors)), encoder.queries
    started = time.perf_counter()
    index = VectorIndex(path.with_suffix(".db"))
    built = index.build(documents, vectors, encoder)
    seconds = time.perf_counter() - started
    verification = index.verify(built, documents, vectors, queries, min_recall=0)  # to be measured, whatever it is
    index.switch(verification)
    taken = []
    for n in range(QUERIES):
        started = time.perf_counter()
        index.search({"q": str(n)}, encoder)
        taken.append(1000 * (time.perf_counter() - started))
    size = sum(p.stat().st_size for p in path.with_suffix(".db").rglob("*") if p.is_file())
    return {
        "build_seconds": seconds,
        "search_ms_p50": float(np.percentile(taken, 50)),
        "search_ms_p99": float(np.percentile(taken, 99)),
        "recall@10": verification.recall,
        "file_mb": size / 1e6,
        "vectors_mb": vectors.nbytes / 1e6,
        "peak_mb": peak_mb(),
    }


def evaluate(path: Path) -> dict[str, Any]:
    """Search the vectors in ``path`` exactly, a chunk at a time, and evaluate: each query has one answer."""
    vectors = OnDisk(path)
    documents, names = ids(vectors.shape[0]), [str(n) for n in range(QUERIES)]
    before, started = peak_mb(), time.perf_counter()
    run = exact_search(names, Synthetic().queries, documents, vectors)
    measures = evaluate_run({q: {documents[int(q)]: 1} for q in names}, run)
    return {
        "evaluate_seconds": time.perf_counter() - started,
        "evaluate_peak_mb": peak_mb(),
        "evaluate_peak_mb_before": before,
        MAIN_MEASURE: measures[MAIN_MEASURE],
    }


STEPS = {"build_and_search": build_and_search, "evaluate": evaluate}


def measured(size: int, folder: Path, minutes: float, steps: Sequence[str]) -> dict[str, Any]:
    """Return what the processes measured at one size; one that failed is named with the signal that ended it."""
    path = folder / f"{size}.npy"
    write_vectors(path, size)
    row: dict[str, Any] = {"articles": size}
    for step in steps:
        try:
            row |= in_child("benchmarks.growth", "--child", step, str(path), "--minutes", str(minutes))
        except subprocess.CalledProcessError as error:
            row[f"{step}_failed"] = ended(error.returncode, minutes)
    return row


def fitted(rows: Sequence[Mapping[str, Any]], curve: str) -> float | None:
    """Return the slope of a curve on log-log axes; None where it has less than two points."""
    points = [(math.log(r["articles"]), math.log(r[curve])) for r in rows if curve in r]
    return float(np.polyfit(*zip(*points, strict=True), 1)[0]) if len(points) > 1 else None


def slopes(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the slope of each curve that has one."""
    return {curve: slope for curve in CURVES if (slope := fitted(rows, curve)) is not None}


def ended(status: int, minutes: float) -> str:
    """Return why a process that may take so many minutes ended, given its exit status."""
    late = f"not done in {minutes:g} minutes"
    why = {-signal.SIGALRM: late, -signal.SIGPROF: late, -signal.SIGKILL: "killed: out of memory"}
    return why.get(status, f"exit status {status}")


def main() -> None:
    """Measure size after size; the figures so far are written after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--minutes", type=float, default=25, help="most that one process may take")
    parser.add_argument("--folder", type=Path, help="where the files go while it runs: up to 10 GB; default the system's")
    parser.add_argument("--steps", nargs="+", choices=list(STEPS), default=list(STEPS), help="measure these only")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        signal.alarm(round(60 * options.minutes))  # nothing handles it: it ends the process wherever it is
        step, path = options.child
        print(json.dumps(STEPS[step](Path(path))))
        return
    if not options.out:
        parser.error("--out is missing")
    found = {r["articles"]: r for r in json.loads(options.out.read_text())["rows"]} if options.out.exists() else {}
    record: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.growth", *sys.argv[1:]]),
        "machine": description(),
        "engines": {p: version(p) for p in ("pymilvus", "milvus-lite", "faiss-cpu")},
        "vectors": f"synthetic: {CLUSTERS} Gaussian clusters, {DIMENSION} numbers",
        "queries": QUERIES,
        "rows": [],
    }
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            row = measured(size, Path(folder), options.minutes, options.steps)
        found[size] = (found.get(size, {}) if len(options.steps) < len(STEPS) else {}) | row
        record["rows"] = [found[n] for n in sorted(found)]
        record["slopes"] = slopes(record["rows"])
        print(json.dumps(found[size]), flush=True)
        write_text(options.out, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
