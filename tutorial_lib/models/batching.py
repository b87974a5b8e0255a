"""Tokenized texts in batches of similar length, and token vectors pooled into one vector a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

PAD_TO = 16
"""Batches are padded to a multiple of this: the CPU kernels keep a buffer for every width they have met."""


def length_batches(lengths: Sequence[int], token_budget: int) -> list[list[int]]:
    """Return positions grouped into batches, longest first, whose padded size stays within ``token_budget`` tokens.

    Texts of 20, 9 and 3 tokens are padded to 32, 16 and 16:

    >>> length_batches([3, 9, 20], token_budget=32)
    [[2], [1, 0]]
    """
    batches: list[list[int]] = []
    width = 0
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if not batches or (len(batches[-1]) + 1) * width > token_budget:
            batches.append([])
            width = -(-max(1, lengths[n]) // PAD_TO) * PAD_TO
        batches[-1].append(n)
    return batches


def pooled(model: Any, inputs: dict[str, torch.Tensor], pooling: str) -> torch.Tensor:
    """Return one unit vector a row of ``inputs``: float32, (batch, D)."""
    hidden = model(**inputs).last_hidden_state.float()  # (batch, tokens, D)
    mask = inputs["attention_mask"]
    if pooling == "cls":
        vectors = hidden[torch.arange(len(hidden), device=hidden.device), mask.argmax(1)]  # 0, or behind padding on the left
    elif pooling == "lasttoken":
        last = mask.shape[1] - 1 - mask.flip(1).argmax(1)  # right- and left-padded alike
        vectors = hidden[torch.arange(len(hidden), device=hidden.device), last]
    else:
        weights = mask.unsqueeze(-1).float()
        vectors = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    return torch.nn.functional.normalize(vectors, dim=1)
