"""How much memory a training run takes, estimated beforehand."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import PAD_TO
from tutorial_lib.training.findings import Finding
from tutorial_lib.training.finetune import FineTuning
from tutorial_lib.training.pairs import documents_of

MEMORY_SHARE = 0.9


TEXTS_COUNTED = 2_000
"""Tokens are counted in so many texts of each kind, evenly spaced."""


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of distinct texts of the training pairs, prompts included and nothing cut; at most ``TEXTS_COUNTED`` of each."""

    queries: NDArray[np.int64]
    documents: NDArray[np.int64]


def token_counts(run: FineTuning, dataset: RetrievalDataset) -> TokenCounts:
    """Return how long the queries and articles of the training pairs are."""
    prompts = run.encoder.settings
    documents = documents_of(run.pairs)
    return TokenCounts(
        _counts(run, sorted({p.query for p in run.pairs}), prompts.query_prompt),
        _counts(run, [dataset.corpus[a].full_text for a in documents], prompts.document_prompt),
    )


def _counts(run: FineTuning, texts: list[str], prompt: str) -> NDArray[np.int64]:
    spaced = np.linspace(0, len(texts) - 1, min(len(texts), TEXTS_COUNTED)).round().astype(int)
    tokens = run.encoder.tokenizer([prompt + texts[n] for n in spaced], truncation=False, verbose=False)["input_ids"]
    return np.array([len(t) for t in tokens], dtype=np.int64)


def tokens_read(run: FineTuning) -> int:
    """Return how many tokens of a text are read in training."""
    return min(run.settings.max_length, run.trainer.encoder.settings.max_length)


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
    queries, documents = (-(-np.minimum(c, tokens_read(run)) // pad) * pad for c in (lengths.queries, lengths.documents))
    each = 1 + s.negatives if s.train_documents else 0
    # An unusually long batch: three standard deviations above the mean.
    batch = s.batch_size * (queries.mean() + each * documents.mean())
    batch += 3 * math.sqrt(s.batch_size * (queries.var() + each * documents.var()))
    every = np.concatenate([queries, documents]) if each else queries
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
    advice = (
        f"lower activation_tokens from {run.settings.activation_tokens:,} to {tokens:,}"
        if tokens > run.settings.token_budget
        else "pass a smaller model, rank, max_length or token_budget"
    )
    needed = f"{(activations + weights) / 1e9:.1f} GB more memory ({activations / 1e9:.1f} for activations)"
    return [Finding("error", f"training needs about {needed}, available are {available / 1e9:.1f} GB: {advice}")]
