"""Does the model itself learn from late interaction, while it is trained, what a matrix behind it learns afterwards?

    python -m benchmarks.teaching --workspace support_desk=FOLDER aws_docs=FOLDER … --out benchmarks/results/teaching.json
        [--seeds 3] [--documents 4] [--weight 1] [--only late …] [--elsewhere NAME=FOLDER]

FOLDER holds ``dataset/`` (BEIR) and ``model/`` (fine-tuned), as a workspace does. A model is trained anew from the base
model, as a run of the course does it (one training), with another loss beside that of the judgments: the divergence from a
ranking of the training queries, over the documents that stand in a batch. To have some of a ranking there each pair brings
along ``--documents`` that the fine-tuned model ranks high, likely answers left out; 1 is BM25's one, as by default. Variants:
"labels", no teacher, the same batches; "late", the fused ranking of late interaction by the fine-tuned model; "fitted", the
same by two models, each of the queries that it was not trained on (kept in ``FOLDER/fitted.json``). Dev chooses checkpoint,
share and window; test reports.

A row is a collection, a variant, a number of documents, a weight and a seed: nDCG@10 on dev over the whole corpus, on test
against the fine-tuned model with its 95 % interval, and both with a matrix behind, taught by the labels and by late
interaction of the model that it is put on; with ``--elsewhere`` the first seed's nDCG@10 on another collection, capped as
``benchmarks.late_untrained`` does. Rows are added as they come, and a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from benchmarks.distilling import Home, there
from benchmarks.quality import Collection
from benchmarks.rows import Rows
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.choose import at_best_window
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.dense import Vectors, VectorScorer, dense_run
from tutorial_lib.retrieval.reranking import DEPTH
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.cross_encoder import reranking_pairs
from tutorial_lib.training.crossfit import cross_fitted_teacher
from tutorial_lib.training.distill_settings import DistillSettings
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import TrainSettings
from tutorial_lib.training.taught import Taught, teach
from tutorial_lib.training.teaching import Teaching

VARIANTS = ("labels", "late", "fitted")


class Lesson:
    """A collection with its teachers, made once; whoever is trained starts from the base model."""

    def __init__(self, name: str, folder: Path, model: str = DEFAULT_MODEL) -> None:
        """Read a folder with dataset/ and model/; ``model`` is the base model."""
        self.home = Home(name, folder)
        self.start = Collection(name, folder / "dataset", model)

    @cached_property
    def fitted(self) -> Run:
        """Late interaction's ranking of the training queries, each by a model that was not trained on it."""
        kept = self.home.folder / "fitted.json"
        if not kept.exists():
            with tempfile.TemporaryDirectory() as folder:
                made = cross_fitted_teacher(
                    self.home.dataset, self.start.bm25, Path(folder), share=self.home.weight, model=self.start.model
                )
            write_text(kept, json.dumps(made))
        return dict(json.loads(kept.read_text()))

    def teacher(self, variant: str) -> Run | None:
        """Return the ranking that a variant is taught by, of the first documents of each query."""
        if variant == "labels":
            return None
        run = self.fitted if variant == "fitted" else self.home.teacher
        return {q: dict(list(found.items())[:DEPTH]) for q, found in run.items()}

    def negatives(self, documents: int) -> dict[str, Sequence[str]]:
        """Return what each training query brings along: BM25's, or what the fine-tuned model ranks high."""
        if documents == 1:
            return {**self.start.negatives()}
        home = self.home
        scorer = VectorScorer(list(home.dataset.corpus), home.vectors.documents, home.encoder)
        base = self.start.encoded(self.start.base, "train", self.start.document_vectors)
        return {pair.query_id: pair.negative_ids[:documents] for pair in reranking_pairs(home.dataset, scorer, base)}

    def train(self, variant: str, documents: int, weight: float, seed: int) -> Encoder:
        """Return what training makes of the base model, with the window that dev chooses."""
        teacher = self.teacher(variant)
        settings = TrainSettings(seed=seed, negatives=documents)
        with tempfile.TemporaryDirectory() as folder:
            run = prepare_training(
                self.home.dataset,
                self.negatives(documents),
                self.start.bm25,
                Path(folder),
                settings=settings,
                teaching=Teaching(teacher, weight) if teacher else None,
                **self.start.start,
            )
            run.train()
        trained = self.start.start["window"] or settings.max_length
        return at_best_window(self.home.dataset, self.start.bm25, run.encoder, self.start.base_vectors, trained=trained)

    def measured(self, encoder: Encoder, seed: int) -> dict[str, Any]:
        """Return what a model gives on dev and on test, alone and with a matrix."""
        dataset = self.home.dataset
        alone = Vectors.of(dataset, encoder)
        taught: Taught = teach(dataset, encoder, DistillSettings(seed=seed))
        row: dict[str, Any] = {"window": encoder.settings.max_length, "epoch": taught.distilled.epoch}
        for name, vectors in {"alone": alone, "matrix": taught.vectors}.items():
            runs = {"tuned": self.home.tuned["test"], name: dense_run(dataset, vectors, "test")}
            dev = evaluate_run(dataset.qrels["dev"], dense_run(dataset, vectors, "dev"))[MAIN_MEASURE]
            row[name] = {"dev": dev, **vars(compare(dataset.qrels["test"], runs, "tuned", name).main)}
        return row


def elsewhere(encoder: Encoder, small: RetrievalDataset, window: int) -> float:
    """Return a model's nDCG@10 on the test queries of another collection, through the window chosen there."""
    run = dense_run(small, Vectors.of(small, encoder.with_window(window), ["test"]), "test")
    return evaluate_run(small.qrels["test"], run)[MAIN_MEASURE]


def main() -> None:
    """Write the rows that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="the base model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--documents", type=int, default=4, help="so many that each pair brings along")
    parser.add_argument("--weight", type=float, default=1.0, help="of the teacher; the judgments have 1")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--elsewhere", metavar="NAME=FOLDER", help="another workspace, to see what is forgotten there")
    options = parser.parse_args()
    rows = Rows(options.out, "python -m benchmarks.teaching")
    for name, folder in (w.split("=", 1) for w in options.workspace):
        lesson = Lesson(name, Path(folder), options.model)
        for seed, variant in ((s, v) for s in range(options.seeds) for v in options.only):
            how = {"variant": variant, "documents": options.documents, "weight": options.weight, "seed": seed}
            if (job := {"dataset": name, **how}) in rows:
                continue
            started = time.process_time()
            encoder = lesson.train(**how)
            row = {**job, "cpu_seconds": time.process_time() - started, **lesson.measured(encoder, seed)}
            if options.elsewhere and not seed:
                away, small, window = there(options.elsewhere)
                models = {"tuned": lesson.home.encoder, "taught": encoder}
                row[f"elsewhere: {away}"] = {n: elsewhere(model, small, window) for n, model in models.items()}
            rows.add(row)
            found = ((n, row[n]) for n in ("alone", "matrix"))
            told = (f"{n} {d['before']:.3f} -> {d['after']:.3f} ({d['low']:+.3f} to {d['high']:+.3f})" for n, d in found)
            print(f"{name} {variant} {options.documents} {seed}:", "; ".join(told), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
