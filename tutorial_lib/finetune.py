"""Contrastive fine-tuning of an encoder with a LoRA adapter, on transformers' Trainer."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from torch.utils.data import Dataset
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainingArguments
from transformers.trainer import DEFAULT_PROGRESS_CALLBACK
from transformers.trainer_utils import get_last_checkpoint

from tutorial_lib.bm25 import BM25
from tutorial_lib.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.encoder import CHECKSUM_FILE, Encoder, bf16_is_fast, length_batches, pooled, sha256_of
from tutorial_lib.evaluate import evaluate_run
from tutorial_lib.mining import near_duplicates_of
from tutorial_lib.runs import exact_search

DEV_METRIC = "nDCG@10"
MAX_EPOCHS = 8


@dataclass(frozen=True)
class LoraSettings:
    """Shape of the adapter (Hu et al. 2021, arXiv:2106.09685).

    Attributes:
        rank: Rank r of the update B·A added to each adapted weight.
        alpha: The update is scaled by alpha / rank.
        dropout: Dropout on the adapter's input.
        target_modules: Layers to adapt: "all-linear", or names as PEFT takes them.
    """

    rank: int = 32
    alpha: int = 64
    dropout: float = 0.0
    target_modules: str | tuple[str, ...] = "all-linear"


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
        dev_pool_per_query: BM25's best articles per dev query that make up, with the positives, the fixed dev pool.
        gradient_cache: Encode twice, keeping only one group's activations at a time: a third slower, and memory no
            longer grows with the batch (Gao et al. 2021, arXiv:2101.06983). The gradients are the same.
        token_budget: Padded tokens encoded at a time; bounds memory, changes no result.
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
    dev_pool_per_query: int = 5
    gradient_cache: bool = True
    token_budget: int = 2048
    seed: int = 0


@dataclass(frozen=True)
class TrainResult:
    """What a training run did.

    Attributes:
        losses: (step, mean loss since the last entry).
        dev: (step, nDCG@10 on the dev pool); step 0 is the model before training.
        best_step: Step of the checkpoint kept; 0 if dev never rose above the base model, which was then kept.
        steps: Steps taken in all.
        pairs: Training pairs.
        seconds: Time in training, dev scoring included; the last part only after an interruption.
        pairs_per_s: Pairs trained on per second of the time above, dev scoring excluded.
        trainable: Parameters trained.
        parameters: Parameters of the base model.
    """

    losses: list[tuple[int, float]]
    dev: list[tuple[int, float]]
    best_step: int
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
        for key in ("losses", "dev"):  # JSON has no tuples
            record[key] = [tuple(entry) for entry in record[key]]
        return cls(**record)


@dataclass(frozen=True)
class DevSet:
    """Dev queries and the fixed pool of articles they are scored against during training."""

    queries: dict[str, str]
    articles: dict[str, str]
    qrels: dict[str, dict[str, int]]

    def score(self, encoder: Encoder) -> float:
        """Return nDCG@10 of ``encoder`` on the pool, 0 to 1, higher is better."""
        run = exact_search(
            list(self.queries), encoder.encode_queries(list(self.queries.values())),
            list(self.articles), encoder.encode_documents(list(self.articles.values())), k=10,
        )
        return evaluate_run(self.qrels, run)[DEV_METRIC]


def dev_set(dataset: RetrievalDataset, bm25: BM25, settings: TrainSettings) -> DevSet:
    """Return a sample of dev queries with a pool of their positives and BM25's best articles for each.

    A pool instead of the whole corpus: a dev score then takes seconds. It is higher than on the whole corpus and is
    compared only with itself.
    """
    texts = dataset.query_texts("dev")
    rng = np.random.default_rng(settings.seed)
    chosen = sorted(rng.permutation(list(texts))[: settings.dev_queries].tolist())
    queries = {q: texts[q] for q in chosen}
    pool = {a for q in chosen for a in dataset.qrels["dev"][q]}
    pool |= {a for ranked in bm25.search(queries, k=settings.dev_pool_per_query).values() for a in ranked}
    articles = {a: dataset.corpus[a].full_text for a in sorted(pool)}
    return DevSet(queries, articles, {q: dataset.qrels["dev"][q] for q in chosen})


@dataclass(frozen=True)
class Pair:
    """One training example: a query, one article that answers it, and articles that do not."""

    query_id: str
    query: str
    positive_id: str
    negative_ids: tuple[str, ...]


def training_pairs(
    dataset: RetrievalDataset, negatives: Mapping[str, Sequence[str]], count: int
) -> list[Pair]:
    """Return one pair for each (query, positive) of the training split, each with its first ``count`` negatives.

    Raises:
        DataError: ``negatives`` names an article that is judged relevant to its query, or is not in the corpus.
    """
    pairs = []
    for q, positive in dataset.pairs("train"):
        mined = tuple(negatives.get(q, ()))[:count]
        for a in mined:
            if a not in dataset.corpus or dataset.qrels["train"][q].get(a, 0) > 0:
                found = "not in the corpus" if a not in dataset.corpus else "judged relevant"
                raise DataError(f"negative {a!r} of query {q!r} is {found}: mine the negatives again from this dataset")
        pairs.append(Pair(q, dataset.queries[q].text, positive, mined))
    if len(pairs) < 2:
        raise DataError(f"{len(pairs)} training pairs: in-batch negatives need at least 2")
    return pairs


def contrastive_loss(
    query_vectors: torch.Tensor, article_vectors: torch.Tensor, answers: torch.Tensor, masked: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Return InfoNCE: the mean over queries of -log softmax of the own positive among all articles of the batch.

    Args:
        query_vectors: float32, (B, D), unit length.
        article_vectors: float32, (M, D), unit length; M counts each article of the batch once.
        answers: int64, (B,): the column of each query's positive.
        masked: bool, (B, M): other known positives of a query (and near-duplicates), left out of its softmax.
        temperature: Divides the cosines.

    Reference: van den Oord et al. 2018, arXiv:1807.03748, equation 4; Karpukhin et al. 2020, arXiv:2004.04906, eq. 2.
    """
    cosines = query_vectors @ article_vectors.T  # (B, M)
    logits = (cosines / temperature).masked_fill(masked, float("-inf"))
    return torch.nn.functional.cross_entropy(logits, answers)


class PairCollator:
    """Turns pairs into one batch: every text once, in groups of similar length, plus who answers whom."""

    def __init__(self, dataset: RetrievalDataset, encoder: Encoder, settings: TrainSettings) -> None:
        """Take texts, judgments and near-duplicates from ``dataset``, tokens and prompts from ``encoder``."""
        self._dataset, self._encoder, self._settings = dataset, encoder, settings
        self._twins = near_duplicates_of(dataset)

    def known_positives(self, query_id: str) -> set[str]:
        """Return the articles that must not count as negatives of a query: its positives and their near-duplicates."""
        positives = relevant(self._dataset.qrels["train"][query_id])
        return set(positives).union(*(self._twins.get(a, ()) for a in positives))

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, Any]:
        """Return ``groups`` of padded inputs, ``order`` to undo the sorting, ``answers`` (B,) and ``masked`` (B, M)."""
        articles = list(dict.fromkeys([p.positive_id for p in pairs] + [a for p in pairs for a in p.negative_ids]))
        column = {a: n for n, a in enumerate(articles)}
        masked = torch.zeros(len(pairs), len(articles), dtype=torch.bool)
        for row, pair in enumerate(pairs):
            known = [column[a] for a in self.known_positives(pair.query_id) if a in column and a != pair.positive_id]
            masked[row, known] = True
        prompts = self._encoder.settings
        tokens = self._encoder.tokenize(
            [prompts.query_prompt + p.query for p in pairs]
            + [prompts.document_prompt + self._dataset.corpus[a].full_text for a in articles],
            max_length=self._settings.max_length,
        )
        batches = length_batches([len(t) for t in tokens], self._settings.token_budget)
        order = torch.empty(len(tokens), dtype=torch.int64)
        order[torch.tensor([n for batch in batches for n in batch])] = torch.arange(len(tokens))
        return {
            "groups": [self._encoder.pad([tokens[n] for n in batch]) for batch in batches],
            "order": order,
            "answers": torch.tensor([column[p.positive_id] for p in pairs]),
            "masked": masked,
        }


class _Pairs(Dataset):
    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, n: int) -> Pair:
        return self._pairs[n]


class _QuietProgress(ProgressCallback):
    """The Trainer's bar on stderr, with loss and dev score beside it instead of lines or HTML tables."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if state.is_world_process_zero and self.training_bar is not None:
            shown = {k.removeprefix("eval_"): v for k, v in (logs or {}).items()
                     if k in ("loss", f"eval_{DEV_METRIC}") and isinstance(v, int | float)}
            self.training_bar.set_postfix({**getattr(self, "_shown", {}), **shown}, refresh=False)
            self._shown = {**getattr(self, "_shown", {}), **shown}

    def on_prediction_step(self, *_: Any, **__: Any) -> None:
        """Dev scoring has no bar of its own."""


class ContrastiveTrainer(Trainer):
    """Trainer whose loss is InfoNCE over a batch of pairs and whose evaluation is retrieval on a dev pool."""

    def __init__(self, *, encoder: Encoder, dev: DevSet | None, settings: TrainSettings, **options: Any) -> None:
        """Take what ``Trainer`` takes, and the encoder whose transformer is trained."""
        super().__init__(model=encoder.model, **options)
        self.encoder, self.dev, self.settings = encoder, dev, settings
        self.dev_seconds = 0.0
        for callback in {ProgressCallback, DEFAULT_PROGRESS_CALLBACK, PrinterCallback}:
            self.remove_callback(callback)
        self.add_callback(_QuietProgress)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the contrastive loss of one collated batch of pairs."""
        vectors = torch.cat([self._encode(model, group) for group in inputs["groups"]])
        loss = self._loss(vectors, inputs)
        return (loss, vectors) if return_outputs else loss

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Take gradients of one batch; with the gradient cache, group by group. Returns the loss, detached."""
        if not self.settings.gradient_cache:
            return super().training_step(model, inputs, num_items_in_batch)
        model.train()
        inputs = self._prepare_inputs(inputs)
        with self.compute_loss_context_manager():
            # First pass without a graph: only the vectors, and the loss's gradient on each of them.
            with torch.no_grad():
                vectors = torch.cat([self._encode(model, group) for group in inputs["groups"]])
            loss = self._loss(vectors.requires_grad_(), inputs)
            (gradient,) = torch.autograd.grad(loss, vectors)
            # Second pass with a graph, one group at a time: the chain rule carries the cached gradient on.
            parts = gradient.split([len(group["input_ids"]) for group in inputs["groups"]])
            for group, part in zip(inputs["groups"], parts, strict=True):
                self.accelerator.backward((self._encode(model, group) * part).sum() / self._accumulation)
        return loss.detach() / self._accumulation

    @property
    def _accumulation(self) -> int:
        return int(self.args.gradient_accumulation_steps)

    def _encode(self, model: Any, group: dict[str, torch.Tensor]) -> torch.Tensor:
        return pooled(model, group, self.encoder.settings.pooling)

    def _loss(self, vectors: torch.Tensor, inputs: dict[str, Any]) -> torch.Tensor:
        """Return the loss of vectors that stand in group order: queries first once the order is undone."""
        vectors = vectors[inputs["order"]]
        size = len(inputs["answers"])
        return contrastive_loss(
            vectors[:size], vectors[size:], inputs["answers"], inputs["masked"], self.settings.temperature
        )

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Score the dev pool; the Trainer keeps the checkpoint with the highest ``eval_nDCG@10``."""
        if self.dev is None:
            return {}
        started = time.monotonic()
        with self.encoder.inference():
            metrics = {f"eval_{DEV_METRIC}": self.dev.score(self.encoder)}
        self.dev_seconds += time.monotonic() - started
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def without_dropout(model: torch.nn.Module) -> None:
    """Switch the base model's dropout off: its weights are frozen, so dropout would only add noise and time."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def add_adapter(encoder: Encoder, settings: LoraSettings) -> PeftModel:
    """Put a fresh LoRA adapter on ``encoder`` in place; its B matrices are zero, so vectors do not change yet.

    Raises:
        ModelError: ``target_modules`` match no layer of this model; its linear layers are listed.
    """
    target = settings.target_modules if isinstance(settings.target_modules, str) else list(settings.target_modules)
    config = LoraConfig(task_type=TaskType.FEATURE_EXTRACTION, r=settings.rank, lora_alpha=settings.alpha,
                        lora_dropout=settings.dropout, target_modules=target, base_model_name_or_path=encoder.name)
    linear = sorted({n.split(".")[-1] for n, m in encoder.model.named_modules() if isinstance(m, torch.nn.Linear)})
    try:
        adapted = get_peft_model(encoder.model, config)
    except ValueError as error:
        from tutorial_lib.encoder import ModelError

        raise ModelError(f"target_modules {target!r} match no layer of {encoder.name}: its linear layers are "
                         f"{', '.join(linear)}") from error
    encoder.model = adapted
    encoder.__dict__.pop("fingerprint", None)  # cached, and no longer true
    return adapted


def reset_adapter(encoder: Encoder) -> None:
    """Set the adapter's update to zero again, so that the encoder gives the base model's vectors."""
    with torch.no_grad():
        for name, parameter in encoder.model.named_parameters():
            if ".lora_B." in name:
                parameter.zero_()


@dataclass
class FineTuning:
    """A run prepared but not started: ``train`` it, then ``save`` it."""

    encoder: Encoder
    trainer: ContrastiveTrainer
    pairs: list[Pair]
    lora: LoraSettings
    settings: TrainSettings
    parameters: int

    def train(self, *, resume: bool = False) -> TrainResult:
        """Train, with a progress bar on stderr; with ``resume`` go on from the last checkpoint if there is one."""
        output = Path(str(self.trainer.args.output_dir))
        checkpoint = get_last_checkpoint(str(output)) if resume and output.is_dir() else None
        before = output / "dev_before.json"
        if checkpoint is not None and before.exists():
            dev_before = json.loads(before.read_text())
        else:
            dev_before = self.trainer.dev.score(self.encoder) if self.trainer.dev else math.nan
            output.mkdir(parents=True, exist_ok=True)
            before.write_text(json.dumps(dev_before))
        started = time.monotonic()
        done = int(checkpoint.rsplit("-", 1)[1]) if checkpoint else 0
        with self.encoder.training():
            self.trainer.train(resume_from_checkpoint=checkpoint)
        seconds = time.monotonic() - started
        state = self.trainer.state
        steps = state.global_step
        kept_base = state.best_metric is not None and state.best_metric <= dev_before
        if kept_base:
            reset_adapter(self.encoder)
        trained = len(self.pairs) * (steps - done) / math.ceil(len(self.pairs) / self.settings.batch_size)
        best = state.best_model_checkpoint
        log: list[dict[str, Any]] = state.log_history
        return TrainResult(
            losses=[(int(e["step"]), e["loss"]) for e in log if "loss" in e],
            dev=[(0, dev_before), *((int(e["step"]), e[f"eval_{DEV_METRIC}"]) for e in log if f"eval_{DEV_METRIC}" in e)],
            best_step=0 if kept_base else int(best.rsplit("-", 1)[1]) if best else steps,
            steps=steps,
            pairs=len(self.pairs),
            seconds=seconds,
            pairs_per_s=trained / max(1e-9, seconds - self.trainer.dev_seconds),
            trainable=sum(p.numel() for p in self.encoder.model.parameters() if p.requires_grad),
            parameters=self.parameters,
        )


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

    Raises:
        DataError: Fewer than two pairs, or negatives that contradict the dataset.
        ModelError: The model cannot be loaded or adapted.
    """
    lora, settings = lora or LoraSettings(), settings or TrainSettings()
    pairs = training_pairs(dataset, negatives, settings.negatives)
    dev = dev_set(dataset, bm25, settings) if dataset.qrels["dev"] and settings.dev_queries else None
    torch.manual_seed(settings.seed)
    encoder = Encoder.load(model, device=device)
    parameters = sum(p.numel() for p in encoder.model.parameters())
    without_dropout(encoder.model)
    add_adapter(encoder, lora)
    per_epoch = math.ceil(len(pairs) / settings.batch_size)
    epochs = max(settings.epochs, min(settings.min_steps / per_epoch, MAX_EPOCHS))
    steps = math.ceil(per_epoch * epochs)
    every = max(1, steps // settings.dev_evaluations) if dev else steps
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup * steps),
        weight_decay=0.0,
        seed=settings.seed,
        data_seed=settings.seed,
        bf16=bf16_is_fast(encoder.device),
        use_cpu=encoder.device.type == "cpu",
        logging_steps=max(1, min(10, steps // 20)),
        eval_strategy="steps" if dev else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=dev is not None,
        metric_for_best_model=f"eval_{DEV_METRIC}" if dev else None,
        greater_is_better=True if dev else None,
        remove_unused_columns=False,
        label_names=[],
        dataloader_pin_memory=False,
        report_to="none",
    )
    trainer = ContrastiveTrainer(
        encoder=encoder, dev=dev, settings=settings, args=arguments, train_dataset=_Pairs(pairs),
        eval_dataset=_Pairs(pairs[:1]) if dev else None,
        data_collator=PairCollator(dataset, encoder, settings),
    )
    return FineTuning(encoder, trainer, pairs, lora, settings, parameters)


def save_adapter(encoder: Encoder, folder: Path, card: str) -> None:
    """Write the trained adapter in PEFT's format, with ``card`` as its model card."""
    encoder.model.save_pretrained(str(folder), safe_serialization=True)
    (folder / "README.md").write_text(card, encoding="utf-8")


def merge_adapter(adapter: Path) -> Encoder:
    """Return an encoder with the adapter's update added into the base weights: the same vectors, no extra cost.

    The base is loaded afresh and named in the adapter's config; nothing of the training process is carried over.
    """
    return Encoder.load(adapter)


def save_model(encoder: Encoder, folder: Path, card: str) -> None:
    """Write ``encoder`` as a folder that ``SentenceTransformer(folder)`` and ``Encoder.load(folder)`` both read.

    The SHA-256 of the weights is written beside them and checked by ``Encoder.load``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder.model.save_pretrained(str(folder), safe_serialization=True)
    encoder.tokenizer.save_pretrained(str(folder))
    s = encoder.settings
    prefix = "sentence_transformers.models"
    files: dict[str, Any] = {
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{prefix}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{prefix}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{prefix}.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": s.max_length, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": s.query_prompt, "document": s.document_prompt},
                                              "similarity_fn_name": "cosine"},
        "1_Pooling/config.json": {"word_embedding_dimension": encoder.dimension,
                                  **{f"pooling_mode_{k}": s.pooling == v for k, v in
                                     {"cls_token": "cls", "mean_tokens": "mean", "lasttoken": "lasttoken"}.items()}},
        CHECKSUM_FILE: {f.name: sha256_of(f) for f in sorted(folder.glob("*.safetensors"))},
    }
    (folder / "2_Normalize").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")


def model_card(
    dataset: RetrievalDataset, base: str, lora: LoraSettings, settings: TrainSettings, result: TrainResult
) -> str:
    """Return a model card in Markdown: data, settings, dev scores; test figures live in the run's report."""
    counts = dataset.counts()
    lines = [
        "---", f"base_model: {base}", "library_name: sentence-transformers", "pipeline_tag: sentence-similarity",
        "tags: [sentence-transformers, feature-extraction, lora, retrieval]", "---", "",
        f"# {Path(base).name} fine-tuned on {dataset.name}", "",
        f"- Data: {dataset.card.get('source', dataset.name)}; {counts['articles']:,} articles, {counts['train']:,} "
        f"training queries, {result.pairs:,} pairs; licence: {dataset.card.get('licence', 'not stated')}",
        f"- Adapter: LoRA rank {lora.rank}, alpha {lora.alpha}, on {lora.target_modules}; "
        f"{result.trainable:,} of {result.parameters:,} parameters trained",
        f"- Training: {', '.join(f'{k} {v}' for k, v in vars(settings).items())}",
        f"- Loss: InfoNCE, {result.losses[0][1]:.3f} at step {result.losses[0][0]}, {result.losses[-1][1]:.3f} at "
        f"step {result.losses[-1][0]}" if result.losses else "- Loss: no step was logged",
        f"- Dev {DEV_METRIC} on a fixed pool: {result.dev[0][1]:.3f} before, "
        f"{dict(result.dev).get(result.best_step, math.nan):.3f} at the checkpoint kept (step {result.best_step})",
        "", "Load it with `SentenceTransformer(folder)`; vectors are unit length, compare them by dot product.", "",
    ]
    return "\n".join(lines)


def remove_checkpoints(checkpoints: Path) -> None:
    """Delete the checkpoints of a finished run."""
    shutil.rmtree(checkpoints, ignore_errors=True)
