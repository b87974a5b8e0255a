"""A teacher's ranking of the training queries, as a training batch takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tutorial_lib.fields import check_positive
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.losses import teacher_shares


@dataclass(frozen=True)
class Teaching:
    """A ranking that a model in training is to imitate, beside what the judgments say.

    >>> Teaching({"q": {"a": 0.0, "b": 0.0}}).targets(["q"], {"a": 0, "c": 1, "b": 2})
    tensor([[0.5000, 0.0000, 0.5000]])

    Attributes:
        run: The teacher's, of the training queries: z-scores, as ``reranking.reranked`` makes them. Of each query only the
            documents that stand in a batch are compared.
        weight: Of the divergence from it; the loss of the judgments has 1.
        temperature: The teacher's scores are divided by this before the softmax; lower is sharper.
    """

    run: Run
    weight: float = 1.0
    temperature: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what teaches nothing.

        Raises:
            ValueError: Weight or temperature is not above 0.
        """
        check_positive(self, "weight", "temperature")

    def targets(self, query_ids: Sequence[str], columns: dict[str, int]) -> torch.Tensor:
        """Return the shares, float32 (B, M), that the teacher gives the documents of a batch: 1 in all for each query.

        A query of which fewer than two documents are ranked by the teacher has none: nothing can be compared.

        Args:
            query_ids: The batch's queries.
            columns: Document id -> its column.
        """
        found = [{columns[a]: score for a, score in self.run.get(q, {}).items() if a in columns} for q in query_ids]
        ranked = [(list(f), list(f.values())) if len(f) > 1 else ([], []) for f in found]
        return teacher_shares(ranked, len(columns), self.temperature)
