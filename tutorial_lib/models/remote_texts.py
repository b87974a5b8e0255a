"""Texts on their way to a hosted model: counted, cut where they are too long, and put together into requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.remote_settings import RemoteSettings


class CountsTokens(Protocol):
    """What counts tokens, such as ``rag.TokenCounter``."""

    @property
    def name(self) -> str:
        """Which tokenizer counts."""
        ...

    def __call__(self, text: str) -> int:
        """Return the number of tokens of ``text``."""
        ...


@dataclass(frozen=True)
class ByBytes:
    """A token for every three bytes of UTF-8, for when the model's own tokenizer is not at hand.

    English takes one for about four bytes, so this tells rather too many tokens than too few.

    >>> ByBytes()("Refunds are paid within 14 days.")
    11
    """

    name: str = "estimated, a token for 3 bytes"

    def __call__(self, text: str) -> int:
        """Return the number of tokens that ``text`` is taken for."""
        return -(-len(text.encode(errors="surrogatepass")) // 3)


def sendable(
    texts: Sequence[str], prompt: str, settings: RemoteSettings, count: CountsTokens
) -> tuple[list[str], str | None]:
    """Return the texts behind their prompt as they are sent, and what is to be said of those that are cut, if any are.

    Raises:
        DataError: A text is no string, is empty, or is too long where ``settings.too_long`` is "refuse".
    """
    for n, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"text {n} is {type(text).__name__}: pass strings")
        if not (prompt + text).strip():
            raise DataError(f"text {n} is empty, and an embeddings API takes no such text: leave it out")
    sent = [prompt + text for text in texts]
    long = [n for n, text in enumerate(sent) if _may_be_long(text, settings) and count(text) > settings.max_tokens]
    if not long:
        return sent, None
    first = sent[long[0]]
    what = (
        f"{len(long):,} of {len(sent):,} texts are longer than the {settings.max_tokens:,} tokens that {settings.model} "
        f"reads, text {long[0]} first ({count(first):,} tokens, {count.name}: {first[:40]!r})"
    )
    if settings.too_long == "refuse":
        raise DataError(f'{what}: cut them into passages, or pass too_long="cut"')
    for n in long:
        sent[n] = cut(sent[n], settings.max_tokens, count)
    return sent, f"{what}; they are cut there"


def _may_be_long(text: str, settings: RemoteSettings) -> bool:
    """Return whether a text is worth counting: a letter has at most four bytes, and a token at least one."""
    return 4 * len(text) > settings.max_tokens


def cut(text: str, most: int, count: CountsTokens) -> str:
    """Return the longest beginning of ``text`` that has at most ``most`` tokens.

    >>> cut("Refunds are paid within 14 days.", 4, ByBytes())
    'Refunds are '
    """
    fits, beyond = 0, len(text) + 1
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        if count(text[:middle]) <= most:
            fits = middle
        else:
            beyond = middle
    return text[:fits]


def requests(tokens: Sequence[int], settings: RemoteSettings) -> list[list[int]]:
    """Return positions grouped, in order, into requests that hold no more texts and tokens than the settings allow.

    >>> requests([4, 4, 4, 9], RemoteSettings("m", "http://localhost/v1", max_tokens=9, request_texts=2, request_tokens=10))
    [[0, 1], [2], [3]]

    Args:
        tokens: Of each text.
        settings: The limits.
    """
    made: list[list[int]] = []
    room = 0
    for n, needed in enumerate(tokens):
        if not made or len(made[-1]) == settings.request_texts or needed > room:
            made.append([])
            room = settings.request_tokens
        made[-1].append(n)
        room -= needed
    return made
