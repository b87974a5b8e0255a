"""Does LambdaMART over scores that exist already help, and what helps it? Needs the extra ``rerank``.

    python -m benchmarks.learned_ranking --workspace support_desk=FOLDER … --out benchmarks/results/learned_ranking.json

Trained on the training queries' first 30 articles as the fine-tuned model of a workspace ranks them; dev stops the trees. A
row is a collection and a set of features: "scores" (``shortlist_features`` and the base model's cosine), "scores +
popularity" (how many other training queries an article answers), "scores + late interaction" (MaxSim of that model).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import description
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.evaluation.reranked import late_interaction
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.files import write_text
from tutorial_lib.retrieval.learned_ranking import learn_ranking
from tutorial_lib.retrieval.reranking import DEPTH, candidates
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.shortlist import Features, Scores, candidate_cosines, shortlist_features
from tutorial_lib.workspace import Workspace

SPLITS = ("train", "dev", "test")


def popularity(dataset: RetrievalDataset, split: str, run: Run) -> dict[str, dict[str, float]]:
    """Return for each candidate how many training queries it answers, the query itself left out."""
    answers = Counter(a for found in dataset.positives("train").values() for a in found)
    own = dataset.positives("train") if split == "train" else {}
    shortlists = candidates(run, dataset.query_texts(split), DEPTH)
    return {q: {a: float(answers[a] - (a in own.get(q, ()))) for a in found} for q, found in shortlists.items()}


def features(ws: Workspace, split: str, further: dict[str, Scores]) -> Features:
    """Return the features of one split."""
    dataset, run = ws.dataset(), ws.run_of("tuned", split)
    base = candidate_cosines(dataset, ws.base_vectors(), split, run)
    return shortlist_features(dataset.query_texts(split), run, dataset.corpus, ws.bm25(), {"base cosine": base, **further})


def row_of(ws: Workspace, kind: str, further: dict[str, dict[str, Scores]]) -> dict[str, Any]:
    """Return what came of one set of features."""
    qrels = ws.dataset().qrels
    made = {split: features(ws, split, {name: scores[split] for name, scores in further.items()}) for split in SPLITS}
    started = time.process_time()
    learned = learn_ranking(made["train"], qrels["train"], (made["dev"], qrels["dev"]))
    seconds = time.process_time() - started
    runs = {split: learned.rerank(ws.run_of("tuned", split), made[split]) for split in ("dev", "test")}
    comparison = compare(qrels["test"], {"before": ws.run_of("tuned", "test"), "after": runs["test"]}, "before", "after")
    return {
        "features": kind,
        "dev": evaluate_run(qrels["dev"], runs["dev"])[MAIN_MEASURE],
        **vars(comparison.main),
        **comparison.outcome(),
        "trees": learned.booster.best_iteration,
        "cpu_seconds": seconds,
        "importance": learned.importance(),
    }


def rows_of(ws: Workspace) -> list[dict[str, Any]]:
    """Return a row a set of features."""
    dataset = ws.dataset()
    popular = {split: popularity(dataset, split, ws.run_of("tuned", split)) for split in SPLITS}
    late = late_interaction(ws, "tuned")
    close = {split: late.maxsim(dataset.query_texts(split), ws.run_of("tuned", split)) for split in SPLITS}
    further: dict[str, dict[str, Any]] = {
        "scores": {},
        "scores + popularity": {"popularity": popular},
        "scores + late interaction": {"maxsim": close},
    }
    return [row_of(ws, kind, more) for kind, more in further.items()]


def main() -> None:
    """Write a row a collection and set of features."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name, folder in (w.split("=", 1) for w in options.workspace):
        rows += [{"dataset": name, **row} for row in rows_of(Workspace(folder, name))]
        record = {"command": "python -m benchmarks.learned_ranking", "machine": description(), "rows": rows}
        write_text(options.out, json.dumps(record, indent=1))
    for row in rows:
        print(
            f"{row['dataset']} {row['features']}: {MAIN_MEASURE} {row['before']:.3f} -> {row['after']:.3f} "
            f"({row['low']:+.3f} to {row['high']:+.3f}), dev {row['dev']:.3f}, {row['cpu_seconds']:.1f} s"
        )


if __name__ == "__main__":
    main()
