"""What users would take instead: sentence-transformers' own trainer with MultipleNegativesRankingLoss, LoRA or full."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, TaskType
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
    losses,
)
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from transformers import TrainerCallback

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.folder import resolve_model
from tutorial_lib.models.settings import EncoderSettings
from tutorial_lib.training.pairs import training_pairs
from tutorial_lib.training.settings import LoraSettings, TrainSettings


class StepClock(TrainerCallback):
    """Notes the time at the end of every step, and stops after ``steps``; 0 lets the run go to its end."""

    def __init__(self, steps: int = 0) -> None:
        self.steps, self.times = steps, [time.monotonic()]

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self.times = [time.monotonic()]

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note the time."""
        self.times.append(time.monotonic())
        if self.steps and state.global_step >= self.steps:
            control.should_training_stop = True

    def pairs_per_s(self, batch_size: int, skip: int) -> float:
        """Return pairs a second after the first ``skip`` steps, in which memory and kernels are set up."""
        return batch_size * (len(self.times) - 1 - skip) / (self.times[-1] - self.times[skip])


def triplets(dataset: RetrievalDataset, negatives: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the training pairs as columns of texts, as sentence-transformers takes them, with a negative each."""
    pairs = training_pairs(dataset, negatives, 1)
    text = {a: document.full_text for a, document in dataset.corpus.items()}
    judged = dataset.qrels["train"]
    return {
        "anchor": [p.query for p in pairs],
        "positive": [text[p.positive_id] for p in pairs],
        # Nothing was mined for some queries: then the first article that is not judged.
        "negative": [text[next(a for a in (*p.negative_ids, *text) if a not in judged[p.query_id])] for p in pairs],
    }


def sentence_transformers(
    dataset: RetrievalDataset,
    negatives: Mapping[str, Sequence[str]],
    model: str,
    lora: LoraSettings | None,
    settings: TrainSettings,
    *,
    bf16: bool = False,
    clock: StepClock | None = None,
    epochs: float | None = None,
) -> Encoder:
    """Return the encoder that sentence-transformers trains on the same pairs, an adapter (None: all weights) and settings.

    Everything that is not named here is its default: float32 unless ``bf16``, the base model's dropout, batches padded to
    their longest text, no article twice in a batch (its advice for this loss).
    """
    theirs = SentenceTransformer(str(resolve_model(model)), device=None)
    theirs.max_seq_length = settings.max_length
    own_length = Encoder.load(model).settings.max_length
    if lora:
        theirs.add_adapter(
            LoraConfig(
                task_type=TaskType.FEATURE_EXTRACTION,
                r=lora.rank,
                lora_alpha=lora.alpha,
                lora_dropout=lora.dropout,
                target_modules=lora.peft_targets,
            )
        )
    rows = Dataset.from_dict(triplets(dataset, negatives))
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=settings.epochs if epochs is None else epochs,
            per_device_train_batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            warmup_ratio=settings.warmup,
            bf16=bf16,
            seed=settings.seed,
            save_strategy="no",
            report_to="none",
            use_cpu=not torch.cuda.is_available(),
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            logging_steps=10,
        )
        trainer = SentenceTransformerTrainer(
            model=theirs,
            args=arguments,
            train_dataset=rows,
            loss=losses.MultipleNegativesRankingLoss(theirs, scale=1 / settings.temperature),
            callbacks=[clock] if clock else None,
        )
        trainer.train()
    transformer = theirs[0].auto_model
    return Encoder(transformer, theirs.tokenizer, EncoderSettings(max_length=own_length), "sentence-transformers")
