"""Datasets of any size, made from a real one by changing words: they stand for the load, not for quality.

Every article is one of the real ones with half of its words changed, for another word of the collection, drawn as often as it
stands there, or for a rare word that is made up: of these there are always new ones, so that the vocabulary grows with the
number of words as Heaps found it to (``distinct words`` in the record). Every twentieth article is the one before it with a
word added. A tenth as many queries are six words of an article each, its answer; every twentieth is the one before it with a
letter added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import Document, Query, RetrievalDataset

CHANGED = 0.5
"""Share of an article's words that are changed."""
MADE_UP = 0.3
"""Share of the changed ones that are made up."""
TAIL = 1.3
"""Exponent of the made-up words' frequencies: the n-th is 1 / n^TAIL as frequent as the first."""
RARE = 5_000_000
"""At most so many words are made up."""
QUERY_SHARE = 0.1
"""Queries for each article."""
COPIES = 20
"""Every so manieth article, and query, is nearly the one before it."""
BLOCK = 10_000
"""Articles made at a time; the first n of a million are the same as n alone."""


class MadeTexts:
    """Makes articles, and notes which words it used."""

    def __init__(self, real: RetrievalDataset) -> None:
        """Take the words of the real articles."""
        texts = [(d.title.split(), d.text.split()) for d in real.corpus.values()]
        number: dict[str, int] = {}
        self.flat = np.array([number.setdefault(w, len(number)) for title, text in texts for w in (*title, *text)])
        self.words = list(number)
        self.title_sizes = np.array([len(title) for title, _ in texts])
        sizes = np.array([len(title) + len(text) for title, text in texts])
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.families = [str(d.metadata.get("family", a)) for a, d in real.corpus.items()]
        self.used = np.zeros(len(self.words) + RARE, dtype=bool)

    @property
    def distinct_words(self) -> int:
        """How many different words the articles made so far hold."""
        return int(self.used.sum())

    def _changed(self, codes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return word numbers, some of them changed; those from ``len(words)`` on are made up."""
        common = self.flat[rng.integers(len(self.flat), size=len(codes))]
        rare = len(self.words) + (rng.zipf(TAIL, len(codes)) - 1) % RARE
        other = np.where(rng.random(len(codes)) < MADE_UP, rare, common)
        return np.where(rng.random(len(codes)) < CHANGED, other, codes)

    def articles(self) -> Iterator[tuple[int, int, list[str]]]:
        """Yield without end (real article, length of the title, words) of each article."""
        for n in range(0, 10**9, BLOCK):
            rng = np.random.default_rng([3, n])
            chosen = (n + np.arange(BLOCK)) % len(self.families)
            codes = [self.flat[self.starts[a] : self.starts[a + 1]] for a in chosen]
            changed = self._changed(np.concatenate(codes), rng)
            ends = np.cumsum([len(c) for c in codes])
            for real, last, part in zip(chosen.tolist(), ends.tolist(), codes, strict=True):
                own = changed[last - len(part) : last]
                self.used[own] = True
                yield real, int(self.title_sizes[real]), [self._word(c) for c in own.tolist()]

    def _word(self, code: int) -> str:
        return self.words[code] if code < len(self.words) else _made_up(code - len(self.words))


@lru_cache(maxsize=1_000_000)
def _made_up(number: int) -> str:
    """Return a word of letters that stands for a number."""
    letters = ""
    while number or not letters:
        number, letter = divmod(number, 26)
        letters = chr(97 + letter) + letters
    return f"q{letters}x"


def made_dataset(real: RetrievalDataset, size: int) -> tuple[RetrievalDataset, int]:
    """Return a dataset of ``size`` articles whose queries all stand under train, and how many different words it holds."""
    made = MadeTexts(real)
    corpus: dict[str, Document] = {}
    before: tuple[int, int, list[str]] = (0, 0, [])
    for n, article in enumerate(islice(made.articles(), size)):
        base, title, words = (before[0], before[1], [*before[2], "copy"]) if n % COPIES == COPIES - 1 else article
        before = (base, title, words)
        a = f"a{n:07}"
        corpus[a] = Document(a, " ".join(words[:title]), " ".join(words[title:]), {"family": made.families[base]})
    queries, answers = made_queries(list(corpus.values()), int(size * QUERY_SHARE))
    card = {"source": f"synthetic: articles of {real.name} with changed words"}
    qrels = {"train": {q: {a: 1} for q, a in answers.items()}, "dev": {}, "test": {}}
    return RetrievalDataset(f"made_{size}", corpus, queries, qrels, card), made.distinct_words


def made_queries(documents: Sequence[Document], count: int) -> tuple[dict[str, Query], dict[str, str]]:
    """Return queries of six words of an article, evenly over the articles, and for each query id its answer's."""
    rng = np.random.default_rng(4)
    queries: dict[str, Query] = {}
    answers: dict[str, str] = {}
    text, answer = "", documents[0]
    for n in range(count):
        if n % COPIES == COPIES - 1:
            text += "s"
        else:
            answer = documents[n * len(documents) // count]
            words = answer.full_text.split()
            text = " ".join(words[i] for i in rng.integers(len(words), size=6))
        q = f"q{n:07}"
        queries[q], answers[q] = Query(q, text), answer.document_id
    return queries, answers
