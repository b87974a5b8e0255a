"""The texts that customers wrote, taken out of a dataset and put back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from tutorial_lib.data.dataset import Query, RetrievalDataset
from tutorial_lib.text import has_words, tokenize

_PLACEHOLDER = re.compile("<[A-Z]+>")


LONGEST_RUN = 40
"""Most characters kept of a run of one character that is no letter or digit."""

_RUN = re.compile(rf"([^\w\s])\1{{{LONGEST_RUN},}}")
_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*){3,}")
_BLANKS = re.compile(r"[^\S\n]{100,}")
_ENDLESS = re.compile(r"[\x21-\x7e\U0001f000-\U0001ffff]{1000,}")
"""A word without end, as in pasted data; not in scripts that write without spaces."""


def shortened(text: str, longest: int) -> str:
    """Return ``text`` without long runs of one sign or of blank lines and endless words, at most ``longest`` characters."""
    text = text[: 20 * longest].replace("\r\n", "\n").replace("\r", "\n")
    text = _RUN.sub(lambda run: run[0][:LONGEST_RUN], text)
    text = _BLANKS.sub(" ", _BLANK_LINES.sub("\n\n", text))
    return _ENDLESS.sub(lambda run: run[0][:1000], text)[:longest]


def says_something(text: str) -> bool:
    """Return whether there is a word in a text besides placeholders such as <EMAIL>."""
    return has_words(_PLACEHOLDER.sub("", text))


def ticket_texts(dataset: RetrievalDataset) -> dict[str, str]:
    """Return the text of each ticket by query id; queries from elsewhere (searches, a golden set) are left out."""
    return {q: v.text for q, v in dataset.queries.items() if v.metadata.get("source") == "ticket"}


def with_texts(dataset: RetrievalDataset, texts: Mapping[str, str]) -> RetrievalDataset:
    """Return the dataset with these query texts; a query left without words, or with placeholders alone, goes."""
    queries = {q: Query(q, texts.get(q, v.text), v.metadata) for q, v in dataset.queries.items()}
    kept = {q for q, v in queries.items() if q not in texts or says_something(v.text)}
    return replace(dataset, queries=queries).restrict(queries=kept)


def words_of_documents(dataset: RetrievalDataset) -> set[str]:
    """Return the words of the articles: what they name is no test, no name and no signature."""
    return {w for text in dataset.document_texts().values() for w in tokenize(text)}
