"""How good is each way of adapting search, what does it cost, and what does it forget?

    python -m benchmarks.quality systems   --data aws_docs=FOLDER support_desk=FOLDER --out benchmarks/results/quality.json
    python -m benchmarks.quality ablations --data aws_docs=FOLDER --out benchmarks/results/ablations.json

FOLDER is a prepared BEIR folder (train, dev and test), for example ``workspace/aws_docs/dataset``; any number can be given.
``systems`` scores test queries: keyword search, base model, both fused, the best that needs no training, LoRA, LoRA on
queries only, a linear map of query vectors, full fine-tuning, and what sentence-transformers makes of the pairs (``PEERS``).
Keyword search's settings and every model's window are chosen on dev, as a run of the course does. Forgetting is the change
on the test queries of the other datasets given; for many collections call it for one at a time. ``ablations`` changes one
setting at a time and scores dev queries: test has no say in a choice. Each run is a process of its own; rows are added to
the file as they come, and a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import description, in_child, peak_mb
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.data.dataset import Qrels, RetrievalDataset
from tutorial_lib.evaluation.choose import at_best_window, choose_settings, choose_share, choose_system
from tutorial_lib.evaluation.dev_pool import rises
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run, main_scores, per_query
from tutorial_lib.evaluation.significance import document_clusters, paired_difference
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.hardware import bf16_is_fast
from tutorial_lib.models.lora import merge_adapter
from tutorial_lib.models.saving import save_model
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, VectorScorer, dense_run
from tutorial_lib.retrieval.fusion import convex_combination
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.scorer import Scorer
from tutorial_lib.retrieval.systems import keyword_run
from tutorial_lib.retrieval.untrained import FUSED, ROWS, Untrained, UntrainedSettings, rankings
from tutorial_lib.training.adapter import train_adapter
from tutorial_lib.training.distill_settings import DistillSettings
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.losses import contrastive_loss
from tutorial_lib.training.mining import MiningSettings, mine_negatives
from tutorial_lib.training.pairs import PairCollator, training_pairs
from tutorial_lib.training.schedule import Schedule
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings
from tutorial_lib.training.taught import teach

PEERS: dict[str, dict[str, Any]] = {
    "sentence-transformers lora": {},
    "sentence-transformers plain lora": {
        "rank": 16,
        "alpha": 32,
        "learning_rate": 1e-3,
        "temperature": 0.05,
        "min_steps": 0,
    },
    "sentence-transformers full": {"learning_rate": 2e-5, "temperature": 0.05, "min_steps": 0},
}
"""Its trainer: with the adapter, settings and number of steps of the course; with what its users write, for one pass; and on
all weights at the rate of its own examples. A temperature of 0.05 is its default scale of 20."""
SEEDLESS = ("bm25", "base", "bm25+base", "untrained")
MATRICES = {"lora, matrix": "late", "lora, matrix of itself": "self"}
"""The model of the system "lora" with a matrix behind it, and who teaches it beside the labels: late interaction with the
model, or the model's own ranking (``--models``)."""
AVERAGED: dict[str, dict[str, int]] = {
    "lora, one training": {"runs": 1},
    "lora, three trainings": {"runs": 3},
    "lora, thorough": {"runs": 3, "negatives": 8},
}
"""Of how many trainings the mean is kept; "lora" itself takes as many as by default: three of few pairs, else one. Eight
negatives are what the ablations like best on dev, for three times as long."""
TRAINED = ("lora", *AVERAGED, "lora queries", "linear queries", "full", *PEERS)
FULL_RATE = 2e-4
"""Learning rate of full fine-tuning: the defaults' is the adapter's, which all weights together do not bear."""
ABLATIONS: dict[str, list[dict[str, Any]]] = {
    "defaults": [{}],
    "negatives from": [{"source": s} for s in ("batch", "random", "bm25 unfiltered", "re-mined")],
    "negatives a query": [{"negatives": n} for n in (2, 4, 8)],
    "temperature": [{"temperature": t} for t in (0.03, 0.05, 0.1)],
    "batch": [{"batch_size": b} for b in (16, 32, 128, 256, 512)],
    "rank": [{"rank": r, "alpha": 2 * r} for r in (4, 8, 16, 64)],
    "layers": [{"target_modules": ["query", "value"]}, {"upper_layers": 3}],
    "rate": [{"learning_rate": r} for r in (5e-4, 1e-3, 4e-3)],
    "dimensions": [{"matryoshka": [64, 128, 256]}],
}
DIMENSIONS = (32, 64, 128, 256, 384)


@dataclass
class Collection:
    """One dataset with what every run on it needs, made once."""

    name: str
    folder: Path
    model: str
    train_queries: int = 0
    vectors: Path | None = None
    """Folder in which runs share the base model's article vectors, and the settings chosen on dev."""
    models: Path | None = None
    """Folder in which what LoRA trains is kept, for a matrix behind it and for ``benchmarks.distilling``."""
    dataset: RetrievalDataset = field(init=False)

    def __post_init__(self) -> None:
        """Read the folder; with ``train_queries`` keep so many of its training queries, drawn at random."""
        self.dataset = read_beir(self.folder)
        train = self.dataset.qrels["train"]
        if 0 < self.train_queries < len(train):
            drawn = np.random.default_rng(0).choice(sorted(train), self.train_queries, replace=False)
            self.dataset = replace(self.dataset, qrels={**self.dataset.qrels, "train": {q: train[q] for q in drawn.tolist()}})

    @cached_property
    def settings(self) -> UntrainedSettings:
        """Settings of keyword search and the base model's window, chosen on dev."""
        stored = self.vectors and self.vectors / f"{self.name}.json"
        if stored and stored.exists():
            return UntrainedSettings.from_record(json.loads(stored.read_text()))
        made = choose_settings(self.dataset, Encoder.load(self.model))
        if stored:
            write_text(stored, json.dumps(asdict(made)))
        return made

    @cached_property
    def bm25(self) -> BM25:
        """Index over the articles."""
        return BM25(self.dataset.document_texts(), self.settings.bm25)

    @cached_property
    def base(self) -> Encoder:
        """The base model, with the window chosen on dev."""
        base, window = Encoder.load(self.model), self.settings.window
        return base.with_window(window) if window else base

    @cached_property
    def untrained(self) -> Untrained:
        """The best that needs no training, chosen on dev."""
        return choose_system(self.dataset, self.untrained_runs("dev"), self.settings)

    def parts(self, split: str) -> tuple[Run, Run]:
        """Return the runs of keyword search and of the base model."""
        return keyword_run(self.dataset, self.bm25, split), self.searched_by(self.base, split, self.document_vectors)

    @cached_property
    def base_share(self) -> float:
        """What the base model counts beside keyword search, chosen on dev."""
        return choose_share(self.dataset, *self.parts("dev"))

    def untrained_runs(self, split: str) -> dict[str, Run]:
        """Return the runs of keyword search, base model and both fused."""
        return rankings(*self.parts(split), self.base_share)

    @cached_property
    def document_vectors(self) -> NDArray[np.float32]:
        """Base vectors of all articles, (N, D)."""
        stored = self.vectors and self.vectors / f"{self.name}.npy"
        if stored and stored.exists():
            return np.asarray(np.load(stored))
        made = Vectors.of(self.dataset, self.base, []).documents
        if stored:
            np.save(stored, made)
        return made

    @cached_property
    def base_vectors(self) -> Vectors:
        """Base vectors of all articles and of dev's queries."""
        return self.encoded(self.base, "dev", self.document_vectors)

    def model_of(self, seed: int) -> Path:
        """Return the folder of dataset/ and model/ of a LoRA training that is kept.

        Raises:
            ValueError: None is.
        """
        if self.models is None:
            raise ValueError("no folder of models: pass --models FOLDER, in which those of LoRA are kept")
        return self.models / f"{self.name}-{seed}"

    @property
    def start(self) -> dict[str, Any]:
        """What a training starts from, as a run of the course has it: model, window and the base model's vectors."""
        window = self.settings.training_window(TrainSettings.max_length)
        return {"model": self.model, "window": window, "base": self.base_vectors}

    def queries_of(self, encoder: Encoder, split: str) -> NDArray[np.float32]:
        """Return the vectors of a split's queries, (Q, D)."""
        return encoder.encode_queries(list(self.dataset.query_texts(split).values()))

    def encoded(self, encoder: Encoder, split: str, documents: NDArray[np.float32] | None = None) -> Vectors:
        """Return the vectors of a split's queries and of all articles, or for these what is given."""
        if documents is None:
            return Vectors.of(self.dataset, encoder, [split])
        return Vectors(documents, {split: self.queries_of(encoder, split)})

    def searched_by(self, encoder: Encoder, split: str, documents: NDArray[np.float32] | None = None) -> Run:
        """Return the run of ``encoder``, with other article vectors if given."""
        return dense_run(self.dataset, self.encoded(encoder, split, documents), split)

    def negatives(self, source: str = "bm25", mining: MiningSettings | None = None) -> dict[str, list[str]]:
        """Return training negatives: mined by BM25, filtered or not, drawn at random, or mined by a tuned model."""
        ids = list(self.dataset.corpus)
        if source == "random":
            rng = np.random.default_rng(0)
            return {
                q: [a for a in rng.choice(ids, 12).tolist() if a not in judged][:8]
                for q, judged in self.dataset.qrels["train"].items()
            }
        settings = mining or MiningSettings()
        if source == "bm25 unfiltered":
            settings = replace(settings, max_bm25_share=None, max_model_share=None)
        scorer: Scorer = self.bm25
        vectors = self.encoded(self.base, "train", self.document_vectors)
        if source == "re-mined":
            with tempfile.TemporaryDirectory() as folder:
                run = prepare_training(self.dataset, self.negatives(), self.bm25, Path(folder), **self.start)
                run.train()
            vectors = self.encoded(run.encoder, "train")
            scorer = VectorScorer(ids, vectors.documents, run.encoder)
            settings = replace(settings, max_bm25_share=0.95, max_model_share=0.95)
        return mine_negatives(self.dataset, scorer, vectors, settings).negatives


# --- systems ------------------------------------------------------------------------------------------------------


@dataclass
class Trained:
    """What one way of adapting gives: runs by collection name, and its costs."""

    runs: dict[str, Run]
    trainable: int = 0
    seconds: float = 0.0
    re_embedded: int = 0
    notes: dict[str, Any] = field(default_factory=dict)


def settings_of(changes: dict[str, Any], seed: int) -> tuple[LoraSettings, TrainSettings]:
    """Return the settings objects with ``changes`` applied to whichever has the field."""
    changes = {k: tuple(v) if isinstance(v, list) else v for k, v in changes.items() if k != "source"}
    of = [{k: v for k, v in changes.items() if k in kind.__dataclass_fields__} for kind in (LoraSettings, TrainSettings)]
    return LoraSettings(**of[0]), TrainSettings(**{"seed": seed, **of[1]})


def train(home: Collection, system: str, changes: dict[str, Any], seed: int, split: str, others: list[Collection]) -> Trained:
    """Train one system on ``home`` and search every collection with it."""
    if system in SEEDLESS:
        return _untrained(home, system, split)
    lora, settings = settings_of({**PEERS.get(system, {}), **AVERAGED.get(system, {}), **changes}, seed)
    mining = MiningSettings(per_query=max(4, settings.negatives))
    if system in MATRICES:
        return _with_matrix(home, MATRICES[system], seed, split)
    source = changes.get("source", "bm25")
    negatives = {} if source == "batch" else home.negatives(source, mining)
    if system == "linear queries":
        return _linear(home, negatives, settings, split, others)
    epochs = _epochs(home, negatives, settings) if system in PEERS else 0.0
    start = home.start  # made before the clock runs, as a run of the course has it from the baseline
    started = time.monotonic()
    if system in PEERS:
        from benchmarks.peers import sentence_transformers  # here: it needs a package that the others do without

        adapter = None if system.endswith(" full") else lora
        encoder = sentence_transformers(
            home.dataset, negatives, home.model, adapter, settings, bf16=bf16_is_fast(), epochs=epochs
        )
        notes, trainable = {"epochs": epochs}, sum(p.numel() for p in encoder.model.parameters() if p.requires_grad)
    else:
        encoder, result = _trained_here(home, negatives, system, lora, settings, start)
        trainable = result.trainable
        notes = {
            "best_step": result.best_step,
            "steps": result.steps,
            "dev": result.dev,
            "strength": result.strength,
            "runs": result.runs,
            "pairs_per_s": result.pairs_per_s,
        }
    seconds = time.monotonic() - started
    notes["peak_mb"] = peak_mb()  # of mining and training; searching other collections comes after
    keep = system == "lora queries"
    if not keep:
        trained = settings.max_length if system in PEERS else start["window"] or settings.max_length
        encoder = at_best_window(home.dataset, home.bm25, encoder, home.base_vectors, trained=trained)
    notes["window"] = encoder.settings.max_length
    vectors = home.encoded(encoder, split, home.document_vectors if keep else None)
    runs = {home.name: dense_run(home.dataset, vectors, split)}
    if split == "test":
        notes["shipped"] = _shipped(home, home.searched_by(encoder, "dev", vectors.documents), runs[home.name])
    if system == "lora" and home.models:
        _keep(home, seed, encoder, result)
    for c in others:  # through the window chosen there: one that suits this collection says nothing of forgetting
        away = encoder.with_window(c.base.settings.max_length)
        runs[c.name] = c.searched_by(away, split, c.document_vectors if keep else None)
    if split == "dev" and (changes.get("matryoshka") or not changes):
        notes["by_dimension"] = _by_dimension(home, vectors, split)
    return Trained(runs, trainable, seconds, 0 if keep else len(home.dataset.corpus), notes)


def _untrained(home: Collection, system: str, split: str) -> Trained:
    runs = home.untrained_runs(split)
    chosen = {"bm25+base": FUSED, "untrained": home.untrained.system}.get(system, system)
    parts = {name: evaluate_run(home.dataset.qrels[split], runs[name])[MAIN_MEASURE] for name in ROWS}
    notes = {"sentence": home.untrained.sentence, "chosen": asdict(home.untrained), "parts": parts}
    return Trained({home.name: runs[chosen]}, notes=notes if system == "untrained" else {})


def _shipped(home: Collection, dev: Run, test: Run) -> dict[str, Any]:
    """Return what a team would ship: the model alone, fused with keyword search, or what needs no training, as dev says."""
    runs = {split: home.untrained_runs(split) for split in ("dev", "test")}
    chosen = home.untrained.system
    share = choose_share(home.dataset, runs["dev"]["bm25"], dev)
    candidates = {
        split: {
            "untrained": untrained[chosen],
            "tuned": tuned,
            "bm25+tuned": convex_combination(untrained["bm25"], tuned, share),
        }
        for (split, untrained), tuned in zip(runs.items(), (dev, test), strict=True)
    }
    scores = {name: evaluate_run(home.dataset.qrels["dev"], run)[MAIN_MEASURE] for name, run in candidates["dev"].items()}
    best = max(scores, key=lambda name: scores[name])
    parts = {name: evaluate_run(home.dataset.qrels["test"], run)[MAIN_MEASURE] for name, run in candidates["test"].items()}
    return {"system": best, "share": share, "dev": scores, "parts": parts, MAIN_MEASURE: parts[best]}


def _trained_here(
    home: Collection,
    negatives: dict[str, list[str]],
    system: str,
    lora: LoraSettings,
    settings: TrainSettings,
    start: dict[str, Any],
) -> tuple[Encoder, TrainResult]:
    """Return what our own training makes of the base model, and its record."""
    with tempfile.TemporaryDirectory() as name:
        folder, checkpoints = Path(name, "adapter"), Path(name, "checkpoints.0")
        if system in ("lora", *AVERAGED):
            folder.mkdir()
            train_adapter(home.dataset, negatives, home.bm25, folder, checkpoints, lora=lora, settings=settings, **start)
            return merge_adapter(folder), TrainResult.load(folder / "training.json")
        if system == "full":
            settings = replace(settings, learning_rate=FULL_RATE)
        settings = replace(settings, train_documents=system != "lora queries")
        options = {**start, "lora": lora, "settings": settings, "all_weights": system == "full"}
        run = prepare_training(home.dataset, negatives, home.bm25, checkpoints, **options)
        result = run.train()
        return run.encoder, result


def _keep(home: Collection, seed: int, encoder: Encoder, result: TrainResult) -> None:
    """Keep what LoRA trained, with the window chosen, beside the training queries it saw."""
    folder = home.model_of(seed)
    save_model(encoder, folder / "model", "")
    write_beir(home.dataset, folder / "dataset")
    result.save(folder / "training.json")


def _with_matrix(home: Collection, teacher: str, seed: int, split: str) -> Trained:
    """Return what a matrix behind the kept model, taught by the labels and a ranking, gives if dev keeps it."""
    started = time.monotonic()
    taught = teach(home.dataset, Encoder.load(home.model_of(seed) / "model"), DistillSettings(seed=seed), teacher)
    made, run = taught.distilled, dense_run(home.dataset, taught.vectors, split)
    notes = {"dev": made.dev, "best_epoch": made.epoch, "share": taught.share}
    if split == "test":
        notes["shipped"] = _shipped(home, dense_run(home.dataset, taught.vectors, "dev"), run)
    return Trained({home.name: run}, made.matrix.size, time.monotonic() - started, len(home.dataset.corpus), notes)


def _epochs(home: Collection, negatives: dict[str, list[str]], settings: TrainSettings) -> float:
    """Return as many passes as our own training would make, so that the peer takes as many steps."""
    pairs = len(training_pairs(home.dataset, negatives, settings.negatives))
    return Schedule.of(settings, pairs).steps / math.ceil(pairs / settings.batch_size)


def _linear(
    home: Collection, negatives: dict[str, list[str]], settings: TrainSettings, split: str, others: list[Collection]
) -> Trained:
    """Train a D x D map of the base model's query vectors; articles keep theirs. Dev chooses among its epochs."""
    started = time.monotonic()
    torch.manual_seed(settings.seed)
    pairs = training_pairs(home.dataset, negatives, settings.negatives)
    queries = torch.from_numpy(home.base.encode_queries([p.query for p in pairs]))
    row = {a: n for n, a in enumerate(home.dataset.corpus)}
    documents = torch.from_numpy(home.document_vectors)
    collate = PairCollator(home.dataset, home.base, settings, dict(zip(row, documents, strict=True)))
    weight = torch.nn.Parameter(torch.eye(queries.shape[1]))
    optimizer = torch.optim.AdamW([weight], lr=1e-3, weight_decay=0.0)
    dev = torch.from_numpy(home.queries_of(home.base, "dev"))
    best = before = _dev_scores(home, dev)
    kept = weight.detach().clone()
    for _ in range(10):
        for part in torch.randperm(len(pairs)).split(settings.batch_size):
            batch = collate([pairs[n] for n in part.tolist()])
            mapped = torch.nn.functional.normalize(queries[part] @ weight.T, dim=1)
            loss = contrastive_loss(mapped, batch["fixed"], batch["answers"], batch["masked"], settings.temperature)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scores = _dev_scores(home, _mapped(dev, weight))
        if np.mean(list(scores.values())) > np.mean(list(best.values())):
            best, kept = scores, weight.detach().clone()
    if not rises(before, best):
        kept = torch.eye(len(weight))
    runs = {}
    for c in (home, *others):
        moved = _mapped(torch.from_numpy(c.queries_of(c.base, split)), kept).numpy()
        runs[c.name] = dense_run(c.dataset, Vectors(c.document_vectors, {split: moved}), split)
    return Trained(runs, weight.numel(), time.monotonic() - started, 0)


def _mapped(queries: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.nn.functional.normalize(queries @ weight.T, dim=1)


def _dev_scores(home: Collection, queries: torch.Tensor) -> dict[str, float]:
    run = dense_run(home.dataset, Vectors(home.document_vectors, {"dev": queries.numpy()}), "dev")
    return main_scores(home.dataset.qrels["dev"], run)


def _by_dimension(home: Collection, vectors: Vectors, split: str) -> dict[int, float]:
    """Return nDCG@10 with only the first so many numbers of each vector."""
    scores = {}
    for size in (d for d in DIMENSIONS if d <= vectors.documents.shape[1]):
        cut = Vectors(_cut(vectors.documents, size), {split: _cut(vectors.queries[split], size)})
        scores[size] = evaluate_run(home.dataset.qrels[split], dense_run(home.dataset, cut, split))[MAIN_MEASURE]
    return scores


def _cut(vectors: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    return vectors[:, :size] / np.linalg.norm(vectors[:, :size], axis=1, keepdims=True)


# --- rows ---------------------------------------------------------------------------------------------------------


def row(
    job: dict[str, Any],
    folders: dict[str, Path],
    model: str,
    vectors: Path | None = None,
    models: Path | None = None,
) -> dict[str, Any]:
    """Run one job in this process and return its row."""
    home = Collection(job["dataset"], folders[job["dataset"]], model, job["train_queries"], vectors, models)
    systems = job["split"] == "test"
    others = [Collection(n, f, model, vectors=vectors) for n, f in folders.items() if n != home.name] if systems else []
    trained = train(home, job["system"], job["changes"], job["seed"], job["split"], others)
    qrels = home.dataset.qrels[job["split"]]
    result = {
        **job,
        "measures": evaluate_run(qrels, trained.runs[home.name]),
        "trainable": trained.trainable,
        "seconds": trained.seconds,
        "peak_mb": peak_mb(),
        "re_embedded": trained.re_embedded,
        **trained.notes,
    }
    if systems:
        untrained = home.untrained_runs("test")
        for name, run in (("base", untrained["base"]), ("untrained", untrained[home.untrained.system])):
            result[f"above_{name}"] = _above(qrels, run, trained.runs[home.name])
        result["elsewhere"] = {}
        for other in others if trained.trainable else []:
            judged = other.dataset.qrels["test"]
            before = other.searched_by(other.base, "test", other.document_vectors)
            result["elsewhere"][other.name] = (
                evaluate_run(judged, trained.runs[other.name])[MAIN_MEASURE] - evaluate_run(judged, before)[MAIN_MEASURE]
            )
    return result


def _above(qrels: Qrels, before: Run, after: Run) -> dict[str, float]:
    """Return by how much ``after`` lies above ``before``, with interval and p."""
    scores = [per_query(qrels, run)[MAIN_MEASURE] for run in (before, after)]
    clusters = document_clusters(qrels)
    return paired_difference(*(s.to_numpy() for s in scores), [clusters[q] for q in scores[0].index]).record()


def jobs_of(
    table: str, names: list[str], seeds: int, only: list[str], train_queries: int, *, models: bool = False
) -> list[dict[str, Any]]:
    """Return what is to be run, seed by seed, so that an early stop leaves a balanced table."""
    jobs = []
    for seed in range(seeds):
        for name in names:
            if table == "systems":
                jobs += [
                    {
                        "dataset": name,
                        "system": s,
                        "changes": {},
                        "seed": seed,
                        "split": "test",
                        "train_queries": train_queries,
                    }
                    for s in (*SEEDLESS, *TRAINED, *(MATRICES if models else ()))
                    if seed == 0 or s not in SEEDLESS
                ]
            else:
                jobs += [
                    {
                        "dataset": name,
                        "system": "lora",
                        "group": g,
                        "changes": c,
                        "seed": seed,
                        "split": "dev",
                        "train_queries": train_queries,
                    }
                    for g, cs in ABLATIONS.items()
                    for c in cs
                ]
    return [j for j in jobs if not only or j["system"] in only or j.get("group") in only]


def main() -> None:
    """Run what the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=("systems", "ablations", "one"))
    parser.add_argument("--data", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--on", nargs="*", help="train on these datasets only; forgetting is measured on all")
    parser.add_argument("--train-queries", type=int, default=0, help="train on a random draw of so many; 0: on all")
    parser.add_argument("--only", nargs="*", default=[], help="systems, or groups of ablations")
    parser.add_argument("--models", type=Path, help="keep LoRA's models here, and put a matrix behind them")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--vectors", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    folders = {name: Path(folder) for name, folder in (d.split("=", 1) for d in options.data)}
    if options.table == "one":
        print(json.dumps(row(options.job, folders, options.model, options.vectors, options.models)))
        return
    with tempfile.TemporaryDirectory() as shared:
        run_missing(options, folders, shared)


def run_missing(options: argparse.Namespace, folders: dict[str, Path], shared: str) -> None:
    """Run each job that the file has no row of and add its row; ``shared`` is a folder for all of them."""
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    for job in jobs_of(
        options.table,
        options.on or list(folders),
        options.seeds,
        options.only,
        options.train_queries,
        models=bool(options.models),
    ):
        if any(all(r.get(k) == v for k, v in job.items()) for r in rows):
            continue
        print(json.dumps(job), flush=True)
        done = in_child(
            "benchmarks.quality",
            "one",
            "--data",
            *options.data,
            "--model",
            options.model,
            "--job",
            json.dumps(job),
            "--vectors",
            shared,
            *(("--models", str(options.models)) if options.models else ()),
        )
        if options.out.exists():  # another process may be adding rows of its own
            rows = json.loads(options.out.read_text())["rows"]
        rows.append(done)
        command = f"python -m benchmarks.quality {options.table} --data {' '.join(f'{n}=FOLDER' for n in folders)}"
        write_text(options.out, json.dumps({"command": command, "machine": description(), "rows": rows}, indent=1))
        print(json.dumps({k: done[k] for k in ("measures", "seconds", "peak_mb")}), flush=True)


if __name__ == "__main__":
    main()
