"""Does it pay to train the token vectors of late interaction?

    python -m benchmarks.late_trained --workspace support_desk=FOLDER … --out benchmarks/results/late_trained.json
        [--seeds 1] [--learning-rate 5e-4]

FOLDER holds ``dataset/`` (BEIR) and ``model/`` (fine-tuned for single vectors), as ``benchmarks.quality --models`` keeps them
and as a finished run is. Its first thirty of every query are ranked again by MaxSim, fused with the share that dev chooses:
with the model's own token vectors, which nobody trained ("untrained"), and with those of sentence-transformers'
``MultiVectorEncoder``, trained for one pass with LoRA on the same pairs and negatives by its loss of in-batch negatives, from
the fine-tuned model ("from tuned") or from the base model ("from base"). The trained model only ranks again: the first thirty
are the fine-tuned model's always. Dev chooses the share; test reports.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, TaskType
from sentence_transformers import MultiVectorEncoder, MultiVectorEncoderTrainer, MultiVectorEncoderTrainingArguments
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.multi_vector_encoder.losses import MultiVectorMultipleNegativesRankingLoss
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.multi_vector_encoder.scoring import mean_colbert_scores

from benchmarks.peers import triplets
from benchmarks.quality import Collection
from benchmarks.rows import Rows
from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.folder import resolve_model
from tutorial_lib.models.hardware import bf16_is_fast
from tutorial_lib.models.settings import DEFAULT_MODEL, EncoderSettings
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.settings import TrainSettings

WINDOW = TrainSettings.max_length
"""Tokens of a text read in training."""
SCALE = 20.0
"""One over the temperature of the mean of cosines, that of single vectors in sentence-transformers."""


def trained(home: Collection, start: str, rate: float, seed: int) -> Encoder:
    """Return the encoder whose token vectors were trained for one pass over ``home``'s pairs, from the model ``start``."""
    transformer = Transformer(start, max_seq_length=WINDOW)
    special = [transformer.tokenizer.cls_token, transformer.tokenizer.sep_token]
    mask = MultiVectorMask(special, skiplist_tasks=["query", "document"])  # late interaction leaves them out, too
    model = MultiVectorEncoder(modules=[transformer, Normalize("token_embeddings"), mask], device="cpu")
    model.add_adapter(
        LoraConfig(task_type=TaskType.FEATURE_EXTRACTION, r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear")
    )
    loss = MultiVectorMultipleNegativesRankingLoss(model, scale=SCALE, similarity_fct=mean_colbert_scores, mini_batch_size=32)
    with tempfile.TemporaryDirectory() as folder:
        arguments = MultiVectorEncoderTrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=64,
            learning_rate=rate,
            warmup_ratio=0.1,
            bf16=bf16_is_fast(),
            seed=seed,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            logging_steps=5,
        )
        rows = Dataset.from_dict(triplets(home.dataset, home.negatives()))
        MultiVectorEncoderTrainer(model=model, args=arguments, train_dataset=rows, loss=loss).train()
    own = Encoder.load(start)
    return Encoder(
        transformer.auto_model, own.tokenizer, EncoderSettings(max_length=own.settings.max_length), "late, trained"
    )


class Shortlists:
    """The fine-tuned model's rankings, and what MaxSim makes of their first thirty."""

    def __init__(self, home: Collection, folder: Path) -> None:
        """Search with the model in ``folder``."""
        self.dataset, self.encoder = home.dataset, Encoder.load(folder / "model")
        vectors = Vectors.of(self.dataset, self.encoder, ["dev", "test"])
        self.runs = {split: dense_run(self.dataset, vectors, split) for split in ("dev", "test")}

    def ranked_again(self, encoder: Encoder) -> tuple[float, Run]:
        """Return MaxSim's share as dev chooses it, and the ranking of test."""
        late = LateInteraction(encoder, self.dataset.document_texts())
        asked = {split: self.dataset.query_texts(split) for split in self.runs}
        share = choose_weight(self.dataset, self.runs["dev"], late.maxsim(asked["dev"], self.runs["dev"]))
        return share, late.rerank(asked["test"], self.runs["test"], weight=share)


def row_of(name: str, folder: Path, rate: float, seed: int, model: str = DEFAULT_MODEL) -> dict[str, Any]:
    """Return what late interaction gives on test, untrained and trained from either model."""
    home = Collection(name, folder / "dataset", model)
    lists = Shortlists(home, folder)
    share, untrained = lists.ranked_again(lists.encoder)
    runs, shares, seconds = {"tuned": lists.runs["test"], "untrained": untrained}, {"untrained": share}, {}
    starts = {"from tuned": str(folder / "model"), "from base": str(resolve_model(home.model))}
    for way, start in starts.items():
        started = time.monotonic()
        encoder = trained(home, start, rate, seed).with_window(lists.encoder.settings.max_length)
        seconds[way] = time.monotonic() - started
        shares[way], runs[way] = lists.ranked_again(encoder)
    pairs = [("tuned", "untrained"), ("tuned", "from tuned"), ("untrained", "from tuned"), ("untrained", "from base")]
    told = {f"{a} -> {b}": vars(compare(home.dataset.qrels["test"], runs, a, b).main) for a, b in pairs}
    return {"dataset": name, "seed": seed, "rate": rate, "shares": shares, "seconds": seconds, MAIN_MEASURE: told}


def main() -> None:
    """Write the rows that the file does not hold yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", required=True, nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    options = parser.parse_args()
    made = Rows(options.out, "python -m benchmarks.late_trained")
    for seed in range(options.seeds):
        for name, folder in (w.split("=", 1) for w in options.workspace):
            if {"dataset": name, "seed": seed, "rate": options.learning_rate} in made:
                continue
            torch.manual_seed(seed)
            row = row_of(name, Path(folder), options.learning_rate, seed)
            made.add(row)
            for way, d in row[MAIN_MEASURE].items():
                print(f"{name} {seed} {way}: {d['before']:.3f} -> {d['after']:.3f} ({d['low']:+.3f} to {d['high']:+.3f})")


if __name__ == "__main__":
    main()
