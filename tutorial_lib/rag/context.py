"""What a prompt shows of a ranking: its first texts, as many as a budget of tokens holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from tutorial_lib.data.dataset import DataError
from tutorial_lib.rag.tokens import TokenCounter
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.text import has_words, normal_form

Render = Callable[[str, str], str]
"""Id and text of a document or passage -> what stands in the prompt."""

SEPARATOR = "\n\n"
"""Stands between two parts of a context."""


class ContextError(DataError):
    """A query has no context; the message says which query and why."""


@dataclass(frozen=True)
class ContextSettings:
    """How much of a ranking a prompt shows, and in which order.

    Attributes:
        budget: Tokens that all parts may take together, the blank lines between them included.
        k: Parts at most; as many as the budget holds where it is None.
        order: "best first", or "best last": next to the question, which many prompts put behind the context.
        when_full: "stop" at the first part that does not fit, so that a larger budget only ever adds; or "skip" it and try
            the next, which uses the budget better and may leave out the best.
    """

    budget: int = 1000
    k: int | None = None
    order: Literal["best first", "best last"] = "best first"
    when_full: Literal["stop", "skip"] = "stop"

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ContextError(f"budget is {self.budget}: pass at least 1 token")
        if self.k is not None and self.k < 1:
            raise ContextError(f"k is {self.k}: pass at least 1 part, or None")
        if self.order not in ("best first", "best last"):
            raise ContextError(f"order is {self.order!r}: pass 'best first' or 'best last'")
        if self.when_full not in ("stop", "skip"):
            raise ContextError(f"when_full is {self.when_full!r}: pass 'stop' or 'skip'")


@dataclass(frozen=True)
class Part:
    """A document or passage in a context.

    Attributes:
        part_id: Id of the document or passage.
        text: As it stands in the prompt.
        tokens: What it takes there, with the blank line behind it.
    """

    part_id: str
    text: str
    tokens: int


@dataclass(frozen=True)
class Context:
    """What a prompt shows for one query.

    Attributes:
        parts: In the order of the prompt.
        left_out: Id of what was found and is not shown -> why, in the order of the ranking.
        counted_by: Name of the tokenizer that counted.
    """

    parts: tuple[Part, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    counted_by: str = ""

    @property
    def text(self) -> str:
        """The parts, a blank line between them."""
        return SEPARATOR.join(part.text for part in self.parts)

    @property
    def tokens(self) -> int:
        """Tokens of all parts."""
        return sum(part.tokens for part in self.parts)

    def table(self) -> pd.DataFrame:
        """Return one row a document or passage found: id, tokens (0 where it is left out), and where it stands or why not."""
        shown = [(p.part_id, p.tokens, f"part {n}") for n, p in enumerate(self.parts, 1)]
        return pd.DataFrame(
            [*shown, *((a, 0, why) for a, why in self.left_out.items())], columns=["id", "tokens", "in the prompt"]
        )


def as_it_is(_: str, text: str) -> str:
    """Return ``text``: the plainest ``Render``."""
    return text


def fill_context(
    found: Mapping[str, float],
    texts: Mapping[str, str],
    settings: ContextSettings,
    count: TokenCounter,
    *,
    render: Render = as_it_is,
) -> Context:
    r"""Return the context of one query: what was found, best first, until the budget is spent.

    A text that says the same as one before it (``text.normal_form``) is left out.

    Args:
        found: Document or passage id -> score, best first: a query's entry of a run.
        texts: Text of every document or passage: whole articles (``dataset.document_texts()``), or passages.
        settings: Budget, depth and order.
        count: Counts tokens.
        render: What stands in the prompt for a text; what it adds is counted too.

    Raises:
        ContextError: Nothing was found, what was found has no words or no text, or the budget holds not one part.

    >>> texts = {"a": "Paid back within 14 days.", "b": "Cancel online.", "copy of a": "paid back, within 14 days"}
    >>> words = TokenCounter("words", lambda text: len(text.split()))
    >>> context = fill_context({"a": 3.0, "copy of a": 2.0, "b": 1.0}, texts, ContextSettings(budget=7), words)
    >>> context.text, context.tokens
    ('Paid back within 14 days.\n\nCancel online.', 7)
    >>> context.left_out
    {'copy of a': 'says the same as a'}
    """
    if not found:
        raise ContextError("empty context: nothing was found; pass a query that the run answers")
    distinct, left_out = _distinct(found, texts)
    parts: list[Part] = []
    for place, (id_, text) in enumerate(distinct.items()):
        if settings.k is not None and len(parts) == settings.k:
            left_out |= dict.fromkeys(list(distinct)[place:], f"ranks behind {settings.k} parts")
            break
        shown = render(id_, text)
        part = Part(id_, shown, count(shown + SEPARATOR))
        left = settings.budget - sum(p.tokens for p in parts)
        if part.tokens <= left:
            parts.append(part)
            continue
        left_out[id_] = f"takes {part.tokens:,} tokens, {left:,} were left"
        if settings.when_full == "stop":
            left_out |= dict.fromkeys(list(distinct)[place + 1 :], "ranks behind one that did not fit")
            break
    if not parts:
        raise _empty(left_out, settings)
    if settings.order == "best last":
        parts.reverse()
    return Context(tuple(parts), left_out, count.name)


def contexts(
    run: Run, texts: Mapping[str, str], settings: ContextSettings, count: TokenCounter, *, render: Render = as_it_is
) -> dict[str, Context]:
    """Return the context of every query of ``run``: see ``fill_context``, whose arguments these are.

    Raises:
        ContextError: The run is empty, or a query has no context: the message names it.
    """
    if not run:
        raise ContextError("the run answers no query: pass one that does")
    filled = {}
    for q, found in run.items():
        try:
            filled[q] = fill_context(found, texts, settings, count, render=render)
        except ContextError as error:
            raise ContextError(f"query {q}: {error}") from None
    return filled


def _distinct(found: Mapping[str, float], texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts found, each once, by id; and for each that says nothing new, why it is left out."""
    distinct: dict[str, str] = {}
    left_out: dict[str, str] = {}
    first: dict[str, str] = {}
    for id_ in found:
        if id_ not in texts:
            raise ContextError(f"{id_} was found and has no text: pass the texts of what the run ranks, articles or passages")
        text = texts[id_]
        same = first.setdefault(normal_form(text), id_)
        if not has_words(text):
            left_out[id_] = "has no words"
        elif same != id_:
            left_out[id_] = f"says the same as {same}"
        else:
            distinct[id_] = text
    return distinct, left_out


def _empty(left_out: Mapping[str, str], settings: ContextSettings) -> ContextError:
    tight = next((f"{id_} {why}" for id_, why in left_out.items() if why.startswith("takes")), None)
    if tight is None:
        return ContextError("empty context: nothing that was found has words")
    return ContextError(
        f"the budget of {settings.budget:,} tokens holds not one part: {tight}; pass more, or shorter passages"
    )
