"""Checks before minutes are spent: what data, settings and memory say beforehand, and one batch learnt by heart."""

from __future__ import annotations

import html
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from tutorial_lib.contrastive import Pair, articles_of
from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.finetune import FineTuning
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import PAD_TO
from tutorial_lib.text import has_words, normal_form

ADAPTER_RATE, ALL_WEIGHTS_RATE = 5e-3, 5e-4
"""Learning rates above which training comes apart.

Dev nDCG@10 of all-MiniLM-L6-v2 after one pass over support_desk in batches of 32 (``python -m benchmarks.sweep --groups
diverging,diverging_all_weights --seeds 1``). Adapter: 0.780 at 0.002, 0.710 at 0.004, 0.674 at 0.005, 0.454 at 0.007, 0.028
at 0.02. All weights: 0.779 at 0.0002, 0.735 at 0.0005, 0.640 at 0.001, 0.536 at 0.002.
"""
CUT_SHARE = 0.2
"""Share of texts that may lose their end to ``max_length`` without a warning."""
MEMORY_SHARE = 0.9
TEXTS_COUNTED = 2_000
"""Tokens are counted in so many texts of each kind, evenly spaced."""
BATCH_PAIRS, BATCH_TOKENS, BATCH_STEPS = 16, 4_096, 12
"""Size of the batch that is learnt by heart and steps taken on it: a few seconds with MiniLM on a laptop."""
BATCH_FALL, BATCH_RISE, LEARNT = 0.8, 1.2, 0.05
"""The loss of that batch must fall to the first share of what it was, or be as low as the last; above the second share it has
come apart."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found: how serious it is, and what it is, where, and what to pass."""

    level: Literal["note", "warning", "error"]
    what: str

    def __str__(self) -> str:
        return f"{self.level}: {self.what}"


@dataclass(frozen=True)
class PreflightReport:
    """What the checks found, in the order they were made."""

    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether training can start: there may be warnings, but no error."""
        return not self._errors()

    def _errors(self) -> list[str]:
        return [f.what for f in self.findings if f.level == "error"]

    def raise_if_bad(self) -> None:
        """Do nothing, or name all errors at once.

        Raises:
            DataError: There is an error among the findings.
        """
        if not self.ok:
            raise DataError("; ".join(self._errors()))

    def announce(self) -> None:
        """Write notes and warnings to stderr, one a line, and raise as ``raise_if_bad`` does."""
        for finding in self.findings:
            if finding.level != "error":
                print(finding, file=sys.stderr, flush=True)  # noqa: T201
        self.raise_if_bad()

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) or "nothing found that stands against this training run"

    def _repr_html_(self) -> str:
        return "<br>".join(html.escape(line) for line in str(self).split("\n"))


def preflight(run: FineTuning, dataset: RetrievalDataset) -> PreflightReport:
    """Check a prepared run; it is left exactly as it was: weights, modes and random numbers.

    Args:
        run: What ``prepare_training`` returned, not yet trained.
        dataset: The dataset it was prepared from.

    Returns:
        The findings on repeated queries, learning rate, number of steps, unusable texts, texts that are cut, memory, and
        whether the loss of one batch falls. The checks that read texts are left out where texts are unusable, the last one
        wherever there is an error.
    """
    findings = [*repeated_queries(dataset), *learning_rate(run), *number_of_steps(run), *mined_negatives(run)]
    if unusable := unusable_texts(run, dataset):
        return PreflightReport([*findings, *unusable])
    lengths = token_counts(run, dataset)
    findings += [*cut_texts(run, lengths), *memory(run, lengths)]
    if PreflightReport(findings).ok:
        findings += one_batch(run)
    return PreflightReport(findings)


# --- data ---------------------------------------------------------------------------------------------------------


def repeated_queries(dataset: RetrievalDataset) -> list[Finding]:
    """Return findings on training queries that say the same under different ids (case, punctuation and a/the aside)."""
    groups: dict[str, list[str]] = {}
    for q, text in dataset.query_texts("train").items():
        groups.setdefault(normal_form(text), []).append(q)
    repeated = [ids for ids in groups.values() if len(ids) > 1]
    answers = dataset.positives("train")
    differing = [ids for ids in repeated if len({frozenset(answers[q]) for q in ids}) > 1]
    alike = [ids for ids in repeated if ids not in differing]
    findings = []
    if differing:
        findings.append(Finding("warning", f"{_example(dataset, differing)} with different positives: where two of them meet "
                                           "in a batch, each one's article counts as wrong for the other; merge them "
                                           "(cleaning.duplicate_queries)"))
    if alike:
        findings.append(Finding("note", f"{_example(dataset, alike)} with the same positives, and so weigh more than others: "
                                        "merge them (cleaning.duplicate_queries) unless that is meant"))
    return findings


def _example(dataset: RetrievalDataset, groups: Sequence[Sequence[str]]) -> str:
    ids = groups[0]
    stand = "training query stands" if len(groups) == 1 else "training queries stand"
    shown = ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")
    return f"{len(groups):,} {stand} under several ids, such as {dataset.queries[ids[0]].text[:60]!r} ({shown}),"


def unusable_texts(run: FineTuning, dataset: RetrievalDataset) -> list[Finding]:
    """Return errors for positives that are not in the corpus, and for texts of pairs without a letter or digit.

    ``read_beir`` refuses both; a dataset made in another way may hold them.
    """
    asked_by = {p.positive_id: p.query_id for p in run.pairs}
    used = articles_of(run.pairs)
    missing = [a for a in used if a not in dataset.corpus]
    blank = [a for a in used if a in dataset.corpus and not has_words(dataset.corpus[a].full_text)]
    queries = {p.query_id: p.query for p in run.pairs}
    blank_queries = [q for q, text in queries.items() if not has_words(text)]
    findings = []
    if missing:
        findings.append(f"{len(missing):,} of {len(used):,} articles of the training pairs are not in the corpus, first "
                        f"{missing[0]!r} (query {asked_by.get(missing[0])!r}): add them, or take their judgments out")
    for kind, ids, count in (("articles", blank, len(used)), ("queries", blank_queries, len(queries))):
        if ids:
            findings.append(f"{len(ids):,} of {count:,} {kind} of the training pairs have no letter or digit, first "
                            f"{ids[0]!r}: give them text, or leave them out (read_beir(…, drop_blank=True))")
    return [Finding("error", what) for what in findings]


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of distinct texts of the training pairs, prompts included and nothing cut; at most ``TEXTS_COUNTED`` of each."""

    queries: NDArray[np.int64]
    articles: NDArray[np.int64]


def token_counts(run: FineTuning, dataset: RetrievalDataset) -> TokenCounts:
    """Return how long the queries and articles of the training pairs are."""
    prompts = run.encoder.settings
    articles = articles_of(run.pairs)
    return TokenCounts(_counts(run, sorted({p.query for p in run.pairs}), prompts.query_prompt),
                       _counts(run, [dataset.corpus[a].full_text for a in articles], prompts.document_prompt))


def _counts(run: FineTuning, texts: list[str], prompt: str) -> NDArray[np.int64]:
    spaced = np.linspace(0, len(texts) - 1, min(len(texts), TEXTS_COUNTED)).round().astype(int)
    tokens = run.encoder.tokenizer([prompt + texts[n] for n in spaced], truncation=False, verbose=False)["input_ids"]
    return np.array([len(t) for t in tokens], dtype=np.int64)


def _read(run: FineTuning) -> int:
    """Return how many tokens of a text are read in training."""
    return min(run.settings.max_length, run.encoder.settings.max_length)


def cut_texts(run: FineTuning, lengths: TokenCounts) -> list[Finding]:
    """Return findings on texts that lose their end to ``max_length``: a warning above ``CUT_SHARE`` of them."""
    limit, own = _read(run), run.encoder.settings.max_length
    findings = []
    for kind, counts in (("queries", lengths.queries), ("articles", lengths.articles)):
        share, lost = float((counts > limit).mean()), float(np.maximum(counts - limit, 0).sum() / counts.sum())
        if share:
            advice = (f"raise max_length (the model reads {own})" if limit < own else "the model reads no more: divide long "
                      "texts") + ", or begin texts with what tells them apart"
            cut = f"{share:.0%} of the {kind} of the training pairs are cut at {limit} tokens"
            findings.append(Finding("warning" if share > CUT_SHARE else "note",
                                    f"{cut}, and {lost:.0%} of their tokens are not trained on: {advice}"))
    return findings


# --- settings -----------------------------------------------------------------------------------------------------


def learning_rate(run: FineTuning) -> list[Finding]:
    """Return a warning if the rate lies where MiniLM was seen to diverge."""
    rate = run.settings.learning_rate
    most, what = (ALL_WEIGHTS_RATE, "all weights") if run.lora is None else (ADAPTER_RATE, "an adapter")
    if rate <= most:
        return []
    return [Finding("warning", f"learning_rate is {rate:g}: training {what} of all-MiniLM-L6-v2 came apart above {most:g}; "
                               f"pass {most / 2.5:g} or less unless a trial run shows otherwise")]


def number_of_steps(run: FineTuning) -> list[Finding]:
    """Return warnings if the pairs do not fill one batch, or make fewer than two steps."""
    pairs, size = len(run.pairs), run.settings.batch_size
    steps = math.ceil(math.ceil(pairs / size) * run.trainer.args.num_train_epochs)
    findings = []
    if size > pairs:
        findings.append(f"batch_size is {size}, but there are {pairs} training pairs: each step sees all of them; pass a "
                        f"batch_size of at most {max(2, pairs // 2)}")
    if steps < 2:
        findings.append(f"training ends after {steps} step: pass more epochs, a higher min_steps or a smaller batch_size")
    return [Finding("warning", what) for what in findings]


def mined_negatives(run: FineTuning) -> list[Finding]:
    """Return a warning if fewer negatives were mined, for any pair, than the settings ask for."""
    asked, found = run.settings.negatives, max(len(p.negative_ids) for p in run.pairs)
    if found in (0, asked):
        return []
    return [Finding("warning", f"negatives is {asked}, but no pair has more than {found}: mine more "
                               f"(MiningSettings(per_query={asked})), or pass fewer")]


# --- memory -------------------------------------------------------------------------------------------------------


def numbers_per_token(config: Any, length: float, *, all_weights: bool, on_cpu: bool) -> float:
    """Return how many numbers one token makes every trained layer keep for the backward pass, working memory included.

    An adapter on frozen layers without dropout keeps about 11 hidden states, 3 inner states of the feed-forward part and,
    where attention is computed in full (on a CPU), 1 row of each head's attention matrix; training all weights keeps 20,
    3 and 3. Against the growth of peak resident memory in one step (resource.getrusage) on a CPU, with MiniLM and a
    BERT-base, texts of 32 to 256 tokens, bfloat16 and float32, that is between 4 % too little and 21 % too much.
    """
    hidden = int(config.hidden_size)
    inner = int(getattr(config, "intermediate_size", None) or 4 * hidden)
    heads = int(getattr(config, "num_attention_heads", None) or max(1, hidden // 64))
    states, rows = (20, 3) if all_weights else (11, 1)
    return states * hidden + 3 * inner + (rows * heads * length if on_cpu else 0)


def memory_needed(run: FineTuning, lengths: TokenCounts) -> tuple[float, float]:
    """Return the bytes that training adds to this process: activations, and copies, gradients and moments of weights."""
    model, device = run.encoder.model, run.encoder.device
    size = 2 if hardware.bf16_is_fast(device) else 4
    layers = int(getattr(model.config, "num_hidden_layers", 12))
    if run.lora is not None and run.lora.upper_layers:
        layers = run.lora.upper_layers
    tokens, length = _kept_tokens(run, lengths)
    per_token = numbers_per_token(model.config, length, all_weights=run.lora is None, on_cpu=device.type == "cpu")
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    # A gradient, two moments and what is put back after the one batch; merged weights, and a copy that scores dev.
    return tokens * layers * per_token * size, 16.0 * trained + 4.0 * run.parameters


def _kept_tokens(run: FineTuning, lengths: TokenCounts) -> tuple[float, float]:
    """Return the tokens whose activations are held at once, and the mean length of the text that a token stands in."""
    s, pad = run.settings, PAD_TO
    queries, articles = (-(-np.minimum(c, _read(run)) // pad) * pad for c in (lengths.queries, lengths.articles))
    each = 1 + s.negatives if s.train_articles else 0
    # An unusually long batch: three standard deviations above the mean.
    batch = s.batch_size * (queries.mean() + each * articles.mean())
    batch += 3 * math.sqrt(s.batch_size * (queries.var() + each * articles.var()))
    every = np.concatenate([queries, articles]) if each else queries
    share = batch / run.trainer.args.world_size
    return float(min(share, max(s.activation_tokens, s.token_budget))), float((every**2).sum() / every.sum())


def available_memory(device: torch.device) -> float | None:
    """Return the bytes that this process may still take where it trains, or None if that is not known."""
    if device.type == "cpu":
        return float(psutil.virtual_memory().available) / int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return float(torch.cuda.mem_get_info(device)[0] + unused)
    return None


def memory(run: FineTuning, lengths: TokenCounts) -> list[Finding]:
    """Return an error if training needs more than ``MEMORY_SHARE`` of the memory that is available."""
    activations, weights = memory_needed(run, lengths)
    available = available_memory(run.encoder.device)
    if available is None or activations + weights <= MEMORY_SHARE * available:
        return []
    left = MEMORY_SHARE * available - weights
    tokens = int(_kept_tokens(run, lengths)[0] * max(0.0, left) / activations)
    advice = (f"lower activation_tokens from {run.settings.activation_tokens:,} to {tokens:,}"
              if tokens > run.settings.token_budget else "pass a smaller model, rank, max_length or token_budget")
    needed = f"{(activations + weights) / 1e9:.1f} GB more memory ({activations / 1e9:.1f} for activations)"
    return [Finding("error", f"training needs about {needed}, available are {available / 1e9:.1f} GB: {advice}")]


# --- one batch ----------------------------------------------------------------------------------------------------


def one_batch(run: FineTuning) -> list[Finding]:
    """Return a finding unless the loss of one small batch falls when trained on again and again."""
    losses = one_batch_losses(run)
    first, last, steps = losses[0], losses[-1], len(losses) - 1
    tried = f"one batch was trained on {steps} times at the learning_rate {run.settings.learning_rate:g}, and its loss"
    if not math.isfinite(last):
        return [Finding("error", f"{tried} became {last}: lower the learning_rate, raise the temperature "
                                 f"({run.settings.temperature:g}), or train in float32 (TUTORIAL_PRECISION=float32)")]
    if last <= max(BATCH_FALL * first, LEARNT):
        return []
    if last > BATCH_RISE * first:
        return [Finding("warning", f"{tried} rose from {first:.3f} to {last:.3f}: the learning_rate is likely too high, try "
                                   "a tenth of it")]
    return [Finding("warning", f"{tried} did not fall by a fifth ({first:.3f} before, {last:.3f} after): the learning_rate "
                               "is too low, or far too high, or the positives do not answer their queries")]


def one_batch_losses(run: FineTuning) -> list[float]:
    """Return the loss of one small batch before each of ``BATCH_STEPS`` steps and after the last; then undo them.

    The model is trained as in ``run.train()``, but at the full learning rate from the first step on, and with the other
    pairs' articles as the only negatives. A loss that is not finite ends it.
    """
    args, losses = run.trainer.args, []
    with _unchanged(run) as trained, run.training_precision():
        batch = _small_batch(run)
        optimizer = torch.optim.AdamW(trained, args.learning_rate, (args.adam_beta1, args.adam_beta2), args.adam_epsilon,
                                      weight_decay=args.weight_decay)
        for _ in range(BATCH_STEPS + 1):
            with _autocast(run):
                losses.append(float(run.trainer.training_step(run.encoder.model, batch)))
            if not math.isfinite(losses[-1]):
                break
            torch.nn.utils.clip_grad_norm_(trained, args.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
    return losses


def _small_batch(run: FineTuning) -> dict[str, Any]:
    """Return a collated batch of pairs that share no query text and no positive, without their mined negatives."""
    chosen: dict[str, Pair] = {}
    for n in np.random.default_rng(run.settings.seed).permutation(len(run.pairs)):
        pair = run.pairs[n]
        if pair.positive_id not in chosen and all(p.query != pair.query for p in chosen.values()):
            chosen[pair.positive_id] = replace(pair, negative_ids=())
        if len(chosen) == BATCH_PAIRS:
            break
    pairs = list(chosen.values())
    collate: Any = run.trainer.data_collator
    batch = collate(pairs)
    tokens = sum(group["input_ids"].numel() for group in batch["groups"])
    return batch if tokens <= BATCH_TOKENS else collate(pairs[: max(4, len(pairs) * BATCH_TOKENS // tokens)])


def _autocast(run: FineTuning) -> torch.autocast:
    """Return the context that accelerate puts around the model; one a step, for it keeps copies of the weights to its end."""
    return torch.autocast(run.encoder.device.type, dtype=torch.bfloat16, enabled=run.trainer.args.bf16)


@contextmanager
def _unchanged(run: FineTuning) -> Iterator[list[torch.nn.Parameter]]:
    """Yield the trained parameters; afterwards they, the modules' modes and all random numbers are what they were."""
    model, device = run.encoder.model, run.encoder.device
    trained = [p for p in model.parameters() if p.requires_grad]
    values = [p.detach().clone() for p in trained]
    modes = {module: module.training for module in model.modules()}
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield trained
        finally:
            with torch.no_grad():
                for parameter, value in zip(trained, values, strict=True):
                    parameter.copy_(value)
                    parameter.grad = None
            for module, training in modes.items():
                module.training = training
            run.encoder.changed()
