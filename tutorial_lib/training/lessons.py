"""What a matrix behind a trained encoder learns from, and the loss of a batch of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.distill_settings import DistillSettings
from tutorial_lib.training.losses import contrastive_loss, teacher_shares, teaching_loss


@dataclass(frozen=True)
class Lessons:
    """What the matrix learns from, by query (the training split in order of id, then unjudged ones); documents by their row.

    Attributes:
        queries: (Q, D).
        documents: (N, D).
        positives: Rows of the documents that answer each query; none of an unjudged one.
        known: Rows that are no negatives of it: its positives and their near-duplicates.
        taught: Rows of the documents that the teacher ranks for it, and their scores.
        settings: How it is trained.
    """

    queries: torch.Tensor
    documents: torch.Tensor
    positives: list[list[int]]
    known: list[set[int]]
    taught: list[tuple[list[int], list[float]]]
    settings: DistillSettings

    @classmethod
    def of(
        cls,
        dataset: RetrievalDataset,
        vectors: Vectors,
        teacher: Run | None,
        settings: DistillSettings,
        unjudged: Mapping[str, NDArray[np.float32]],
    ) -> Lessons:
        """Return the lessons of a dataset; arguments and what is raised are those of ``distill``."""
        row, judged, twins = {a: n for n, a in enumerate(dataset.corpus)}, sorted(dataset.qrels["train"]), dataset.twins()
        _check(judged, teacher or {}, settings, unjudged)
        answers = [relevant(dataset.qrels["train"][q]) for q in judged]
        own = dataset.own_documents
        known = [
            {row[b] for a in found for b in (a, *twins.get(a, ()))} | ({row[own[q]]} if q in own else set())
            for q, found in zip(judged, answers, strict=True)
        ]
        rows = [[row[a] for a in found] for found in answers]
        ranked = [list((teacher or {}).get(q, {}).items())[: settings.depth] for q in (*judged, *unjudged)]
        taught = [([row[a] for a, _ in found], [score for _, score in found]) for found in ranked]
        asked = np.concatenate([vectors.queries["train"], *(v[None] for v in unjudged.values())])
        none: list[list[int]] = [[] for _ in unjudged]
        queries, documents = torch.from_numpy(asked), torch.from_numpy(vectors.documents)
        return cls(queries, documents, rows + none, known + [set() for _ in unjudged], taught, settings)

    def loss(self, weight: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Return the loss of some queries, (B,), over the documents that any of them is taught or answered by: a scalar."""
        numbers = batch.tolist()
        rows = sorted({row for n in numbers for row in (*self.positives[n], *self.taught[n][0])})
        column = {row: c for c, row in enumerate(rows)}
        queries = torch.nn.functional.normalize(self.queries[batch] @ weight.T, dim=1)  # (B, D)
        documents = self.documents[rows]  # (M, D)
        if self.settings.sides == "both":
            documents = torch.nn.functional.normalize(documents @ weight.T, dim=1)
        loss = torch.zeros(())
        if self.settings.labels:
            loss = loss + self.settings.labels * self._labels(queries, documents, numbers, column)
        if self.settings.teaching:
            loss = loss + self.settings.teaching * self._teaching(queries @ documents.T, numbers, column)
        return loss

    def _labels(
        self, queries: torch.Tensor, documents: torch.Tensor, numbers: Sequence[int], column: Mapping[int, int]
    ) -> torch.Tensor:
        """Return the contrastive loss of each (query, positive)."""
        pairs = [(b, row) for b, n in enumerate(numbers) for row in self.positives[n]]
        if not pairs:
            return torch.zeros(())
        masked = torch.zeros(len(pairs), len(column), dtype=torch.bool)
        for line, (b, positive) in enumerate(pairs):
            masked[line, [column[row] for row in self.known[numbers[b]] if row in column and row != positive]] = True
        answers = torch.tensor([column[row] for _, row in pairs])
        asked = queries[[b for b, _ in pairs]]
        return contrastive_loss(asked, documents, answers, masked, self.settings.temperature)

    def _teaching(self, cosines: torch.Tensor, numbers: Sequence[int], column: Mapping[int, int]) -> torch.Tensor:
        """Return the mean Kullback-Leibler divergence of the rankings of cosines, (B, M), from the teacher's."""
        ranked = [([column[row] for row in rows], scores) for rows, scores in (self.taught[n] for n in numbers)]
        targets = teacher_shares(ranked, cosines.shape[1], self.settings.teacher_temperature)
        return teaching_loss(cosines, targets, self.settings.temperature)


def _check(judged: Sequence[str], teacher: Run, settings: DistillSettings, unjudged: Mapping[str, object]) -> None:
    if len(judged) + len(unjudged) < 2:
        raise DataError(f"{len(judged)} training queries: a matrix needs at least 2")
    if both := sorted(set(judged) & set(unjudged)):
        raise DataError(f"query {both[0]!r} is a training query and unjudged: pass it as one of them")
    if unjudged and not settings.teaching:
        raise DataError(f"{len(unjudged)} unjudged queries, and teaching is 0: only a teacher says anything of them")
    if settings.teaching and set(teacher) != {*judged, *unjudged}:
        raise DataError(
            f"the teacher ranks {len(teacher)} queries, training has {len(judged) + len(unjudged)}: pass its run of these "
            "queries"
        )
