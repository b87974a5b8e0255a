"""sentence-transformers' CrossEncoderTrainer over lists of documents, scored by reranking dev queries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from torch.utils.data import BatchSampler
from transformers import PrinterCallback, ProgressCallback
from transformers.trainer import DEFAULT_PROGRESS_CALLBACK

from tutorial_lib.data.dataset import RetrievalDataset, relevant
from tutorial_lib.evaluation.measures import MAIN_MEASURE, main_scores
from tutorial_lib.models import hardware
from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.retrieval.cross_encoder import CrossReranker
from tutorial_lib.retrieval.reranking import candidates, reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.callbacks import EpochOfStep, Forgetful, QuietProgress
from tutorial_lib.training.checkpoints import DEV_SCORES, SealCheckpoints
from tutorial_lib.training.cross_settings import WEIGHTS, CrossSettings
from tutorial_lib.training.dev import DevLog, mean_score
from tutorial_lib.training.list_loss import ListLoss, backward_side_by_side
from tutorial_lib.training.pairs import Pair, Shuffled

try:
    from datasets import Dataset
except ImportError:  # sentence-transformers' trainer needs it, and none of ours does
    raise ImportError('a cross-encoder\'s trainer needs datasets: pip install "tutorial-lib[rerank]"') from None

ANSWER = 20.0
"""Label of the positive beside the negatives' 0: ListNet takes their softmax, which is then all but 1 and 0."""
CHECKPOINT = "weights.safetensors"
Scores = dict[str, dict[str, float]]


@dataclass
class DevShortlists:
    """Dev queries with the first documents of a first ranking.

    Attributes:
        queries: Query texts by id.
        documents: Document texts by id.
        qrels: Judgments of the queries.
        run: The first ranking of these queries.
        depth: How many documents of each query are ranked again.
    """

    queries: dict[str, str]
    documents: Mapping[str, str]
    qrels: dict[str, dict[str, int]]
    run: Run
    depth: int

    @classmethod
    def of(cls, dataset: RetrievalDataset, run: Run, settings: CrossSettings) -> DevShortlists:
        """Return at most ``settings.dev_queries`` dev queries, drawn at random, with their shortlists.

        Raises:
            ValueError: The run does not answer one of them.
        """
        texts = dataset.query_texts("dev")
        order = np.random.default_rng(settings.seed).permutation(list(texts))
        chosen = sorted(order[: settings.dev_queries].tolist())
        found = {q: run[q] for q in chosen if q in run}
        candidates(found, chosen, settings.depth)  # refuses what is no run of them, before minutes are spent
        qrels = {q: dataset.qrels["dev"][q] for q in chosen}
        return cls({q: texts[q] for q in chosen}, dataset.document_texts(), qrels, found, settings.depth)

    def scores(self, model: CrossEncoder) -> Scores:
        """Return the model's score of each document of the shortlists."""
        return CrossReranker(model, self.documents).scores(self.queries, self.run, depth=self.depth)

    def before(self) -> dict[str, float]:
        """Return nDCG@10 of the first ranking, by query."""
        return main_scores(self.qrels, self.run)

    def after(self, scores: Scores) -> dict[float, dict[str, float]]:
        """Return nDCG@10 by query at each of ``WEIGHTS``."""
        return {weight: main_scores(self.qrels, reranked(self.run, scores, weight)) for weight in WEIGHTS}


def best_weight(after: Mapping[float, Mapping[str, float]]) -> float:
    """Return the weight with the highest mean; of equal ones the lowest, which trusts the first ranking more.

    >>> best_weight({0.5: {"q": 0.8}, 1.0: {"q": 0.8}, 0.3: {"q": 0.7}})
    0.5
    """
    return max(after, key=lambda weight: (mean_score(after[weight]), -weight))


@dataclass
class _DevEvaluator(BaseEvaluator):
    """Scores dev when sentence-transformers' trainer asks, and keeps what it found.

    Attributes:
        dev: The dev queries.
        model: The model that is trained.
        log: nDCG@10 by step and query.
        scores: Step -> the model's scores, of steps made in this process.
    """

    dev: DevShortlists
    model: CrossEncoder
    log: DevLog
    scores: dict[int, Scores] = field(default_factory=dict)

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: float = -1, steps: int = -1, **_: Any
    ) -> dict[str, float]:
        self.scores[steps] = self.dev.scores(self.model)
        after = self.dev.after(self.scores[steps])
        self.log.scores[steps] = after[best_weight(after)]
        return {MAIN_MEASURE: mean_score(self.log.scores[steps])}


def lists_of(pairs: Sequence[Pair], dataset: RetrievalDataset, settings: CrossSettings) -> Dataset:
    """Return each pair as a query with its positive, ``settings.negatives`` negatives and their labels.

    Negatives are drawn from the pair's: a reranker meets the whole shortlist, not its hardest documents alone. Where a pair
    has too few, random documents fill the list that are no known answer to the query, nor near-duplicates of one.
    """
    random, twins, ids = np.random.default_rng(settings.seed), dataset.twins(), list(dataset.corpus)
    rows: dict[str, list[Any]] = {"query": [], "documents": [], "labels": []}
    for pair in pairs:
        drawn = random.permutation(list(pair.negative_ids))[: settings.negatives].tolist()
        known = {*drawn, *_known(pair, dataset, twins)}
        others = (ids[n] for n in random.permutation(len(ids))) if len(drawn) < settings.negatives else iter(())
        while len(drawn) < settings.negatives and (other := next(others, None)) is not None:
            drawn += [other] if other not in known else []
        rows["query"].append(pair.query)
        rows["documents"].append([dataset.corpus[a].full_text for a in (pair.positive_id, *drawn)])
        rows["labels"].append([ANSWER] + [0.0] * len(drawn))
    return Dataset.from_dict(rows)


def _known(pair: Pair, dataset: RetrievalDataset, twins: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the documents that must not count as negatives of a pair."""
    positives = relevant(dataset.qrels["train"][pair.query_id])
    own = dataset.own_documents.get(pair.query_id)
    return {*positives, *(a for p in positives for a in twins.get(p, ())), *([own] if own else [])}


class CrossTrainer(CrossEncoderTrainer):
    """CrossEncoderTrainer that trains on lists of documents and keeps the checkpoint that reranks dev queries best.

    Attributes:
        cross_encoder: The model that is trained.
        dev_log: nDCG@10 of dev by step.
        order: The order of the pairs.
    """

    def __init__(
        self, cross_encoder: CrossEncoder, lists: Dataset, dev: DevShortlists, settings: CrossSettings, checkpoints: Path
    ) -> None:
        """Take the model, what it is trained on, and what it is scored on."""
        self.cross_encoder, self.order = cross_encoder, Shuffled(len(lists), settings.seed)
        self.dev_log = DevLog(checkpoints / DEV_SCORES)
        self.dev_evaluator = _DevEvaluator(dev, cross_encoder, self.dev_log)
        super().__init__(
            model=cross_encoder.model,
            args=_arguments(checkpoints, settings, cross_encoder, len(lists)),
            train_dataset=lists,
            loss=ListLoss(cross_encoder),
            evaluator=self.dev_evaluator,
        )
        for callback in {ProgressCallback, DEFAULT_PROGRESS_CALLBACK, PrinterCallback}:
            self.remove_callback(callback)
        self.add_callback(QuietProgress)
        self.add_callback(Forgetful)
        self.add_callback(EpochOfStep(self.order, settings.batch_size))
        self.add_callback(SealCheckpoints(self.dev_log))

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add none: the card is ours (``cross_card``)."""

    def get_batch_sampler(self, dataset: Dataset, batch_size: int, drop_last: bool, **_: Any) -> BatchSampler:  # type: ignore[override]
        """Return batches in an order that hangs on seed and epoch alone, so that a run goes on where it was interrupted."""
        return BatchSampler(self.order, batch_size, drop_last)

    def training_step(self, model: Any, inputs: dict[str, Any], *given: Any, **options: Any) -> torch.Tensor:
        """Take a batch's gradients: on a CPU of several threads its lists side by side."""
        if self.cross_encoder.device.type != "cpu" or torch.get_num_threads() == 1:
            return super().training_step(model, inputs, *given, **options)
        model.train()
        with self.compute_loss_context_manager():
            return backward_side_by_side(lambda part: self._loss_of(model, part), inputs, model)

    def _loss_of(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        loss = self.compute_loss(model, inputs)
        return loss[0] if isinstance(loss, tuple) else loss

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        # All weights, those of an adapter and of the head among them, under the names they have in training.
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_model(self.model, str(folder / CHECKPOINT))

    def _load_from_checkpoint(self, checkpoint_path: str, *_: Any) -> None:
        load_model(self.model, str(Path(checkpoint_path, CHECKPOINT)))


def _arguments(checkpoints: Path, settings: CrossSettings, model: CrossEncoder, pairs: int) -> CrossEncoderTrainingArguments:
    """Return our settings in the terms of sentence-transformers' trainer."""
    steps = math.ceil(math.ceil(pairs / settings.batch_size) * settings.epochs)
    every = max(1, steps // settings.dev_evaluations)
    return CrossEncoderTrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        learning_rate_mapping={r"^(model\.)?2\.linear\.": settings.learning_rate * settings.head_rate},
        optim="adamw_torch",
        warmup_steps=round(settings.warmup * steps),
        weight_decay=0.0,
        seed=settings.seed,
        bf16=hardware.bf16_is_fast(model.device),
        use_cpu=model.device.type == "cpu",
        logging_steps=max(1, min(10, steps // 20)),
        dataloader_pin_memory=False,
        report_to="none",
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{MAIN_MEASURE}",
        greater_is_better=True,
    )
