"""Reranking with a cross-encoder: the first documents of a run read again, each together with its query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tutorial_lib.models.cross_encoder import CrossEncoder
from tutorial_lib.retrieval.reranking import DEPTH, WEIGHT, candidates, reranked
from tutorial_lib.retrieval.runs import Run


@dataclass(frozen=True)
class CrossReranker:
    """Orders the first documents of a run by what a cross-encoder makes of them.

    Nothing can be prepared: each query costs a forward pass for each document of its shortlist.

    Attributes:
        model: The cross-encoder.
        documents: Document id -> text.
        depth: How many documents of each query are ranked again, where no other number is given.
        weight: The cross-encoder's share, 0 to 1, where no other is given.
    """

    model: CrossEncoder
    documents: Mapping[str, str]
    depth: int = DEPTH
    weight: float = WEIGHT

    def rerank(self, queries: Mapping[str, str], run: Run, *, depth: int | None = None, weight: float | None = None) -> Run:
        """Return ``run`` with its first documents ordered by their scores and the model's, fused (``reranking.reranked``).

        Args:
            queries: Query id -> text, of all queries of the run.
            run: Any run.
            depth: How many documents of each query to rank again; by default its own ``depth``.
            weight: The cross-encoder's share, 0 to 1; by default its own ``weight``.

        Raises:
            ValueError: As ``scores`` and ``reranked`` do.
        """
        return reranked(run, self.scores(queries, run, depth=depth), self.weight if weight is None else weight)

    def scores(self, queries: Mapping[str, str], run: Run, *, depth: int | None = None) -> dict[str, dict[str, float]]:
        """Return for each query the score of the first ``depth`` documents of its ranking, higher is better.

        Args:
            queries: Query id -> text, of all queries of the run.
            run: Any run.
            depth: How many documents of each query; by default its own ``depth``.

        Raises:
            ValueError: ``depth`` is no whole number above 0; queries and run are not the same; the run names a document
                that is not among ``documents``.
            NotFiniteError: A score is not a finite number.
        """
        shortlists = candidates(run, queries, self.depth if depth is None else depth)
        asked = [(q, a) for q, found in shortlists.items() for a in found]
        if unknown := next((a for _, a in asked if a not in self.documents), None):
            raise ValueError(f"no document {unknown!r} among the {len(self.documents)} given: pass those that were searched")
        found = self.model.scores([(queries[q], self.documents[a]) for q, a in asked])
        scores: dict[str, dict[str, float]] = {q: {} for q in shortlists}
        for (q, a), score in zip(asked, found.tolist(), strict=True):
            scores[q][a] = score
        return scores
