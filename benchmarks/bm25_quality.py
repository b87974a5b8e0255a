"""How good is BM25? Each candidate's nDCG@10 beside bm25s as its own README uses it.

    python -m benchmarks.bm25_quality --data FOLDER … --out benchmarks/results/bm25_quality.json

bm25s: its tokens, an English Snowball stemmer, its English stop words, Lucene's IDF, k1 1.5 and b 0.75. Ours is the one that
``choose_bm25`` takes by dev and training queries; test is only reported, with a paired 95 % interval of the difference.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bm25s
import Stemmer

from benchmarks.machine import description
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import SPLITS, RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE, per_query
from tutorial_lib.evaluation.significance import document_clusters, paired_difference
from tutorial_lib.files import write_text
from tutorial_lib.retrieval.bm25_choice import candidates, choose_bm25, indexes
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.terms import BM25Settings

K = 10


def bm25s_run(documents: Mapping[str, str], queries: Mapping[str, str]) -> Run:
    """Return what bm25s finds with an English stemmer and English stop words, 10 documents a query."""
    ids, stemmer = sorted(documents), Stemmer.Stemmer("english")
    index = bm25s.BM25()
    index.index(_tokens([documents[a] for a in ids], stemmer), show_progress=False)
    found = index.retrieve(_tokens(list(queries.values()), stemmer), k=min(K, len(ids)), show_progress=False)
    return {
        q: {ids[n]: float(score) for n, score in zip(numbers, scores, strict=True) if score > 0}
        for q, numbers, scores in zip(queries, found.documents, found.scores, strict=True)
    }


def _tokens(texts: list[str], stemmer: Stemmer.Stemmer) -> Any:
    return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)


def scores(dataset: RetrievalDataset, split: str, run: Run) -> Any:
    """Return nDCG@10 of each query of a split, by ascending query id."""
    return per_query(dataset.qrels[split], run)[MAIN_MEASURE].to_numpy()


def compared(dataset: RetrievalDataset) -> dict[str, Any]:
    """Return nDCG@10 on every split of each candidate and of bm25s, which is chosen, and how test compares."""
    documents = dataset.document_texts()
    started = time.perf_counter()
    chosen = choose_bm25(dataset)
    seconds = time.perf_counter() - started
    peers = {split: bm25s_run(documents, dataset.query_texts(split)) for split in SPLITS}
    rows = {"bm25s": {split: float(scores(dataset, split, run).mean()) for split, run in peers.items()}}
    runs: dict[BM25Settings, dict[str, Run]] = {}
    for bm25 in indexes(documents, candidates(documents)):
        settings = bm25.settings
        runs[settings] = {split: bm25.search(dataset.query_texts(split), k=K) for split in SPLITS}
        rows[settings.title] = {split: float(scores(dataset, split, run).mean()) for split, run in runs[settings].items()}
    clusters = document_clusters(dataset.qrels["test"])
    before, after = scores(dataset, "test", peers["test"]), scores(dataset, "test", runs[chosen]["test"])
    difference = paired_difference(before, after, [clusters[q] for q in sorted(clusters)])
    return {
        "counts": dataset.counts(),
        "chosen": chosen.title,
        "seconds_to_choose": round(seconds, 1),
        "ndcg@10": rows,
        "test: chosen - bm25s": asdict(difference),
    }


def main() -> None:
    """Compare on each collection, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, type=Path, help="BEIR folders with train, dev and test queries")
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    record: dict[str, Any] = {"command": "python -m benchmarks.bm25_quality --data …", "machine": description()}
    for folder in options.data:
        dataset = read_beir(folder)
        print(f"{dataset.name} …", file=sys.stderr, flush=True)
        record[dataset.name] = compared(dataset)
        write_text(options.out, json.dumps(record, indent=1, ensure_ascii=False) + "\n")  # an interruption loses only one
    print(json.dumps(record, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
