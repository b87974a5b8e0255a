"""What training knew: the words and phrases of its articles and queries, and the articles themselves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.retrieval.terms import analyzer, language_settings
from tutorial_lib.text import normal_form, tokenize

Terms = Callable[[str], list[str]]


@dataclass(frozen=True)
class Known:
    """Words and phrases that training has seen, and where.

    A wording never vouches for itself: a word that training knows from one query alone is unseen in that query. Searches
    that training learned from and searches that came later are measured with one yard so, though the former are all known.

    Attributes:
        terms: Cuts a query into stems without stop words.
        everywhere: Stems, and pairs of stems that follow each other as "stem stem", of articles and of tickets.
        asked: Those of queries that are searches: stem or pair -> wordings (``normal_form``) that hold it.
        articles: Ids of the articles.
    """

    terms: Terms
    everywhere: Collection[str]
    asked: dict[str, frozenset[str]]
    articles: Collection[str]
    _cut: dict[str, tuple[frozenset[str], dict[str, str]]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, dataset: RetrievalDataset) -> Known:
        """Return what training on ``dataset`` knows: its articles and its train queries."""
        texts = dataset.document_texts()
        cut = _by_word(analyzer(language_settings(texts)))
        queries = [dataset.queries[q] for q in dataset.qrels["train"]]
        searched = [q.text for q in queries if q.metadata.get("source") != "ticket"]
        everywhere = {part for text in _rest(texts.values(), queries) for part in _parts(cut(text))}
        asked: dict[str, set[str]] = {}
        for text in searched:
            for part in _parts(cut(text)):
                asked.setdefault(part, set()).add(normal_form(text))
        return cls(cut, everywhere, {part: frozenset(held) for part, held in asked.items()}, frozenset(dataset.corpus))

    def unseen(self, query: str) -> frozenset[str]:
        """Return the stems and pairs of stems of ``query`` that training knows from no article and no other query."""
        return self._told(query)[0]

    def spelt(self, query: str) -> dict[str, str]:
        """Return for each stem of ``query`` the word as it was typed."""
        return self._told(query)[1]

    def without(self, wordings: Collection[str]) -> Known:
        """Return what training would know without the searches of these wordings."""
        gone = frozenset(wordings)
        asked = {part: held - gone for part, held in self.asked.items() if not held <= gone}
        return Known(self.terms, self.everywhere, asked, self.articles)

    def _told(self, query: str) -> tuple[frozenset[str], dict[str, str]]:
        if query not in self._cut:  # a log asks for the same again and again
            own = {normal_form(query)}
            parts = (p for p in _parts(self.terms(query)) if p not in self.everywhere and self.asked.get(p, own) <= own)
            self._cut[query] = frozenset(parts), {stem: token for token in tokenize(query) for stem in self.terms(token)}
        return self._cut[query]


def is_phrase(part: str) -> bool:
    """Return whether a part of a query is a pair of stems."""
    return " " in part


def _rest(articles: Iterable[str], queries: Iterable) -> Iterator[str]:
    yield from articles
    yield from (q.text for q in queries if q.metadata.get("source") == "ticket")


def _parts(stems: list[str]) -> set[str]:
    return {*stems, *(f"{a} {b}" for a, b in itertools.pairwise(stems))}


def _by_word(terms: Terms) -> Terms:
    """Return ``terms`` with each word cut once."""
    one = cache(lambda token: tuple(terms(token)))
    return lambda text: [stem for token in tokenize(text) for stem in one(token)]
