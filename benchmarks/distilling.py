"""What does a matrix learn from late interaction, on which collection, from which queries, and what does it forget elsewhere?

    python -m benchmarks.distilling --workspace support_desk=FOLDER aws_docs=FOLDER … --out benchmarks/results/distilling.json
        [--seeds 3] [--elsewhere NAME] [--titles 4000]

FOLDER is a workspace, or any folder with ``dataset/`` (BEIR) and ``model/`` (fine-tuned); ``tuned_vectors/`` in it are used.
The teacher is the fused ranking of late interaction over the first 30 articles of each training query, with the share that
dev chooses. Variants: "both" sides, "queries" alone, the "teacher" without labels, "labels" without a teacher, "titles": the
titles of so many articles are further queries of the teacher; and other teachers beside the labels: "self", the fine-tuned
model's own ranking, and "cross", that ranking fused with the scores of the cross-encoder that ``benchmarks.cross_encoders
quality`` has left in ``FOLDER/cross``, with the share that dev likes best. Dev chooses the epoch, or the identity; test
reports.

A row is a collection, a variant and a seed: nDCG@10 on test against the fine-tuned model, with its 95 % interval, and late
interaction on top against late interaction alone; with ``--elsewhere`` what the first seed's matrix does to the fine-tuned
model's vectors of that other workspace's collection, capped as ``benchmarks.late_untrained`` does. Rows are added as they
come, and a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.cross_encoders import SHARES, chosen, kept_scores
from benchmarks.late_untrained import capped
from benchmarks.rows import Rows
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import SPLITS, RetrievalDataset
from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.cross_encoder import CrossReranker
from tutorial_lib.retrieval.dense import Vectors, dense_run, exact_search
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import DEPTH, first_scores, reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.distill import Distilled, distill
from tutorial_lib.training.distill_settings import DistillSettings

VARIANTS: dict[str, dict[str, Any]] = {
    "both": {},
    "queries": {"sides": "queries"},
    "teacher": {"labels": 0.0},
    "labels": {"teaching": 0.0},
    "titles": {},
    "self": {},
    "cross": {},
}
ALWAYS = tuple(name for name in VARIANTS if name != "cross")
"""What is measured where nothing is named: the cross-encoder has to be trained first."""
AWAY = (250, 2000)
"""Queries of each split and articles of the other collection, when what is forgotten is asked."""


class Home:
    """A collection with its fine-tuned model, and what every variant needs, made once."""

    def __init__(self, name: str, folder: Path) -> None:
        """Read a folder with dataset/ and model/."""
        self.name, self.folder = name, folder
        self.dataset, self.encoder = read_beir(folder / "dataset"), Encoder.load(folder / "model")
        self.late = LateInteraction(self.encoder, self.dataset.document_texts())

    @cached_property
    def vectors(self) -> Vectors:
        """The fine-tuned model's."""
        stored = self.folder / "tuned_vectors"
        return Vectors.load(stored) if stored.exists() else Vectors.of(self.dataset, self.encoder)

    @cached_property
    def tuned(self) -> dict[str, Run]:
        """The fine-tuned model's run of each split."""
        return {split: dense_run(self.dataset, self.vectors, split) for split in SPLITS}

    @cached_property
    def weight(self) -> float:
        """MaxSim's share, chosen on dev."""
        run = self.tuned["dev"]
        return choose_weight(self.dataset, run, self.late.maxsim(self.dataset.query_texts("dev"), run))

    def fused(self, queries: dict[str, str], run: Run, late: LateInteraction | None = None) -> Run:
        """Return a run ranked again."""
        return (late or self.late).rerank(queries, run, weight=self.weight)

    @cached_property
    def teacher(self) -> Run:
        """Late interaction's ranking of the training queries."""
        return self.fused(self.dataset.query_texts("train"), self.tuned["train"])

    @cached_property
    def cross(self) -> tuple[float, Run]:
        """The share of a cross-encoder that dev likes best, and the ranking of the training queries fused with it so."""
        reranker = CrossReranker(CrossEncoder.load(self.folder / "cross"), self.dataset.document_texts(), DEPTH)
        texts = {split: self.dataset.query_texts(split) for split in ("train", "dev")}
        kept = {split: self.folder / "cross" / f"scores.{split}.json" for split in texts}
        scores = {split: kept_scores(kept[split], reranker, texts[split], self.tuned[split]) for split in texts}
        means, _ = chosen(self.dataset.qrels["dev"], self.tuned["dev"], scores["dev"])
        share = max(SHARES, key=lambda share: means[f"{share:g}"])
        return share, reranked(self.tuned["train"], scores["train"], share)

    def ranking(self, variant: str) -> Run:
        """Return a variant's teacher's ranking of the training queries."""
        if variant == "cross":
            return self.cross[1]
        return first_scores(self.tuned["train"]) if variant == "self" else self.teacher

    @cached_property
    def again(self) -> Run:
        """The fine-tuned model with late interaction, on test."""
        return self.fused(self.dataset.query_texts("test"), self.tuned["test"])

    def titles(self, most: int) -> tuple[dict[str, Any], Run]:
        """Return a draw of articles' titles as unjudged queries: their vectors, and the teacher's ranking of them."""
        ids = sorted(a for a, document in self.dataset.corpus.items() if document.title)
        drawn = sorted(np.random.default_rng(0).permutation(ids)[:most].tolist())
        texts = {f"title of {a}": self.dataset.corpus[a].title for a in drawn}
        vectors = self.encoder.encode_queries(list(texts.values()))
        run = exact_search(list(texts), vectors, list(self.dataset.corpus), self.vectors.documents)
        return dict(zip(texts, vectors, strict=True)), self.fused(texts, run)

    def train(self, variant: str, seed: int, most: int) -> Distilled:
        """Return the matrix of a variant."""
        settings = DistillSettings(seed=seed, **VARIANTS[variant])
        unjudged, further = self.titles(most) if variant == "titles" else ({}, {})
        teacher = {**self.ranking(variant), **further} if settings.teaching else None
        return distill(self.dataset, self.vectors, teacher, settings, unjudged=unjudged)

    def alone(self, made: Distilled) -> dict[str, Any]:
        """Return what a matrix gives on test by itself."""
        runs = {"tuned": self.tuned["test"], "matrix": dense_run(self.dataset, made.turn(self.vectors), "test")}
        return vars(compare(self.dataset.qrels["test"], runs, "tuned", "matrix").main)

    def with_late(self, made: Distilled) -> dict[str, Any]:
        """Return what late interaction gives on test, without the matrix and on top of it."""
        run = dense_run(self.dataset, made.turn(self.vectors), "test")
        runs = {"tuned": self.tuned["test"], "tuned+late": self.again, "matrix+late": self.again}
        if made.epoch:
            late = self.late.turned(made.matrix, queries_only=made.settings.sides == "queries")
            runs["matrix+late"] = self.fused(self.dataset.query_texts("test"), run, late)
        qrels = self.dataset.qrels["test"]
        pairs = {"late on tuned": ("tuned", "tuned+late"), "late": ("tuned+late", "matrix+late")}
        return {name: vars(compare(qrels, runs, *pair).main) for name, pair in pairs.items()}


def there(elsewhere: str) -> tuple[str, RetrievalDataset, int]:
    """Return name, capped dataset and window of another workspace, NAME=FOLDER."""
    name, folder = elsewhere.split("=", 1)
    window = Encoder.load(Path(folder, "model")).settings.max_length
    return name, capped(read_beir(Path(folder, "dataset")), *AWAY), window


def forgotten(made: Distilled, home: Home, small: RetrievalDataset, window: int) -> dict[str, Any]:
    """Return what a matrix does to the vectors that its model makes of another collection's test queries and articles."""
    vectors = Vectors.of(small, home.encoder.with_window(window), ["test"])
    runs = {"tuned": dense_run(small, vectors, "test"), "matrix": dense_run(small, made.turn(vectors), "test")}
    return vars(compare(small.qrels["test"], runs, "tuned", "matrix").main)


def main() -> None:
    """Write the rows that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--titles", type=int, default=4000, help="so many titles at most")
    parser.add_argument("--elsewhere", metavar="NAME=FOLDER", help="another workspace, to see what is forgotten there")
    parser.add_argument("--alone", action="store_true", help="leave out late interaction on top, which reads every article")
    parser.add_argument("--only", nargs="+", choices=tuple(VARIANTS), default=list(ALWAYS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = Rows(options.out, "python -m benchmarks.distilling")
    for name, folder in (w.split("=", 1) for w in options.workspace):
        home = Home(name, Path(folder))
        for variant, seed in ((v, s) for v in options.only for s in range(options.seeds)):
            if {"dataset": name, "variant": variant, "seed": seed} in rows:
                continue
            started = time.process_time()
            made = home.train(variant, seed, options.titles)
            row = {"dataset": name, "variant": variant, "seed": seed, "dev": made.dev, "epoch": made.epoch}
            row |= {"cpu_seconds": time.process_time() - started, "alone": home.alone(made)}
            if variant == "cross":
                row["cross_share"] = home.cross[0]
            if not options.alone:
                row |= {"share": home.weight, **home.with_late(made)}
            if options.elsewhere and variant == "both" and not seed:
                away, small, window = there(options.elsewhere)
                row[f"elsewhere: {away}"] = forgotten(made, home, small, window)
            rows.add(row)
            gains = [(n, row[n]) for n in ("alone", "late on tuned", "late") if n in row]
            told = (f"{n} {d['before']:.3f} -> {d['after']:.3f} ({d['low']:+.3f} to {d['high']:+.3f})" for n, d in gains)
            print(f"{name} {variant} {seed}: pass {made.epoch} kept;", "; ".join(told), flush=True)


if __name__ == "__main__":
    main()
