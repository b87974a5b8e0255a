"""What does one pass over few pairs want? ``python -m benchmarks.recipes --data NAME=FOLDER … --out FILE``.

FOLDER is a prepared BEIR folder. So many training queries are drawn from it as ``--train-queries`` says, and one pass is
made over their pairs by each recipe: the gentle pass of the defaults, one thing of it changed at a time, and what
sentence-transformers' users write. A recipe is scored on queries that took no part in it, dev's and training queries that
were not drawn, against ``DOCUMENTS`` articles; test has no say. Rows are added to FILE as they come, recipe by recipe.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import description
from benchmarks.quality import PEERS, Collection, settings_of
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.dev_pool import DevSet, mean_score
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25_choice import choose_bm25
from tutorial_lib.retrieval.untrained import UntrainedSettings
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.schedule import GENTLE_RATE, Schedule
from tutorial_lib.training.settings import TrainSettings

QUERIES, DOCUMENTS = 400, 1_200
"""Queries that a recipe is scored on, and articles at least, of which every one that answers somebody."""
HALF = {"learning_rate": GENTLE_RATE * TrainSettings.learning_rate}
"""The peak rate of the gentle pass."""
PLAIN = PEERS["sentence-transformers plain lora"]
RECIPES: dict[str, dict[str, Any]] = {
    "gentle": HALF,
    "plain": {**PLAIN, "dropout_of_base": 0.1, "warmup": 0.17},
    "gentle, dropout": {**HALF, "dropout_of_base": 0.1},
    "gentle, temperature 0.05": {**HALF, "temperature": PLAIN["temperature"]},
    "gentle, rank 16": {**HALF, "rank": PLAIN["rank"], "alpha": PLAIN["alpha"]},
    "gentle, no idle step": {**HALF, "idle_step": False},
    "gentle, quarter rate": {"learning_rate": HALF["learning_rate"] / 2},
    "gentle, full rate": {},
    "gentle, two passes": {**HALF, "epochs": 2.0},
    "gentle, 128 tokens": {**HALF, "window": 128},
}
"""Beside the fields of settings: ``dropout_of_base`` (ours has none; theirs keeps the base model's), ``window`` (tokens), and
``idle_step`` (a rate that rises from 0 leaves the first step without effect). transformers rounds the warm-up of the plain
recipe up to 2 steps of a dozen."""


@dataclass
class Trial:
    """A collection with few training queries, and other queries to score a recipe on."""

    home: Collection
    held: DevSet

    @classmethod
    def of(cls, name: str, folder: Path, train_queries: int, window: int) -> Trial:
        """Draw the training queries and those that score; keep the articles that answer any of them, and others."""
        home, whole = Collection(name, folder, DEFAULT_MODEL, train_queries), read_beir(folder)
        home.settings = UntrainedSettings(window, choose_bm25(home.dataset)) if window else home.settings
        judged = {**whole.qrels["train"], **whole.qrels["dev"]}
        others = sorted(set(judged) - set(home.dataset.qrels["train"]))
        drawn = sorted(np.random.default_rng(1).permutation(others)[:QUERIES].tolist())
        home.dataset = fewer_documents(home.dataset, {a for q in drawn for a in judged[q]})
        texts = {q: whole.queries[q].text for q in drawn}
        own = {q: a for q, a in whole.own_documents.items() if q in texts}
        return cls(home, DevSet(texts, home.dataset.document_texts(), {q: judged[q] for q in drawn}, own=own))

    def score(self, encoder: Encoder) -> float:
        """Return nDCG@10 of ``encoder`` on the queries that score."""
        return mean_score(self.held.score(encoder))

    def run(self, recipe: str, seed: int) -> dict[str, Any]:
        """Make one pass by a recipe, or none ("untrained"); return its score and what it took."""
        if recipe == "untrained":
            return {"held": self.score(self.home.base)}
        started, processor = time.monotonic(), time.process_time()
        encoder, steps = one_pass(self.home, RECIPES[recipe], seed)
        took = {"seconds": time.monotonic() - started, "processor_seconds": time.process_time() - processor, "steps": steps}
        return {"held": self.score(encoder), **took}


def fewer_documents(dataset: RetrievalDataset, wanted: set[str]) -> RetrievalDataset:
    """Return the dataset with the articles that are ``wanted`` or answer a query of training or dev, and some others."""
    wanted = wanted | {a for split in ("train", "dev") for _, a in dataset.pairs(split)}
    others = np.random.default_rng(2).permutation(sorted(set(dataset.corpus) - wanted)).tolist()
    kept = wanted | set(others[: max(0, DOCUMENTS - len(wanted))])
    return replace(dataset.restrict(documents=kept), queries=dataset.queries)


def one_pass(home: Collection, changes: dict[str, Any], seed: int) -> tuple[Encoder, int]:
    """Return the encoder after one pass (or as many as ``epochs`` says) by a recipe, and its steps; dev has no say."""
    lora, settings = settings_of({"min_steps": 0, "dev_queries": 0, **changes}, seed)
    start = {**home.start, **({"window": changes["window"]} if "window" in changes else {})}
    with tempfile.TemporaryDirectory() as folder:
        run = prepare_training(home.dataset, home.negatives(), home.bm25, Path(folder), **start, lora=lora, settings=settings)
        set_dropout(run.encoder.model, changes.get("dropout_of_base", 0.0))
        if not changes.get("idle_step", True):
            run.trainer.schedule = Eager(**vars(run.trainer.schedule))
        run.train()
    return run.trainer.encoder, run.trainer.schedule.steps


class Eager(Schedule):
    """A schedule whose first step has a rate already: a rate that rises from 0 leaves it without effect."""

    def _share(self, done: int, steps: int) -> float:
        """Return how far the rate has risen, counting the step that is being made."""
        rising = round(self.warmup * steps)
        return (done + 1) / (rising + 1) if done < rising else (steps - done) / max(1, steps - rising)


def set_dropout(model: torch.nn.Module, share: float) -> None:
    """Let every dropout of ``model`` leave out so large a share."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


def main() -> None:
    """Run what the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train-queries", type=int, default=700)
    parser.add_argument("--window", type=int, default=0, help="tokens of a text that are read; 0: as dev chooses")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()
    folders = {name: Path(folder) for name, folder in (given.split("=", 1) for given in options.data)}
    trials = {name: Trial.of(name, folder, options.train_queries, options.window) for name, folder in folders.items()}
    record: dict[str, Any] = (
        json.loads(options.out.read_text()) if options.out.exists() else {"machine": description(), "rows": []}
    )
    record["command"] = f"python -m benchmarks.recipes --data {' '.join(f'{n}=FOLDER' for n in folders)}"
    drawn = {"train_queries": options.train_queries, "window": options.window}
    for seed in options.seeds:
        for recipe in ["untrained", *options.recipes]:
            for name, trial in trials.items():
                job = {"dataset": name, **drawn, "recipe": recipe, "seed": seed}
                if not any(job.items() <= row.items() for row in record["rows"]):
                    record["rows"].append({**job, **trial.run(recipe, seed)})
                    write_text(options.out, json.dumps(record, indent=1))
                    print(json.dumps(record["rows"][-1]), flush=True)


if __name__ == "__main__":
    main()
