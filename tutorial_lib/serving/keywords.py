"""Keyword search beside the vectors of the version that answers, as "bm25+tuned" in the report of a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.fusion import convex_combination

DEPTH = 100
"""Documents of either ranking that are fused: as many as in the runs by which dev chose the share."""


@dataclass(frozen=True)
class Keywords:
    """Keyword search over the documents that a service shows.

    Attributes:
        index: Of their words, made when the service starts.
        share: What the vectors count beside it, 0 to 1.
    """

    index: BM25
    share: float

    def fused(self, query: str, found: Mapping[str, float], held: Collection[str], k: int) -> dict[str, float]:
        """Return the ``k`` best documents by both, id -> score, 0 to 1, best first.

        Args:
            query: The question.
            found: Document id -> cosine, of the ``DEPTH`` nearest documents.
            held: Ids of all documents of the version that answers: what has been taken out of it is not shown.
            k: How many.
        """
        by_words = {a: score for a, score in self.index.search({"": query}, k=DEPTH)[""].items() if a in held}
        return convex_combination({"": by_words}, {"": dict(found)}, self.share, k=k)[""]
