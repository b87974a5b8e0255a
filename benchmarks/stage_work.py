"""The stages whose growth ``stages`` measures, each given the folder of a dataset."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.growth import NOISE, Synthetic, write_vectors
from benchmarks.machine import peak_mb
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.steps import near_duplicate_documents
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.data.registry import Kind
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, exact_search
from tutorial_lib.retrieval.runs import Run, ranking
from tutorial_lib.retrieval.terms import BM25Settings

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
    return done.took | {"touched": touched, "left": done.result.dataset.counts()}


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
