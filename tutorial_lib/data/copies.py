"""Which queries ask the same thing in nearly the same letters."""

from __future__ import annotations

from collections.abc import Mapping

from tutorial_lib.data.dataset import RetrievalDataset, relevant
from tutorial_lib.near_duplicates import NearDuplicates, Shingled, near_duplicates
from tutorial_lib.text import char_shingles, tokenize

NEAR_COPY = 0.9
"""Jaccard similarity of character 4-grams from which two queries count as copies of each other."""

_LONG_NUMBER = 5
"""Numbers of so many digits are some customer's: of an order, an account, a ticket."""


def near_copies(texts: Mapping[str, str], threshold: float = NEAR_COPY) -> NearDuplicates:
    """Return which queries are written in nearly the same letters (case, a/the, punctuation aside)."""
    return near_duplicates(Shingled(texts, char_shingles), threshold, label="near-copies")


def query_copies(dataset: RetrievalDataset) -> NearDuplicates:
    """Return which of all judged queries are near-copies: found once, for dividing them and for every look at leaks.

    Two that differ in a code, a version or a sign ("exit code 1" and "exit code -1") and share no answer are none.
    """
    texts = {q: dataset.queries[q].text for judged in dataset.qrels.values() for q in judged}
    found = near_copies(texts)
    asked: dict[int, frozenset[str]] = {}
    answers: dict[int, set[str]] = {}
    for q, kind in found.kind_of.items():
        asked.setdefault(kind, telling_words(texts[q]))
        of_query = (relevant(judged[q]) for judged in dataset.qrels.values() if q in judged)
        answers.setdefault(kind, set()).update(*of_query)
    links = [(m, n) for m, n in found.links if asked[m] == asked[n] or answers[m] & answers[n]]
    return NearDuplicates(found.kind_of, links)


def telling_words(text: str) -> frozenset[str]:
    """Return the words of ``text`` that are codes, short numbers, signs or single letters: one changed, and all is changed.

    >>> sorted(telling_words("Exit code -1 of order 4711001 in C++ 3.2"))
    ['-1', '2', '3', 'c++']
    """
    return frozenset(w for w in tokenize(text) if _tells(w))


def _tells(word: str) -> bool:
    if word.isdigit():
        return len(word) < _LONG_NUMBER
    return (not word.isalpha() and word.isascii()) or (len(word) == 1 and word not in "ai")
