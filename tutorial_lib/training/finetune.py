"""A fine-tuning run prepared, trained and resumed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.dev_pool import rises
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.lora import adapter_update, add_adapter, low_precision, set_strength, without_dropout
from tutorial_lib.models.settings import ModelError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.training.arguments import trainer_arguments
from tutorial_lib.training.checkpoints import newest_whole, step_of, to_go_on_from
from tutorial_lib.training.dev import DevSet, dev_set, mean_score
from tutorial_lib.training.pairs import Pair, PairCollator, documents_of, training_pairs
from tutorial_lib.training.schedule import Schedule
from tutorial_lib.training.settings import LoraSettings, TrainResult, TrainSettings
from tutorial_lib.training.teaching import Teaching
from tutorial_lib.training.trainer import ContrastiveTrainer


@dataclass
class FineTuning:
    """A run prepared but not started: ``train`` it, then save its encoder.

    Attributes:
        encoder: The encoder that is trained, in place, with its own window.
        trainer: Its Trainer, whose encoder is the same one with the window that training and dev read.
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
        arguments = self.trainer.args
        said = arguments.process_index == 0
        checkpoint = to_go_on_from(Path(str(arguments.output_dir)), said=said) if resume else None
        self.trainer.start_dev_log(checkpoint)
        hardware.give_back_memory()  # what notebooks did before counts at the peak, too
        started = time.monotonic()
        done = step_of(checkpoint) if checkpoint else 0
        with self.training_precision():
            self.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        result = self._result(time.monotonic() - started, done)
        hardware.give_back_memory()
        return result

    def _result(self, seconds: float, done: int) -> TrainResult:
        """Choose what is kept, and return what was done in ``seconds`` from step ``done`` on."""
        state, dev = self.trainer.state, self.trainer.dev_log
        log: list[dict[str, Any]] = state.log_history
        best = step_of(state.best_model_checkpoint) if state.best_model_checkpoint else state.global_step
        # A gentle pass is weak already: a share of it would be held back twice.
        shares = self.settings.strengths if best != self.trainer.schedule.gentle else ()
        strengths, strength = self._choose_strength(dev.scores[0], dev.scores[best], shares) if dev.scores else ([], 1.0)
        trained = len(self.pairs) * (state.global_step - done) / math.ceil(len(self.pairs) / self.settings.batch_size)
        return TrainResult(
            losses=[(int(e["step"]), e["loss"]) for e in log if "loss" in e],
            dev=dev.means(),
            best_step=best if strength else 0,
            strengths=strengths,
            strength=strength,
            steps=state.global_step,
            pairs=len(self.pairs),
            seconds=seconds,
            pairs_per_s=trained / max(1e-9, seconds - dev.seconds),
            trainable=sum(p.numel() for p in self.encoder.model.parameters() if p.requires_grad),
            parameters=self.parameters,
        )

    def last_checkpoint(self) -> Path | None:
        """Return the last checkpoint that was written to its end and is as it was written, or None."""
        return newest_whole(Path(str(self.trainer.args.output_dir))).checkpoint

    @contextmanager
    def training_precision(self) -> Iterator[None]:
        """Within the block: the attention kernel and the precision of frozen weights that training uses."""
        frozen_in_bf16 = self.lora is not None and hardware.bf16_is_fast(self.encoder.device)
        with self.encoder.training(), low_precision(self.encoder.model) if frozen_in_bf16 else nullcontext():
            yield

    def _choose_strength(
        self, before: Mapping[str, float], after: Mapping[str, float], shares: Sequence[float]
    ) -> tuple[list[tuple[float, float]], float]:
        """Leave the encoder with the share of its update that dev likes best; return all tried and that share."""
        update = adapter_update(self.encoder) if self.lora is not None else {}
        scores = {1.0: after}
        for share in shares if update else ():
            if share not in scores:
                set_strength(self.encoder, update, share)
                scores[share] = self._dev_scores()
        means = {share: mean_score(by_query) for share, by_query in scores.items()}
        best = max(means, key=lambda share: (means[share], share))
        if not rises(before, scores[best]):
            best = 0.0
        if update:
            set_strength(self.encoder, update, best)
        elif not best:
            self._restore_base()
        return sorted(means.items()), best

    def _dev_scores(self) -> dict[str, float]:
        """Return the dev scores by query, encoded as the checkpoints were."""
        assert self.trainer.dev is not None
        with self.training_precision(), self.encoder.inference():
            return self.trainer.dev.score(self.trainer.encoder)

    def _restore_base(self) -> None:
        base = Encoder.load(self.encoder.name, device=self.encoder.device).model
        self.encoder.model.load_state_dict(base.state_dict())
        self.encoder.changed()


def prepare_training(
    dataset: RetrievalDataset,
    negatives: Mapping[str, Sequence[str]],
    bm25: BM25,
    checkpoints: Path,
    *,
    model: str | Path,
    window: int | None = None,
    base: Vectors | None = None,
    lora: LoraSettings | None = None,
    settings: TrainSettings | None = None,
    device: torch.device | None = None,
    all_weights: bool = False,
    teaching: Teaching | None = None,
) -> FineTuning:
    """Return a run ready to start: base model with a fresh adapter, pairs, dev pool and Trainer.

    Args:
        dataset: Training and dev splits are used; test is never looked at.
        negatives: Mined negatives by training query.
        bm25: Index over the corpus, for the dev pool.
        checkpoints: Folder for checkpoints; a run is resumed from the same folder.
        model: Base model to adapt.
        window: Tokens of a text that training (``max_length`` at most) and dev read, as dev chose them for the base model
            (``UntrainedSettings.training_window``); None for its own. The encoder that comes out has its own window.
        base: The base model's vectors, whose best articles stand in the dev pool too.
        lora: Shape of the adapter.
        settings: Training settings.
        device: Where to train; a GPU if there is one.
        all_weights: Train every weight of the model instead of an adapter; it wants a learning rate some forty times
            lower.
        teaching: A teacher's ranking of the training queries, to be imitated beside the judgments; None for none.

    Raises:
        DataError: Fewer than two pairs, or negatives that contradict the dataset.
        ModelError: The model cannot be loaded or adapted, was trained with other prompts than the settings name, or is too
            small for them (``check_sizes``).
    """
    lora, settings = lora or LoraSettings(), settings or TrainSettings()
    pairs = training_pairs(dataset, negatives, settings.negatives)
    dev = dev_set(dataset, bm25, settings, base) if dataset.qrels["dev"] and settings.dev_queries else None
    torch.manual_seed(settings.seed)
    encoder = Encoder.load(model, device=device, query_prompt=settings.query_prompt, document_prompt=settings.document_prompt)
    check_sizes(encoder, settings, None if all_weights else lora)
    parameters = sum(p.numel() for p in encoder.model.parameters())
    fixed = None if settings.train_documents else _base_vectors(dataset, _narrowed(encoder, window), pairs, dev)
    if not all_weights:
        without_dropout(encoder.model)
        add_adapter(encoder, lora)
    schedule = Schedule.of(settings, len(pairs))
    arguments = trainer_arguments(checkpoints, settings, schedule, encoder.device, scored=dev is not None, amp=all_weights)
    narrow = _narrowed(encoder, window)  # of the model with its adapter
    collator = PairCollator(dataset, narrow, settings, fixed, teaching)
    trainer = ContrastiveTrainer(
        encoder=narrow, pairs=pairs, dev=dev, settings=settings, schedule=schedule, args=arguments, data_collator=collator
    )
    return FineTuning(encoder, trainer, pairs, None if all_weights else lora, settings, parameters)


def check_sizes(encoder: Encoder, settings: TrainSettings, lora: LoraSettings | None) -> None:
    """Refuse settings that this model is too small for.

    Raises:
        ModelError: ``matryoshka`` or the adapter's rank lies above its dimension, or ``max_length`` above its positions; or
            the model has a module Dense.
    """
    config, whose = encoder.model.config, encoder.name
    if encoder.matrix is not None or encoder.query_matrix is not None:
        raise ModelError(f"{whose} has a module Dense, which is trained last: pass the model it was put on")
    width = int(getattr(config, "hidden_size", encoder.dimension))
    tokens = max(encoder.settings.max_length, int(getattr(config, "max_position_embeddings", 0)))
    room = max(tokens, TrainSettings.max_length)  # of a model with fewer positions the default reads as many as there are
    vectors = f"the vectors of {whose} have {encoder.dimension} numbers"
    sizes = [("matryoshka", size, encoder.dimension, vectors) for size in settings.matryoshka]
    sizes += [("max_length", settings.max_length, room, f"{whose} has positions for {tokens} tokens")]
    sizes += [("rank", lora.rank, width, f"the layers of {whose} are {width} wide")] if lora else []
    for name, asked, most, why in sizes:
        if asked > most:
            raise ModelError(f"{name} is {asked}: {why}, pass at most that")


def _narrowed(encoder: Encoder, window: int | None) -> Encoder:
    return encoder.with_window(window) if window else encoder


def _base_vectors(
    dataset: RetrievalDataset, encoder: Encoder, pairs: Sequence[Pair], dev: DevSet | None
) -> dict[str, torch.Tensor]:
    """Return the base model's vectors of all articles in ``pairs`` by id; the dev pool gets its own."""
    used = documents_of(pairs)
    vectors = torch.from_numpy(encoder.encode_documents([dataset.corpus[a].full_text for a in used]))
    if dev is not None:
        dev.document_vectors = encoder.encode_documents(list(dev.documents.values()))
    return dict(zip(used, vectors.to(encoder.device), strict=True))
