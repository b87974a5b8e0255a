"""Contrastive fine-tuning of an encoder with a LoRA adapter: settings, a run prepared, trained and resumed.

``python -m tutorial_lib.finetune --data BEIR_FOLDER --out DIR`` trains on a dataset of one's own without any notebook, also
under torchrun; ``--help`` lists its options (``train_command``).
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainingArguments

from tutorial_lib.contrastive import Pair, PairCollator, articles_of, training_pairs
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import LoraSettings, add_adapter, low_precision, scale_adapter, without_dropout
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.trainer import DEV_METRIC, ContrastiveTrainer, DevSet, PairDataset, dev_set

MAX_EPOCHS = 8

# The package imports this module, and `python -m tutorial_lib.finetune` runs it once more: here that is meant.
warnings.filterwarnings("ignore", message="'tutorial_lib.finetune' found in sys.modules", category=RuntimeWarning)


@dataclass(frozen=True)
class TrainSettings:
    """How the adapter is trained.

    Attributes:
        epochs: Passes over the training pairs, at least.
        min_steps: A small collection is passed over more often, until so many steps are made, but ``MAX_EPOCHS`` times at
            most; dev still decides which checkpoint is kept.
        batch_size: Pairs a step; every other pair's articles serve as in-batch negatives.
        negatives: Mined negatives used for each pair.
        learning_rate: Peak rate, reached after ``warmup`` of the steps, then falling linearly to 0.
        warmup: Share of steps that warm up.
        max_length: Tokens of a text read in training; encoding afterwards reads as many as the base model does.
        temperature: Cosines are divided by this before the softmax; lower is sharper.
        dev_evaluations: How often dev is scored; the best checkpoint by dev is kept.
        dev_queries: At most this many dev queries are used; 0 trains to the end without looking at dev.
        strengths: Shares of the adapter's update tried on dev, beside all of it, when training is done; the best is kept.
            A weaker update is a mean of base and tuned weights: it forgets less, and can be better where pairs are few.
        dev_pool_per_query: BM25's best articles per dev query that make up, with the positives, the fixed dev pool.
        mask_known_positives: Leave every other known positive of a query, and near-duplicates of its positives, out of
            its softmax; switched off only to show what they do.
        matryoshka: Also train the first so many numbers of a vector to do as a vector (Kusupati et al. 2022).
        train_articles: False trains queries only: articles keep the base model's vectors, so that no index is rebuilt.
        query_prompt: Text put before queries, in training and ever after; None for the base model's own.
        document_prompt: The same for articles.
        activation_tokens: So many tokens of a batch keep their activations for the backward pass; what goes beyond is
            encoded twice, a third slower. It bounds memory whatever the batch size, and changes no gradient.
        token_budget: Padded tokens encoded at a time; changes no result.
        seed: Seed of adapter, order and dev sample.
    """

    epochs: float = 1.0
    min_steps: int = 50
    batch_size: int = 64
    negatives: int = 1
    learning_rate: float = 2e-3
    warmup: float = 0.1
    max_length: int = 128
    temperature: float = 0.07
    dev_evaluations: int = 4
    dev_queries: int = 300
    strengths: tuple[float, ...] = (1.0, 0.7, 0.4)
    dev_pool_per_query: int = 5
    mask_known_positives: bool = True
    matryoshka: tuple[int, ...] = ()
    train_articles: bool = True
    query_prompt: str | None = None
    document_prompt: str | None = None
    activation_tokens: int = 16_384
    token_budget: int = 2048
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse shares of the update that are none."""
        wrong = [share for share in self.strengths if not 0 < share <= 1]
        if wrong:
            raise ValueError(f"strengths {wrong} lie outside 0 to 1: pass shares of the update; the base model, 0, is "
                             "always among the candidates")


@dataclass(frozen=True)
class TrainResult:
    """What a training run did.

    Attributes:
        losses: (step, mean loss since the last entry).
        dev: (step, nDCG@10 on the dev pool); step 0 is the model before training.
        best_step: Step of the checkpoint kept; 0 if dev did not rise by more than its standard error, and the base model
            was kept.
        strengths: (share of the update, nDCG@10 on the dev pool) of those tried.
        strength: The share kept; 1 if dev had no say, 0 for the base model.
        steps: Steps taken in all.
        pairs: Training pairs.
        seconds: Time in training, dev scores of checkpoints included; the last part only after an interruption.
        pairs_per_s: Pairs trained on per second of the time above, dev scoring excluded.
        trainable: Parameters trained.
        parameters: Parameters of the base model.
    """

    losses: list[tuple[int, float]]
    dev: list[tuple[int, float]]
    best_step: int
    strengths: list[tuple[float, float]]
    strength: float
    steps: int
    pairs: int
    seconds: float
    pairs_per_s: float
    trainable: int
    parameters: int

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> TrainResult:
        """Read what ``save`` wrote."""
        record = json.loads(path.read_text(encoding="utf-8"))
        for key in ("losses", "dev", "strengths"):  # JSON has no tuples
            record[key] = [tuple(entry) for entry in record[key]]
        return cls(**record)


@dataclass
class FineTuning:
    """A run prepared but not started: ``train`` it, then save its encoder.

    Attributes:
        encoder: The encoder that is trained, in place.
        trainer: Its Trainer.
        pairs: Training pairs.
        lora: Shape of the adapter, or None if all weights are trained.
        settings: Training settings.
        parameters: Parameters of the base model.
    """

    encoder: Encoder
    trainer: ContrastiveTrainer
    pairs: list[Pair]
    lora: LoraSettings | None
    settings: TrainSettings
    parameters: int

    def train(self, *, resume: bool = False) -> TrainResult:
        """Train, with a progress bar on stderr; with ``resume`` go on from the last checkpoint if there is one.

        Of the checkpoints the one with the best dev score is kept. If it is not above the base model's by more than the
        standard error of the difference over dev queries, the base model is kept: a gain that small may as well be a loss.
        """
        checkpoint = self.last_checkpoint() if resume else None
        self.trainer.start_dev_log(resumed=checkpoint is not None)
        started = time.monotonic()
        done = int(checkpoint.rsplit("-", 1)[1]) if checkpoint else 0
        with self.training_precision():
            self.trainer.train(resume_from_checkpoint=checkpoint)
        seconds = time.monotonic() - started
        state = self.trainer.state
        best = int(state.best_model_checkpoint.rsplit("-", 1)[1]) if state.best_model_checkpoint else state.global_step
        dev = self.trainer.dev_log
        strengths, strength = self._choose_strength(dev[0], dev[best]) if dev else ([], 1.0)
        trained = len(self.pairs) * (state.global_step - done) / math.ceil(len(self.pairs) / self.settings.batch_size)
        log: list[dict[str, Any]] = state.log_history
        return TrainResult(
            losses=[(int(e["step"]), e["loss"]) for e in log if "loss" in e],
            dev=[(step, float(np.mean(list(scores.values())))) for step, scores in sorted(dev.items())],
            best_step=best if strength else 0,
            strengths=strengths,
            strength=strength,
            steps=state.global_step,
            pairs=len(self.pairs),
            seconds=seconds,
            pairs_per_s=trained / max(1e-9, seconds - self.trainer.dev_seconds),
            trainable=sum(p.numel() for p in self.encoder.model.parameters() if p.requires_grad),
            parameters=self.parameters,
        )

    def last_checkpoint(self) -> str | None:
        """Return the last checkpoint written to its end, or None. A kill cuts one short: the Trainer's state comes last."""
        folder = Path(str(self.trainer.args.output_dir))
        whole = [state.parent for state in folder.glob("checkpoint-*/trainer_state.json")]
        return str(max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]))) if whole else None

    @contextmanager
    def training_precision(self) -> Iterator[None]:
        """Within the block: the attention kernel and the precision of frozen weights that training uses."""
        frozen_in_bf16 = self.lora is not None and hardware.bf16_is_fast(self.encoder.device)
        with self.encoder.training(), low_precision(self.encoder.model) if frozen_in_bf16 else nullcontext():
            yield

    def _choose_strength(
        self, before: Mapping[str, float], after: Mapping[str, float]
    ) -> tuple[list[tuple[float, float]], float]:
        """Leave the encoder with the share of its update that dev likes best; return all tried and that share."""
        scores, current, dev = {1.0: after}, 1.0, self.trainer.dev
        for share in self.settings.strengths if self.lora is not None else ():
            if share not in scores and dev is not None:
                scale_adapter(self.encoder, share / current)
                current = share
                with self.training_precision(), self.encoder.inference():  # as the checkpoints were scored
                    dev.score(self.encoder)
                scores[share] = dev.by_query
        means = {share: float(np.mean(list(s.values()))) for share, s in scores.items()}
        best = max(means, key=lambda share: (means[share], share))
        if not rises(before, scores[best]):
            best = 0.0
        if self.lora is not None:
            scale_adapter(self.encoder, best / current)
        elif not best:
            base = Encoder.load(self.encoder.name, device=self.encoder.device).model
            self.encoder.model.load_state_dict(base.state_dict())
            self.encoder.changed()
        return sorted(means.items()), best


def rises(before: Mapping[str, float], after: Mapping[str, float]) -> bool:
    """Return whether scores by query rose from ``before`` to ``after`` by more than the standard error of the mean."""
    differences = np.array([after[q] - before[q] for q in before])
    error = differences.std(ddof=1) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return bool(differences.mean() > error)


def prepare_training(
    dataset: RetrievalDataset,
    negatives: Mapping[str, Sequence[str]],
    bm25: BM25,
    checkpoints: Path,
    *,
    model: str | Path,
    lora: LoraSettings | None = None,
    settings: TrainSettings | None = None,
    device: torch.device | None = None,
    all_weights: bool = False,
) -> FineTuning:
    """Return a run ready to start: base model with a fresh adapter, pairs, dev pool and Trainer.

    Args:
        dataset: Training and dev splits are used; test is never looked at.
        negatives: Mined negatives by training query.
        bm25: Index over the corpus, for the dev pool.
        checkpoints: Folder for checkpoints; a run is resumed from the same folder.
        model: Base model to adapt.
        lora: Shape of the adapter.
        settings: Training settings.
        device: Where to train; a GPU if there is one.
        all_weights: Train every weight of the model instead of an adapter; it wants a learning rate some forty times
            lower.

    Raises:
        DataError: Fewer than two pairs, or negatives that contradict the dataset.
        ModelError: The model cannot be loaded or adapted, or was trained with other prompts than the settings name.
    """
    lora, settings = lora or LoraSettings(), settings or TrainSettings()
    pairs = training_pairs(dataset, negatives, settings.negatives)
    dev = dev_set(dataset, bm25, settings) if dataset.qrels["dev"] and settings.dev_queries else None
    torch.manual_seed(settings.seed)
    encoder = Encoder.load(model, device=device, query_prompt=settings.query_prompt,
                           document_prompt=settings.document_prompt)
    parameters = sum(p.numel() for p in encoder.model.parameters())
    fixed = None if settings.train_articles else _base_vectors(dataset, encoder, pairs, dev)
    if not all_weights:
        without_dropout(encoder.model)
        add_adapter(encoder, lora)
    trainer = ContrastiveTrainer(
        encoder=encoder, pairs=PairDataset(pairs), dev=dev, settings=settings,
        args=_trainer_arguments(checkpoints, settings, encoder, len(pairs), scored=dev is not None, amp=all_weights),
        data_collator=PairCollator(dataset, encoder, settings, fixed),
    )
    return FineTuning(encoder, trainer, pairs, None if all_weights else lora, settings, parameters)


def _base_vectors(
    dataset: RetrievalDataset, encoder: Encoder, pairs: Sequence[Pair], dev: DevSet | None
) -> dict[str, torch.Tensor]:
    """Return the base model's vectors of all articles in ``pairs`` by id; the dev pool gets its own."""
    used = articles_of(pairs)
    vectors = torch.from_numpy(encoder.encode_documents([dataset.corpus[a].full_text for a in used]))
    if dev is not None:
        dev.article_vectors = encoder.encode_documents(list(dev.articles.values()))
    return dict(zip(used, vectors.to(encoder.device), strict=True))


def _trainer_arguments(
    checkpoints: Path, settings: TrainSettings, encoder: Encoder, pairs: int, *, scored: bool, amp: bool
) -> TrainingArguments:
    per_epoch = math.ceil(pairs / settings.batch_size)
    epochs = max(settings.epochs, min(settings.min_steps / per_epoch, MAX_EPOCHS))
    steps = math.ceil(per_epoch * epochs)
    every = max(1, steps // settings.dev_evaluations) if scored else steps
    on_cpu = encoder.device.type == "cpu"
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        optim="adamw_torch",  # the fused kernel changes weights without raising their version, which MergedLinear watches
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup * steps),
        weight_decay=0.0,
        seed=settings.seed,
        data_seed=settings.seed,
        bf16=amp and hardware.bf16_is_fast(encoder.device),
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and int(os.environ.get("WORLD_SIZE", "1")) > 1 else None,
        logging_steps=max(1, min(10, steps // 20)),
        eval_strategy="steps" if scored else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=scored,
        metric_for_best_model=f"eval_{DEV_METRIC}" if scored else None,
        greater_is_better=True if scored else None,
        remove_unused_columns=False,
        label_names=[],
        dataloader_pin_memory=False,
        ddp_find_unused_parameters=False,
        report_to="none",
    )
    # One process with several GPUs in sight: Trainer would multiply the batch by their number and wrap the model.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def remove_checkpoints(checkpoints: Path) -> None:
    """Delete the checkpoints of a finished run."""
    shutil.rmtree(checkpoints, ignore_errors=True)


if __name__ == "__main__":
    from tutorial_lib.train_command import main

    raise SystemExit(main())
