"""What do smaller vectors and graphs cost in recall and save in memory and time? And is the index fast enough to use?

    python -m benchmarks.index --workspace workspace/aws_docs --out benchmarks/results/index.json
        [--parts table writes query reindex cutoffs] [--split dev] [--repeats 3] [--rows 10000]

``table``: every way to store and search the tuned model's articles, asked one query at a time, in turn. Milvus Lite keeps
float32 only ("refused" lists what it said to other types), so float16, int8 and short vectors are held by faiss, which is
what Milvus Lite searches with. "Rescored": the 100 best are compared again by their float32 vectors, read from a file.
recall@10 is against exact float32 search; MB are what is kept: the serialised index (faiss), the files (Milvus Lite).

``writes``, ``query``, ``reindex``: ratios of two ways to do one thing in one run. ``cutoffs``: the score from which a first
hit is as likely right as wrong, per model, from dev; and what that cut-off does on test.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import faiss
import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient, MilvusException

from benchmarks.machine import description, ratios
from tutorial_lib import Workspace
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.files import write_text
from tutorial_lib.index import Layout, VectorIndex, reindex
from tutorial_lib.index.milvus import MilvusStore
from tutorial_lib.retrieval.calibration import calibrate, first_hits
from tutorial_lib.retrieval.dense import dense_run
from tutorial_lib.retrieval.runs import ranked

K, CANDIDATES = 10, 100
LENGTHS = (256, 128, 64)
"""How many of a vector's first numbers are kept (Kusupati et al. 2022, "Matryoshka representation learning")."""
GRAPH = {"M": 32, "efConstruction": 200}
EF = 64
ONE_LIST = {"nlist": 1}
"""Makes IVF_FLAT exact: it looks in all lists. Milvus Lite's own FLAT copies all vectors for every search."""
MILVUS = {
    "FLAT float32": ("FLAT", {}, 384),
    "FLAT first 128": ("FLAT", {}, 128),
    "IVF of one list, float32": ("IVF_FLAT", ONE_LIST, 384),
    "HNSW float32": ("HNSW", GRAPH, 384),
    "HNSW int8": ("HNSW_SQ", GRAPH, 384),
}
"""Name, as among faiss' ways -> Milvus Lite's type of index, its parameters, and how many of the numbers it holds."""
TIMED = 200
"""Queries that are timed, of those the split has."""
CONFIDENCE = 0.5

Vectors: TypeAlias = NDArray[np.float32]
Search: TypeAlias = Callable[[Vectors, int], tuple[Vectors, NDArray[np.int64]]]
"""(Q, D) queries and k -> scores and row numbers of the articles found, (Q, k) both, best first."""


@dataclass(frozen=True)
class Way:
    """One way to store and search the articles."""

    name: str
    engine: str
    search: Search
    mb: float
    rescored: bool = False


# --- the table ----------------------------------------------------------------------------------------------------


def shortened(vectors: Vectors, length: int) -> Vectors:
    """Return the first ``length`` numbers of each vector, at unit length again."""
    first = vectors[:, :length]
    return np.ascontiguousarray(first / np.linalg.norm(first, axis=1, keepdims=True))


def rescoring(search: Search, documents: Vectors) -> Search:
    """Return ``search`` for ``CANDIDATES`` articles, put in the order of their exact scores."""

    def search_again(queries: Vectors, k: int) -> tuple[Vectors, NDArray[np.int64]]:
        rows = search(queries, CANDIDATES)[1]
        scores = np.einsum("qd,qcd->qc", queries, documents[rows])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)

    return search_again


def faiss_ways(documents: Vectors) -> list[Way]:
    """Return every type of vector compared one by one, and graphs over float32 and int8; ``articles`` (N, D), unit length."""
    n, dimension = documents.shape
    kinds, product = faiss.ScalarQuantizer, faiss.METRIC_INNER_PRODUCT
    indexes = {
        "FLAT float32": faiss.IndexFlatIP(dimension),
        "FLAT float16": faiss.IndexScalarQuantizer(dimension, kinds.QT_fp16, product),
        "FLAT int8": faiss.IndexScalarQuantizer(dimension, kinds.QT_8bit, product),
        **{f"FLAT first {d}": faiss.IndexFlatIP(d) for d in LENGTHS},
        "FLAT first 128, int8": faiss.IndexScalarQuantizer(128, kinds.QT_8bit, product),
        "HNSW float32": faiss.IndexHNSWFlat(dimension, GRAPH["M"], product),
        "HNSW int8": faiss.IndexHNSWSQ(dimension, kinds.QT_8bit, GRAPH["M"], product),
    }
    ways = []
    for name, index in indexes.items():
        if name.startswith("HNSW"):
            index.hnsw.efConstruction, index.hnsw.efSearch = GRAPH["efConstruction"], EF
        index.train(shortened(documents, index.d))
        index.add(shortened(documents, index.d))

        def search(queries: Vectors, k: int, index: faiss.Index = index) -> tuple[Vectors, NDArray[np.int64]]:
            return index.search(shortened(queries, index.d), k)

        ways.append(Way(name, "faiss", search, faiss.serialize_index(index).nbytes / 1e6 / n * 1000))
    return ways


def milvus_way(store: MilvusStore, space: Workspace, length: int, name: str) -> Way:
    """Build an index of the first ``length`` numbers of each vector and return how to search it."""
    index, ids = VectorIndex(store), list(space.dataset().corpus)
    built = index.build(ids, shortened(space.tuned_vectors().documents, length), space.tuned_encoder())
    rows = {a: n for n, a in enumerate(ids)}
    mb = sum(p.stat().st_size for p in store.client.file.rglob("*") if p.is_file()) / 1e6

    def search(queries: Vectors, k: int) -> tuple[Vectors, NDArray[np.int64]]:
        found = store.client.search(
            built.collection, data=list(shortened(queries, length)), limit=k, search_params={"params": {"ef": EF}}
        )
        return (
            np.array([[h["distance"] for h in hits] for hits in found], dtype=np.float32),
            np.array([[rows[h["id"]] for h in hits] for hits in found]),
        )

    return Way(name, "Milvus Lite", search, mb / len(ids) * 1000)


def create(client: MilvusClient, name: str, kind: DataType, dimension: int) -> None:
    """Make an empty collection of numbered vectors."""
    schema = MilvusClient.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", kind, dim=dimension)
    client.create_collection(name, schema=schema)


def refused_types(folder: Path) -> dict[str, str]:
    """Return what Milvus Lite says to each type of vector that it does not take."""
    client, answers = MilvusClient(uri=str(folder / "types.db")), {}
    for kind in (DataType.FLOAT16_VECTOR, DataType.BFLOAT16_VECTOR, DataType.INT8_VECTOR):
        try:
            create(client, kind.name, kind, 8)
        except MilvusException as error:
            answers[kind.name] = error.message
    client.close()
    return answers


def quality(way: Way, space: Workspace, split: str, queries: Vectors, documents: Vectors) -> dict[str, float]:
    """Return recall@10 against exact search (by score: of equal articles any may be found) and nDCG@10.

    Args:
        way: How to search.
        space: Workspace with the judgments.
        split: Whose queries.
        queries: float32, (Q, D), unit length.
        documents: float32, (N, D), unit length.
    """
    scores, rows = way.search(queries, K)
    recalls, run, ids = [], {}, list(space.dataset().corpus)
    for q, query, found, its in zip(space.dataset().query_texts(split), queries, rows, scores, strict=True):
        exact = documents @ query
        last = np.partition(exact, len(exact) - K)[len(exact) - K] - 1e-5
        recalls.append(np.mean(exact[found] >= last))
        run[q] = ranked({ids[n]: float(s) for n, s in zip(found, its, strict=True)})
    return {"recall@10": float(np.mean(recalls)), MAIN_MEASURE: evaluate_run(space.dataset().qrels[split], run)[MAIN_MEASURE]}


def table(space: Workspace, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return one row a way to store and search, each timed one query at a time, in turn."""
    documents, queries = space.tuned_vectors().documents, space.tuned_vectors().queries[options.split]
    np.save(folder / "articles.npy", documents)
    stored = np.load(folder / "articles.npy", mmap_mode="r")
    with ExitStack() as stack:
        ways = faiss_ways(documents)
        for name, (kind, parameters, length) in MILVUS.items():
            store = MilvusStore(folder / f"{name}.db", layout=Layout(kind, parameters))
            stack.callback(store.close)
            ways.append(milvus_way(store, space, length, name))
            used = store.client.describe_index("articles_v1", "vector").get("params", {})
            assert used == parameters, f"{name}: built with {used}, not {parameters}"
        for way in [w for w in ways if not w.name.endswith("float32")]:
            ways.append(replace(way, search=rescoring(way.search, stored), rescored=True))
        seconds: list[list[float]] = [[] for _ in ways]
        for _ in range(options.repeats):
            for way, taken in zip(ways, seconds, strict=True):
                one_by_one = [lambda n=n, way=way: way.search(queries[n : n + 1], K) for n in range(min(TIMED, len(queries)))]
                way.search(queries[:1], K)  # warms up
                taken += times(one_by_one)
        rows = [
            {
                "way": way.name,
                "engine": way.engine,
                "rescored": CANDIDATES if way.rescored else 0,
                **quality(way, space, options.split, queries, documents),
                "ms_median": 1000 * median(taken),
                "ms_p99": 1000 * float(np.percentile(taken, 99)),
                "mb_per_1000_articles": way.mb,
            }
            for way, taken in zip(ways, seconds, strict=True)
        ]
    return {
        "split": options.split,
        "articles": len(documents),
        "queries": len(queries),
        "rows": rows,
        "refused": refused_types(folder),
    }


# --- ratios -------------------------------------------------------------------------------------------------------


def times(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Return the seconds each call takes."""
    seconds = []
    for call in calls:
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


def writes(space: Workspace, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Insert ready vectors in batches of 1,000 and one by one, through the same client, each into a new collection."""
    rows = [{"id": n, "vector": v} for n, v in enumerate(space.tuned_vectors().documents[: options.rows])]
    client = MilvusClient(uri=str(folder / "writes.db"))
    seconds: dict[int, list[float]] = {1000: [], 1: []}
    for repeat in range(options.repeats):
        for batch, taken in seconds.items():
            name = f"batch_{batch}_{repeat}"
            create(client, name, DataType.FLOAT_VECTOR, len(rows[0]["vector"]))
            parts = [rows[n : n + batch] for n in range(0, len(rows), batch)]
            taken.append(sum(times([lambda part=part, name=name: client.insert(name, part) for part in parts])))
            client.drop_collection(name)
    client.close()
    return {
        "rows": len(rows),
        "seconds_in_batches": seconds[1000],
        "seconds_one_by_one": seconds[1],
        "ratio": ratios(seconds[1], seconds[1000]),
    }


def query(space: Workspace, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time a single query from text to articles, and its encoding alone, in turn."""
    ids, vectors = list(space.dataset().corpus)[: options.rows], space.tuned_vectors()
    encoder, index = space.tuned_encoder(), VectorIndex(folder / "query.db")
    built = index.build(ids, vectors.documents[: options.rows], encoder)
    index.switch(index.verify(built, ids, vectors.documents[: options.rows], vectors.queries["dev"][:50]))
    texts = list(space.dataset().query_texts(options.split).values())[:TIMED]
    whole, alone = [], []
    for _ in range(options.repeats + 1):  # the first warms up
        both = [times([lambda t=t: index.search({"q": t}, encoder), lambda t=t: encoder.encode_queries([t])]) for t in texts]
        whole.append(median(w for w, _ in both))
        alone.append(median(e for _, e in both))
    index.close()
    return {
        "articles": len(ids),
        "queries": len(texts),
        "ms_end_to_end": [1000 * s for s in whole[1:]],
        "ms_encode_alone": [1000 * s for s in alone[1:]],
        "ratio": ratios(whole[1:], alone[1:]),
    }


def unchanged(space: Workspace, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time ``reindex`` into an empty index, and again with nothing changed."""
    documents = dict(list(space.dataset().document_texts().items())[: options.rows])
    encoder, index = space.tuned_encoder(), VectorIndex(folder / "reindex.db")
    first, *again = times([lambda: reindex(index, documents, encoder, folder / "work")] * (1 + options.repeats))
    index.close()
    return {
        "articles": len(documents),
        "seconds_full": first,
        "seconds_unchanged": again,
        "ratio": ratios(again, [first] * len(again)),
    }


# --- cut-offs -----------------------------------------------------------------------------------------------------


def cutoffs(space: Workspace, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return each model's calibration from dev, its score at even odds, and what that cut-off does on test."""
    record = {}
    for name, vectors in (("base", space.base_vectors()), ("tuned", space.tuned_vectors())):
        runs = {split: dense_run(space.dataset(), vectors, split) for split in ("dev", "test")}
        fitted = calibrate(space.dataset().qrels["dev"], runs["dev"])
        hits = first_hits(space.dataset().qrels["test"], runs["test"])
        record[name] = {
            "calibration": fitted.record(),
            "confidence": CONFIDENCE,
            "threshold": fitted.threshold(CONFIDENCE),
            "test": fitted.outcome(hits, CONFIDENCE),
        }
    return record


PARTS = {"table": table, "writes": writes, "query": query, "reindex": unchanged, "cutoffs": cutoffs}


def main() -> None:
    """Measure the parts asked for, keep the others' figures; the figures so far are written after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", default="workspace/aws_docs", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--split", default="dev", help="queries of the table and of the single queries")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000, help="articles in the ratios")
    options = parser.parse_args()
    space = Workspace(options.workspace)
    before = json.loads(options.out.read_text()) if options.out.exists() else {}
    record: dict[str, Any] = {
        **{part: before[part] for part in PARTS if part in before},
        "command": " ".join(["python -m benchmarks.index", *sys.argv[1:]]),
        "machine": description(),
        "engines": {p: version(p) for p in ("pymilvus", "milvus-lite", "faiss-cpu")},
        "dataset": space.dataset().name,
    }
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            record[part] = PARTS[part](space, Path(folder), options)
        print(json.dumps({part: record[part]}, indent=1), flush=True)
        write_text(options.out, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
