"""What besides the weights decides a vector, and what every encoder offers."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MODEL = "all-MiniLM-L6-v2"


POOLINGS = ("mean", "cls", "lasttoken")


class ModelError(ValueError):
    """The model folder cannot be used; the message says what was found and what to pass."""


@dataclass(frozen=True)
class EncoderSettings:
    """What besides the weights decides a vector; read from the files sentence-transformers keeps in a model folder.

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
