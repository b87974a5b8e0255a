"""BM25 as rank-bm25 or as Lucene defines it, from weights that are computed once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from tutorial_lib.retrieval.runs import Run, reached_by, strictly_decreasing, without_own
from tutorial_lib.retrieval.scorer import refuse_one_string
from tutorial_lib.retrieval.terms import PLAIN, BM25Settings, analyzer

DENSE_NUMBERS = 20_000_000
"""At most so many scores, and so many weights, are held as dense arrays at a time: 160 MB each."""

AT_A_TIME = 64
"""Queries whose scores are made strictly decreasing at a time, fewer where very many documents are kept of each."""

COMMON = 16
"""A term that more than one in so many documents hold is common: its weights are kept as a dense row."""


class BM25:
    """Keyword index over N documents; a ``Scorer``.

    The statistics (document frequencies, IDF with its floor for very common terms, lengths) are ``BM25Okapi``'s own; the
    weight of every term in every document is computed once, so that scoring a query is adding up its terms' weights. By
    default scores equal rank-bm25's; other settings weigh words as Lucene does, leave out stop words, and cut words down
    to their stems, in documents and queries alike: a query of nothing but stop words then finds nothing.

    Attributes:
        ids: Document ids in ascending order, length N.
        settings: How words are found and weighed.
        okapi: rank-bm25's index, for its statistics.
        idf: Weight of each term: rank-bm25's, or Lucene's.

    Reference: Robertson and Zaragoza 2009, "The probabilistic relevance framework: BM25 and beyond".

    >>> bm25 = BM25({"policy": "refund for an annual plan", "cancel": "cancel a plan", "router": "restart the router"})
    >>> list(bm25.search({"q": "refund annual plan"})["q"])
    ['policy', 'cancel']
    """

    def __init__(self, documents: Mapping[str, str], settings: BM25Settings = PLAIN) -> None:
        """Index ``documents`` (id -> text).

        Raises:
            ValueError: There is no document, or none with a single word (rank-bm25 divides by zero).
        """
        self.ids, self.settings = sorted(documents), settings
        self._terms = analyzer(settings)
        held: dict[str, str] = {}  # each term once, however many documents hold it
        terms = ([held.setdefault(t, t) for t in self._terms(documents[a])] for a in self.ids)
        try:
            self.okapi = BM25Okapi(terms, k1=settings.k1, b=settings.b)
        except ZeroDivisionError:
            found = f"none of the {len(self.ids)} articles holds a word{_but(settings)}"
            raise ValueError(f"{found}: pass articles with text") from None
        self._names = np.array(self.ids, dtype=object)
        self._weigh()

    def weighed(self, settings: BM25Settings) -> BM25:
        """Return an index of the same words weighed in another way (IDF, k1, b), for which no document is read again.

        Raises:
            ValueError: The settings find other words.
        """
        if settings.words != self.settings.words:
            raise ValueError(f"the index holds words of {self.settings.title}: make another for {settings.title}")
        other = copy(self)
        other.settings, other.okapi = settings, copy(self.okapi)
        other.okapi.k1, other.okapi.b = settings.k1, settings.b
        other._weigh()
        return other

    def _weigh(self) -> None:
        """Compute the weight of every term in every document."""
        self.idf: dict[str, float] = self.okapi.idf if self.settings.idf == "okapi" else _lucene_idf(self.okapi)
        self._number = {term: n for n, term in enumerate(sorted(self.idf))}
        self._starts, self._documents, self._weights = self._postings()
        self._dense = self._dense_rows()

    def _postings(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return where each term's documents begin (V + 1,), the documents term by term, and the term's weight in each."""
        okapi = self.okapi
        idf = np.array([self.idf[t] for t in self._number])
        sizes = [len(f) for f in okapi.doc_freqs]
        document = np.repeat(np.arange(len(sizes)), sizes)
        term = np.fromiter((self._number[t] for f in okapi.doc_freqs for t in f), np.int64, len(document))
        tf = np.fromiter((n for f in okapi.doc_freqs for n in f.values()), np.float64, len(document))
        length = np.array(okapi.doc_len, dtype=float)[document] / okapi.avgdl
        weight = idf[term] * (tf * (okapi.k1 + 1) / (tf + okapi.k1 * (1 - okapi.b + okapi.b * length)))
        order = np.argsort(term, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(term, minlength=len(idf)))])
        return starts, document[order], weight[order]

    def _dense_rows(self) -> dict[str, NDArray[np.float64]]:
        """Return the weights of the commonest terms in all documents, shape (N,) each: adding a whole row is then faster."""
        counts = np.diff(self._starts)
        common = np.argsort(-counts, kind="stable")[: DENSE_NUMBERS // len(self.ids)]
        terms, dense = list(self._number), {}
        for n in common[counts[common] > len(self.ids) / COMMON].tolist():
            dense[terms[n]] = np.zeros(len(self.ids))
            self._add_postings(n, dense[terms[n]])
        return dense

    def scores(self, queries: Sequence[str]) -> NDArray[np.float64]:
        """Return the BM25 score of every document for every query: float64, (Q, N), higher is better.

        Raises:
            ValueError: ``queries`` is one string, whose letters would be taken for queries.
        """
        refuse_one_string(queries)
        scores = np.zeros((len(queries), len(self.ids)))
        for row, query in zip(scores, queries, strict=True):
            self._add(query, row)
        return scores

    def _add(self, query: str, row: NDArray[np.float64]) -> None:
        """Add the weights of a query's terms to the scores of all documents, shape (N,)."""
        for term in self._terms(query):
            if (dense := self._dense.get(term)) is not None:
                row += dense
            elif (n := self._number.get(term)) is not None:
                self._add_postings(n, row)

    def _add_postings(self, term: int, row: NDArray[np.float64]) -> None:
        part = slice(self._starts[term], self._starts[term + 1])
        row[self._documents[part]] += self._weights[part]  # a document stands once under a term, so none is lost

    def search(self, queries: Mapping[str, str], *, k: int = 100, own: Mapping[str, str] | None = None) -> Run:
        """Return the ``k`` best documents of each query; a document that shares no word with it never appears.

        Args:
            queries: Query id -> text.
            k: How many documents to keep of each query.
            own: Query id -> the document that is the query itself (``dataset.own_documents``), which is left out.
        """
        ids, wanted = list(queries), min(k + bool(own), len(self.ids))
        at_a_time = max(1, min(AT_A_TIME, DENSE_NUMBERS // max(1, wanted)))
        row = np.zeros(len(self.ids))  # one for all queries: it stays in the processor's cache
        run: Run = {}
        for start in range(0, len(ids), at_a_time):
            part = ids[start : start + at_a_time]
            found = []
            scores = np.zeros((len(part), wanted))
            for q, kept in zip(part, scores, strict=True):
                row.fill(0)
                self._add(queries[q], row)
                found.append(best := _best(row, wanted))
                kept[: len(best)] = row[best]
            for q, best, kept in zip(part, found, strictly_decreasing(scores).tolist(), strict=True):
                run[q] = dict(zip(self._names[best].tolist(), kept, strict=False))  # of fewer found, 0s are left over
        return without_own(run, own or {}, k)


def _best(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Return ``top_k``, for k up to N, of the documents that share a word with the query: whose score, of (N,), is not 0."""
    least = reached_by(scores, max(1, k))
    found = np.flatnonzero(scores >= least if least > 0 else scores)
    return found[np.argsort(-scores[found], kind="stable")[:k]]


def _lucene_idf(okapi: BM25Okapi) -> dict[str, float]:
    """Return ln(1 + (N - df + 0.5) / (df + 0.5)) of every term: above 0, and less the more documents hold the term."""
    holding = Counter(term for frequencies in okapi.doc_freqs for term in frequencies)
    return {t: math.log1p((okapi.corpus_size - n + 0.5) / (n + 0.5)) for t, n in holding.items()}


def _but(settings: BM25Settings) -> str:
    return " that is no stop word" if settings.stop_words else ""
