"""BM25 as rank-bm25 defines it, scored for many queries at once as one sparse product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi
from scipy.sparse import csr_array

from tutorial_lib.runs import Run, ranking, top_k
from tutorial_lib.text import tokenize

DENSE_NUMBERS = 20_000_000
"""At most so many scores or weights are held as a dense array at a time: 160 MB."""


class BM25:
    """Keyword index over N articles.

    The statistics (document frequencies, IDF with its floor for very common terms, lengths) are ``BM25Okapi``'s own; the
    weight of every term in every article is computed once, so that scoring Q queries is one (Q, V) x (V, N) product.

    Reference: Robertson and Zaragoza 2009, "The probabilistic relevance framework: BM25 and beyond".
    """

    def __init__(self, articles: Mapping[str, str]) -> None:
        """Index ``articles`` (id -> text).

        Raises:
            ValueError: There is no article, or none with a single word (rank-bm25 would divide by zero).
        """
        self.ids = sorted(articles)
        tokens = [tokenize(articles[a]) for a in self.ids]
        if not any(tokens):
            raise ValueError(f"none of the {len(tokens)} articles holds a word: pass articles with text")
        self.okapi = BM25Okapi(tokens)
        self._column = {term: n for n, term in enumerate(sorted(self.okapi.idf))}
        self._weights = self._term_weights()

    def _term_weights(self) -> csr_array:
        """Return the contribution of each term to each article's score, shape (V, N)."""
        okapi = self.okapi
        idf = np.array([okapi.idf[t] for t in sorted(okapi.idf)])
        sizes = [len(f) for f in okapi.doc_freqs]
        document = np.repeat(np.arange(len(sizes)), sizes)
        term = np.array([self._column[t] for f in okapi.doc_freqs for t in f])
        tf = np.array([n for f in okapi.doc_freqs for n in f.values()], dtype=float)
        length = np.array(okapi.doc_len, dtype=float)[document] / okapi.avgdl
        weight = idf[term] * (tf * (okapi.k1 + 1) / (tf + okapi.k1 * (1 - okapi.b + okapi.b * length)))
        return csr_array((weight, (term, document)), shape=(len(idf), len(sizes)))

    def scores(self, queries: Sequence[str]) -> NDArray[np.float64]:
        """Return the BM25 score of every article for every query: float64, (Q, N), higher is better.

        Raises:
            ValueError: ``queries`` is one string, whose letters would be taken for queries.
        """
        if isinstance(queries, str):
            raise ValueError(f"queries is the string {queries!r:.60}: pass a list of query texts")
        counts = [Counter(t for t in tokenize(q) if t in self._column) for q in queries]
        rows = np.repeat(np.arange(len(counts)), [len(c) for c in counts])
        columns = np.array([self._column[t] for c in counts for t in c], dtype=np.int64)
        values = np.array([n for c in counts for n in c.values()], dtype=float)
        # Most queries share a word with most articles: a product with the used terms' rows, made dense, is the faster one.
        used, column = np.unique(columns, return_inverse=True)
        matrix = csr_array((values, (rows, column)), shape=(len(queries), len(used)))
        scores = np.zeros((len(queries), len(self.ids)))
        block = max(1, DENSE_NUMBERS // len(self.ids))
        for start in range(0, len(used), block):
            scores += matrix[:, start : start + block] @ self._weights[used[start : start + block]].toarray()
        return scores

    def search(self, queries: Mapping[str, str], *, k: int = 100, chunk: int | None = None) -> Run:
        """Return the ``k`` best articles of each query (id -> text); an article sharing no word with it never appears.

        ``chunk`` queries are scored at a time; by default fewer the more articles there are, so that memory is bounded.
        """
        run: Run = {}
        ids = list(queries)
        chunk = chunk or max(1, min(64, DENSE_NUMBERS // len(self.ids)))
        for start in range(0, len(ids), chunk):
            part = ids[start : start + chunk]
            for q, row in zip(part, self.scores([queries[q] for q in part]), strict=True):
                best = top_k(row, k)
                best = best[row[best] != 0]
                run[q] = ranking([self.ids[i] for i in best], row[best])
        return run
