"""A cross-encoder trained from the same pairs as the embedding model: prepared, trained, resumed, saved."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.evaluation.dev_pool import rises
from tutorial_lib.files import new_folder
from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.hardware import give_back_memory
from tutorial_lib.models.lora import add_adapter, without_dropout
from tutorial_lib.models.saving import write_checksums
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.scorer import Scorer
from tutorial_lib.training.checkpoints import DEV_SCORES, remove_checkpoints, step_of, to_go_on_from
from tutorial_lib.training.cross_card import cross_card
from tutorial_lib.training.cross_settings import RESULT_FILE, CrossResult, CrossSettings
from tutorial_lib.training.cross_trainer import CrossTrainer, DevShortlists, best_weight, lists_of
from tutorial_lib.training.dev import mean_score
from tutorial_lib.training.mining import MiningSettings, mine_negatives
from tutorial_lib.training.pairs import Pair, training_pairs

MINING = MiningSettings(range_max=30, per_query=12)
"""A reranker meets the first documents of a ranking: its negatives come from among them."""


def reranking_pairs(
    dataset: RetrievalDataset, scorer: Scorer, vectors: Vectors, mining: MiningSettings = MINING
) -> list[Pair]:
    """Return training pairs with negatives from the first documents of the ranker whose mistakes are to be mended.

    Likely answers that nobody recorded are left out, as ``mine_negatives`` does.

    Args:
        dataset: Its training judgments are used.
        scorer: What ranks first when the cross-encoder is used: ``VectorScorer`` of the fine-tuned model.
        vectors: The second opinion on who may be an answer: the base model's. The fine-tuned model has seen the answers.
        mining: Window and filters.

    Raises:
        DataError: Scorer or vectors are not of this dataset, or there are fewer than two pairs.
    """
    return training_pairs(dataset, mine_negatives(dataset, scorer, vectors, mining).negatives, mining.per_query)


@dataclass
class CrossTraining:
    """A run prepared but not started.

    Attributes:
        model: The cross-encoder that is trained, in place.
        encoder: The transformer in it, with an adapter if there is one.
        trainer: sentence-transformers' trainer.
        dev: What checkpoints are scored on.
        settings: Training settings.
    """

    model: CrossEncoder
    encoder: Encoder
    trainer: CrossTrainer
    dev: DevShortlists
    settings: CrossSettings

    def train(self, *, resume: bool = False) -> CrossResult:
        """Train, with a progress bar on stderr; with ``resume`` go on from the last whole checkpoint if there is one.

        The checkpoint that reranks dev queries best is kept, and an adapter is merged into the weights. The result says
        how far it is to be trusted: not at all (0) unless dev rises by more than the standard error of the difference.
        """
        checkpoint = to_go_on_from(Path(str(self.trainer.args.output_dir))) if resume else None
        if not (checkpoint and self.trainer.dev_log.read(checkpoint / DEV_SCORES)):
            self.trainer.dev_log.scores = {0: self.dev.before()}
        trainable = sum(p.numel() for p in self.model.model.parameters() if p.requires_grad)
        started = time.monotonic()
        with self.encoder.training():
            self.trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        self._merge()
        give_back_memory()
        return self._result(time.monotonic() - started, trainable)

    def _merge(self) -> None:
        """Add an adapter's update into the weights, in place: what is saved are plain weights."""
        if self.settings.rank:
            self.encoder.changed()
            self.encoder.model = self.encoder.model.merge_and_unload()
        self.model.model.eval()

    def _result(self, seconds: float, trainable: int) -> CrossResult:
        state, evaluator = self.trainer.state, self.trainer.dev_evaluator
        log: list[dict[str, Any]] = state.log_history
        best = step_of(state.best_model_checkpoint) if state.best_model_checkpoint else state.global_step
        scores = evaluator.scores.get(best) or self.dev.scores(self.model)
        after = self.dev.after(scores)
        weight = best_weight(after)
        return CrossResult(
            losses=[(int(e["step"]), e["loss"]) for e in log if "loss" in e],
            dev=self.trainer.dev_log.means(),
            weights=[(w, mean_score(by_query)) for w, by_query in after.items()],
            weight=weight if rises(self.dev.before(), after[weight]) else 0.0,
            best_step=best,
            steps=state.global_step,
            pairs=len(self.trainer.order),
            depth=self.settings.depth,
            seconds=seconds,
            trainable=trainable,
            parameters=sum(p.numel() for p in self.model.model.parameters()),
        )


def prepare_cross_training(
    dataset: RetrievalDataset,
    pairs: Sequence[Pair],
    run: Run,
    checkpoints: Path,
    *,
    model: str | Path,
    settings: CrossSettings | None = None,
    device: torch.device | None = None,
) -> CrossTraining:
    """Return a run ready to start: a model with a fresh head, lists of documents, dev queries and trainer.

    Args:
        dataset: Training and dev splits are used; test is never looked at.
        pairs: Training pairs with their negatives (``reranking_pairs``).
        run: The first ranking of the dev queries, which the cross-encoder is to better.
        checkpoints: Folder for checkpoints; a run is resumed from the same folder.
        model: An embedding model's folder, base or fine-tuned, or an adapter's, which is merged with its base.
        settings: Training settings.
        device: Where to train; a GPU if there is one.

    Raises:
        DataError: There are no pairs, or no dev queries: nothing would tell whether the cross-encoder is any good.
        ValueError: The run does not answer a dev query.
        ModelError: The model cannot be loaded or adapted, or has fewer positions than ``max_length``.
    """
    settings = settings or CrossSettings()
    if not pairs or not dataset.qrels["dev"]:
        found = "no training pairs" if not pairs else "no dev queries"
        raise DataError(f"{found}: a cross-encoder is trained on the one and chosen on the other")
    dev = DevShortlists.of(dataset, run, settings)
    lists = lists_of(pairs, dataset, settings)
    torch.manual_seed(settings.seed)
    encoder = Encoder.load(model, device=device).with_window(settings.max_length)
    cross_encoder = with_fresh_head(encoder)
    without_dropout(encoder.model)  # in so few steps it hides what there is to learn, and dev chooses the checkpoint
    if settings.lora is not None:
        add_adapter(encoder, settings.lora)  # the head is no layer of it: it stays trainable as it is
    trainer = CrossTrainer(cross_encoder, lists, dev, settings, checkpoints)
    return CrossTraining(cross_encoder, encoder, trainer, dev, settings)


def with_fresh_head(encoder: Encoder) -> CrossEncoder:
    """Return a cross-encoder of the encoder's transformer, window and pooling, with a head of random weights.

    The head reads the pooled token vectors, which the model was trained to give. The pooler that ``BertModel`` brings
    along is left alone: in an embedding model it was never trained, and squeezes all pairs into nearly the same score.
    ``encoder`` then holds the same transformer: an adapter put on it is on the cross-encoder too.
    """
    from sentence_transformers import CrossEncoder as Model  # here: it takes seconds
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    with tempfile.TemporaryDirectory() as bare:
        encoder.model.save_pretrained(bare, safe_serialization=True)
        encoder.tokenizer.save_pretrained(bare)
        transformer = Transformer(bare, max_seq_length=encoder.settings.max_length)
    device, size = encoder.device, encoder.dimension
    # Scores are used as they are, and a sigmoid would tie the best of them at 1.
    head = Dense(size, 1, activation_function=torch.nn.Identity(), module_output_name="scores")
    modules = [transformer, Pooling(size, encoder.settings.pooling), head]
    model = Model(modules=modules, device=str(device), activation_fn=torch.nn.Identity())
    transformer.model.name_or_path = encoder.name  # not the folder that is gone
    encoder.model = transformer.model
    encoder.changed()
    return CrossEncoder(model, encoder.name)


def train_cross_encoder(
    dataset: RetrievalDataset,
    pairs: Sequence[Pair],
    run: Run,
    folder: Path,
    checkpoints: Path,
    *,
    model: str | Path,
    settings: CrossSettings | None = None,
    device: torch.device | None = None,
) -> CrossResult:
    """Train a cross-encoder and write it and its result into ``folder``; an interrupted training goes on.

    ``sentence_transformers.CrossEncoder(folder)`` and our ``CrossEncoder.load(folder)`` read it. The folder stands when it
    is complete, and replaces what stood there.

    Args and what is raised are those of ``prepare_cross_training``; the checkpoints are deleted at the end.
    """
    settings = settings or CrossSettings()
    training = prepare_cross_training(dataset, pairs, run, checkpoints, model=model, settings=settings, device=device)
    result = training.train(resume=True)
    with new_folder(folder) as part:
        save_cross_encoder(training.model, part, cross_card(dataset, str(model), settings, result))
        result.save(part / RESULT_FILE)
    remove_checkpoints(checkpoints)
    return result


def save_cross_encoder(model: CrossEncoder, folder: Path, card: str) -> None:
    """Write a cross-encoder as sentence-transformers' folder, weights as safetensors only, with ``card`` as its card."""
    model.model.save_pretrained(str(folder), create_model_card=False)
    write_checksums(folder)
    (folder / "README.md").write_text(card, encoding="utf-8")
