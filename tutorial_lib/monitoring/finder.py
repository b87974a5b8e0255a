"""What a run's model finds first for logged queries, and how sure it is: computed once for every wording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.settings import TextEncoder
from tutorial_lib.retrieval.calibration import Calibration


class Finder:
    """The model, its articles' vectors and its calibration.

    Attributes:
        articles: Ids of the articles, row by row.
        calibration: Turns scores of this model into probabilities; None where that is not known.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        articles: Sequence[str],
        vectors: NDArray[np.float32],
        calibration: Calibration | None = None,
    ) -> None:
        """Keep what is searched.

        Args:
            encoder: Of queries.
            articles: Ids.
            vectors: float32, (N, D), unit length, a row an article, by the same model.
            calibration: As ``calibrate`` gives it for this model; None: confidence is not known, and NaN.

        Raises:
            ValueError: Ids and vectors differ in number.
        """
        if len(articles) != len(vectors):
            raise ValueError(f"{len(articles)} articles and {len(vectors)} vectors: pass one vector an article")
        self.articles, self.calibration = list(articles), calibration
        self._encoder, self._documents = encoder, vectors
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._first: dict[str, tuple[str, float]] = {}

    def vectors(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of queries, float32, (Q, D), unit length; each text is encoded once.

        Raises:
            DataError: A vector is not finite; names the query.
        """
        new = list(dict.fromkeys(q for q in queries if q not in self._vectors))
        if new:
            self._vectors |= zip(new, self._checked(new, self._encoder.encode_queries(new)), strict=True)
        return np.array([self._vectors[q] for q in queries], dtype=np.float32)

    def _checked(self, queries: Sequence[str], vectors: NDArray[np.float32]) -> Iterable[NDArray[np.float32]]:
        wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(wrong):
            raise DataError(f"the vector of {queries[wrong[0]]!r:.80} holds NaN or infinity: train again")
        return vectors

    def confidence(self, queries: Sequence[str]) -> NDArray[np.float64]:
        """Return how likely the first hit of each query answers it, 0 to 1, (Q,)."""
        return self._confidence((self.vectors(queries) @ self._documents.T).max(axis=1))

    def _confidence(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.full(len(scores), np.nan) if self.calibration is None else self.calibration.confidence(scores)

    def first_hit(self, query: str) -> tuple[str, float]:
        """Return the article that comes first, ties by id, and how likely it answers."""
        if query in self._first:
            return self._first[query]
        scores = self.vectors([query])[0] @ self._documents.T
        best = min(np.flatnonzero(scores == scores.max()), key=lambda row: self.articles[row])
        self._first[query] = self.articles[best], float(self._confidence(scores[best : best + 1])[0])
        return self._first[query]
