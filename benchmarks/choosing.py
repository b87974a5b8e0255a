"""What does it cost to choose on dev? ``python -m benchmarks.choosing --data NAME=FOLDER … --out FILE``.

FOLDER is a prepared BEIR folder, such as ``benchmarks.collections`` writes. Every recipe is trained to its end without
looking at dev, and leaves candidates: the base model, and shares of the update at every step at which dev is scored. Each
is scored on test, over the whole corpus, and on dev, against three pools: the answers and BM25's best ("keyword"), with the
base model's best as well ("both", what a run of the course uses), and the whole corpus. The regret of a pool is how much the
candidate it likes best loses on test to the best candidate there is. Nothing is chosen by test: it says how well dev chooses.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from benchmarks.machine import description, in_child
from benchmarks.quality import Collection
from tutorial_lib.evaluation.dev_pool import DevSet, dev_pool, mean_score
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import adapter_update, set_strength
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.dense import dense_run
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import TrainSettings

RECIPES: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "without a gentle pass": {"gentle_pass": False},
}
SHARES = TrainSettings.strengths
"""Shares of the update that are candidates, at every step at which a run would score dev."""


@dataclass
class Snapshots(TrainerCallback):  # type: ignore[misc]
    """The adapter's weights by step."""

    steps: Sequence[int]
    kept: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Keep the weights if this is one of the steps."""
        if state.global_step in self.steps:
            trained = ((name, p) for name, p in model.named_parameters() if p.requires_grad)
            self.kept[state.global_step] = {name: p.detach().clone() for name, p in trained}


def pools(home: Collection) -> dict[str, DevSet]:
    """Return the same dev queries with three pools of articles."""
    keyword = dev_pool(home.dataset, home.bm25)
    both = dev_pool(home.dataset, home.bm25, base=home.base_vectors)
    corpus = DevSet(keyword.queries, home.dataset.document_texts(), keyword.qrels, own=keyword.own)
    return {"keyword": keyword, "both": both, "corpus": corpus}


def scored(home: Collection, encoder: Encoder, against: dict[str, DevSet]) -> dict[str, Any]:
    """Return nDCG@10 of ``encoder`` on test and on dev by pool, through the base model's window."""
    narrow = encoder.with_window(home.base.settings.max_length)
    vectors = home.encoded(narrow, "test")
    row_of = {a: n for n, a in enumerate(home.dataset.corpus)}
    asked = narrow.encode_queries(list(against["corpus"].queries.values()))
    dev = {
        name: mean_score(pool.score_vectors(asked, vectors.documents[[row_of[a] for a in pool.documents]]))
        for name, pool in against.items()
    }
    run = dense_run(home.dataset, vectors, "test")
    return {"dev": dev, "test": evaluate_run(home.dataset.qrels["test"], run)[MAIN_MEASURE]}


def candidates(home: Collection, recipe: str, seed: int) -> list[dict[str, Any]]:
    """Train by one recipe; return its candidates with their scores, the base model first."""
    against = pools(home)
    rows = [{"step": 0, "share": 0.0, **scored(home, home.base, against)}]
    settings = TrainSettings(**{"dev_queries": 0, "seed": seed, **RECIPES[recipe]})
    with tempfile.TemporaryDirectory() as folder:
        run = prepare_training(home.dataset, home.negatives(), home.bm25, Path(folder), settings=settings, **home.start)
        snapshots = Snapshots(run.trainer.schedule.dev_steps)
        run.trainer.add_callback(snapshots)
        run.train()
    for step, weights in snapshots.kept.items():
        run.encoder.model.load_state_dict(weights, strict=False)
        update = adapter_update(run.encoder)
        for share in SHARES:
            set_strength(run.encoder, update, share)
            rows.append({"step": step, "share": share, **scored(home, run.trainer.encoder, against)})
    return rows


def regrets(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return by pool what the candidate it likes best loses on test to the best of ``rows``.

    >>> rows = [{"dev": {"both": 0.5}, "test": 0.7}, {"dev": {"both": 0.6}, "test": 0.625}]
    >>> regrets(rows)
    {'both': 0.075}
    """
    best = max(row["test"] for row in rows)
    chosen = {pool: max(rows, key=lambda row: row["dev"][pool]) for pool in rows[0]["dev"]}
    return {pool: round(best - row["test"], 4) for pool, row in chosen.items()}


def main() -> None:
    """Run what the file does not hold yet, each training in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    folders = dict(given.split("=", 1) for given in options.data)
    if options.one:
        ((name, folder),) = folders.items()
        home = Collection(name, Path(folder), DEFAULT_MODEL)
        print(json.dumps({"candidates": candidates(home, options.one[0], int(options.one[1]))}))
        return
    record = json.loads(options.out.read_text()) if options.out.exists() else {"machine": description(), "rows": []}
    for seed in range(options.seeds):
        for name, folder in folders.items():
            for recipe in options.recipes:
                job = {"dataset": name, "recipe": recipe, "seed": seed}
                if any(job.items() <= row.items() for row in record["rows"]):
                    continue
                done = in_child("benchmarks.choosing", "--data", f"{name}={folder}", "--one", recipe, str(seed))
                record["rows"].append({**job, "regret": regrets(done["candidates"]), **done})
                record["command"] = f"python -m benchmarks.choosing --data {' '.join(f'{n}=FOLDER' for n in folders)}"
                write_text(options.out, json.dumps(record, indent=1))
                print(json.dumps({**job, "regret": record["rows"][-1]["regret"]}), flush=True)


if __name__ == "__main__":
    main()
