"""Token vectors: what an encoder makes of each token of a text, before they are pooled into one vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from tutorial_lib.models.batching import length_batches
from tutorial_lib.models.complete import check_finite
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.hardware import side_by_side
from tutorial_lib.models.matrix import turned


@dataclass(frozen=True)
class TokenVectors:
    """The T tokens of one text: those of a prompt before it, and special tokens around it, are left out.

    Attributes:
        vectors: float32, (T, D), unit length.
        spans: int32, (T, 2): first letter of each token in the text, and the one behind its last.
        words: int32, (T,): which word of the text each token is a piece of, ascending.
    """

    vectors: NDArray[np.float32]
    spans: NDArray[np.int32]
    words: NDArray[np.int32]


def token_vectors(encoder: Encoder, texts: Sequence[str], prompt: str = "") -> list[TokenVectors]:
    """Return the token vectors of each text, read behind ``prompt`` and through the encoder's window.

    Args:
        encoder: The encoder; how it pools plays no part.
        texts: Texts, length N.
        prompt: Text put before each: the encoder's prompt for queries or for documents.

    Raises:
        NotFiniteError: A text has no vectors of finite numbers.
    """
    if not texts:
        return []
    read = encoder.tokenizer(
        [prompt + text for text in texts],
        truncation=True,
        max_length=encoder.settings.max_length,
        return_offsets_mapping=True,
    )
    tokens = read["input_ids"]
    spans = [np.array(s, dtype=np.int32).reshape(-1, 2) for s in read["offset_mapping"]]
    inside = [(s[:, 1] > len(prompt)) & (s[:, 1] > s[:, 0]) for s in spans]  # the span of a special token is empty
    found: dict[int, NDArray[np.float32]] = {}
    model = encoder._inference_model()

    def read_batch(batch: list[int]) -> None:
        with torch.inference_mode():
            hidden = model(**encoder.pad([tokens[n] for n in batch])).last_hidden_state.float()  # (batch, tokens, D)
            vectors = torch.nn.functional.normalize(hidden, dim=2).cpu().numpy()
        left = encoder.tokenizer.padding_side == "left"
        for n, row in zip(batch, vectors, strict=True):
            own = row[len(row) - len(tokens[n]) :] if left else row[: len(tokens[n])]
            found[n] = own[inside[n]] if encoder.matrix is None else turned(own[inside[n]], encoder.matrix)

    batches = length_batches([len(t) for t in tokens], 2048 if encoder.device.type == "cpu" else 65_536)
    with side_by_side(encoder.device, len(batches)) as run:
        for _ in run(read_batch, batches):
            pass
    sums = np.array([found[n].sum() for n in range(len(texts))], dtype=np.float32)
    check_finite(sums[:, None], texts, encoder.name)
    return [
        TokenVectors(found[n], np.maximum(spans[n][keep] - len(prompt), 0), _words(read.word_ids(n), keep))
        for n, keep in enumerate(inside)
    ]


def query_token_vectors(encoder: Encoder, texts: Sequence[str]) -> list[TokenVectors]:
    """Return the token vectors of queries, behind their prompt, multiplied by the encoder's matrix for queries if it has one.

    Raises:
        NotFiniteError: A text has no vectors of finite numbers.
    """
    made, matrix = token_vectors(encoder, texts, encoder.settings.query_prompt), encoder.query_matrix
    return made if matrix is None else [replace(tokens, vectors=turned(tokens.vectors, matrix)) for tokens in made]


def clustered(vectors: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return ``factor`` times fewer vectors: those of like tokens are put together, and each group's mean stands for it.

    Groups are Ward's (Clavié, Chaffin and Adams 2024, "Reducing the footprint of multi-vector retrieval with minimal
    performance impact via token pooling", arXiv:2409.14683, section 3).

    >>> clustered(np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32), 2).astype(float).round(2).tolist()
    [[0.95, 0.32], [0.0, 1.0]]

    Args:
        vectors: float32, (T, D), unit length.
        factor: 1 or more; T / factor is rounded up.

    Returns:
        float32, (T / factor, D) or fewer, unit length.

    Raises:
        ValueError: ``factor`` is no whole number above 0.
    """
    if type(factor) is not int or factor < 1:
        raise ValueError(f"factor is {factor!r}: pass a whole number above 0")
    count = -(-len(vectors) // factor)
    if count in (0, len(vectors)):
        return vectors
    groups = fcluster(linkage(vectors, "ward"), count, criterion="maxclust")
    means = np.stack([vectors[groups == group].mean(axis=0) for group in dict.fromkeys(groups.tolist())])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def _words(words: Sequence[int | None], keep: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.array([-1 if w is None else w for w in words], dtype=np.int32)[keep]
