"""How much one request may ask for, and how long anybody waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from tutorial_lib.serving.errors import ApiError


@dataclass(frozen=True)
class Limits:
    """What a request may ask for at most.

    Attributes:
        body_bytes: Bytes of a body.
        body_seconds: Seconds in which a body must have come.
        inputs: Texts of one request for embeddings.
        documents: Documents of one request to rerank.
        characters: Characters of one text.
        query_characters: Characters of a query to search or to rerank for.
        tokens: Tokens of all texts of a request.
        waiting: Texts that may wait for the model; who comes then is told to come again.
        batch: Texts that are encoded together.
        seconds: Until a request is answered, or refused.
    """

    body_bytes: int = 4_000_000
    body_seconds: float = 10.0
    inputs: int = 2048
    documents: int = 1000
    characters: int = 100_000
    query_characters: int = 10_000
    tokens: int = 300_000
    waiting: int = 4096
    batch: int = 64
    seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a limit that lets nothing through.

        Raises:
            ValueError: One is not above 0, or one request alone would not find a place to wait.
        """
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} is {getattr(self, field.name)!r}: pass a number above 0")
        if self.waiting < (most := max(self.inputs, self.documents + 1)):
            raise ValueError(f"waiting is {self.waiting}, and one request may bring {most} texts: pass at least so many")


def check_number(found: int, most: int, param: str, what: str) -> None:
    """Refuse a list that holds too much.

    Raises:
        ApiError: It does; both numbers are named.
    """
    if found > most:
        raise ApiError(400, f"{param} holds {found:,} {what}: send at most {most:,} in one request", param=param)


def check_texts(texts: Sequence[str], most: int, param: str) -> None:
    """Refuse texts that are too long.

    Args:
        texts: What was sent.
        most: Characters of one text.
        param: The field that holds them.

    Raises:
        ApiError: One is; it is named by its place.
    """
    for n, text in enumerate(texts):
        where = param if len(texts) == 1 else f"{param}[{n}]"
        if len(text) > most:
            raise ApiError(400, f"{where} has {len(text):,} characters: send at most {most:,}", param=param, code="too_long")
