"""A matrix on the vectors of a trained encoder, taught by the labels and by a ranking that costs more than a vector does.

The encoder stays as it is: from vectors that are made anyway the matrix takes seconds of a processor. The teacher, such as
the fused ranking of late interaction, needs no labels, and asks nothing more of the search once its pupil is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.evaluation.dev_pool import mean_score
from tutorial_lib.evaluation.measures import main_scores
from tutorial_lib.fields import MOST_SEED, check_between, check_positive, check_whole
from tutorial_lib.models.matrix import turned
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.reranking import DEPTH
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.finetune import rises
from tutorial_lib.training.losses import contrastive_loss

SIDES = ("both", "queries")


@dataclass(frozen=True)
class DistillSettings:
    """How the matrix is trained.

    >>> DistillSettings(sides="documents")
    Traceback (most recent call last):
    ValueError: sides is 'documents': pass one of both, queries

    Attributes:
        sides: "both": queries and documents are multiplied; "queries": documents keep their vectors, no index is rebuilt.
        labels: Weight of the contrastive loss over the judgments; 0 for none.
        teaching: Weight of the divergence from the teacher's ranking; 0 for none.
        epochs: Passes over the training queries; dev chooses among them.
        batch_size: Queries a step.
        learning_rate: AdamW's.
        temperature: Cosines are divided by this before the softmax.
        teacher_temperature: The teacher's scores, z-scores, are divided by this before theirs; lower is sharper.
        depth: Documents of each query that the teacher ranks.
        seed: Of the order.
    """

    sides: str = "both"
    labels: float = 1.0
    teaching: float = 1.0
    epochs: int = 8
    batch_size: int = 64
    learning_rate: float = 3e-4
    temperature: float = 0.05
    teacher_temperature: float = 0.5
    depth: int = DEPTH
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        if self.sides not in SIDES:
            raise ValueError(f"sides is {self.sides!r}: pass one of {', '.join(SIDES)}")
        check_positive(self, "learning_rate", "temperature", "teacher_temperature")
        check_whole(self, epochs=1, batch_size=2, depth=2, seed=0)
        check_between(self, labels=(0, 1e6), teaching=(0, 1e6), seed=(0, MOST_SEED))
        if not self.labels and not self.teaching:
            raise ValueError("labels and teaching are 0: pass a weight above 0 for one of them")


@dataclass(frozen=True)
class Distilled:
    """What came of it.

    Attributes:
        matrix: float32, (D, D): of the epoch that dev likes best, or the identity where it is not above the encoder's own
            vectors by more than the standard error, or where there is no dev.
        dev: nDCG@10 on dev over the whole corpus, before and after each epoch.
        epoch: The epoch kept; 0 for none.
        settings: How it was trained.
    """

    matrix: NDArray[np.float32]
    dev: list[float]
    epoch: int
    settings: DistillSettings

    def turn(self, vectors: Vectors) -> Vectors:
        """Return ``vectors`` as the matrix makes them; documents as they are if it is one for queries."""
        if not self.epoch:
            return vectors
        documents = turned(vectors.documents, self.matrix) if self.settings.sides == "both" else vectors.documents
        return Vectors(documents, {s: turned(rows, self.matrix) for s, rows in vectors.queries.items()})


def distill(
    dataset: RetrievalDataset, vectors: Vectors, teacher: Run | None = None, settings: DistillSettings | None = None
) -> Distilled:
    """Train a matrix on the training queries, and keep it if dev says so.

    Args:
        dataset: Training and dev splits are used; test is never looked at.
        vectors: The encoder's, of training and dev queries and of all documents.
        teacher: Its run of the training queries, such as ``reranking.reranked`` makes: z-scores, best first. None if
            ``teaching`` is 0.
        settings: How.

    Raises:
        DataError: The vectors are not those of the dataset; fewer than two training queries; the teacher ranks other queries.

    Reference: Hinton, Vinyals and Dean 2015, arXiv:1503.02531 (temperatures); Lin, Yang and Lin 2021, "In-batch negatives for
        knowledge distillation with tightly-coupled teachers", RepL4NLP (a late-interaction teacher of a single vector).
    """
    settings = settings or DistillSettings()
    for split in ("train", "dev") if dataset.qrels["dev"] else ("train",):
        vectors.check(dataset, split)
    lessons = _Lessons.of(dataset, vectors, teacher, settings)
    torch.manual_seed(settings.seed)
    weight = torch.nn.Parameter(torch.eye(vectors.documents.shape[1]))
    optimizer = torch.optim.AdamW([weight], lr=settings.learning_rate, weight_decay=0.0)
    identity = weight.detach().numpy().copy()
    made, scores = [identity], [_dev_scores(dataset, vectors)]
    for epoch in range(1, settings.epochs + 1):
        for queries in torch.randperm(len(lessons.positives)).split(settings.batch_size):
            optimizer.zero_grad()
            lessons.loss(weight, queries).backward()
            optimizer.step()
        made.append(weight.detach().numpy().copy())
        scores.append(_dev_scores(dataset, Distilled(made[-1], [], epoch, settings).turn(vectors)))
    means = [mean_score(by_query) if by_query else 0.0 for by_query in scores]
    best = int(np.argmax(means))
    if not scores[0] or not rises(scores[0], scores[best]):
        best = 0
    return Distilled(made[best], means, best, settings)


def _dev_scores(dataset: RetrievalDataset, vectors: Vectors) -> dict[str, float]:
    return main_scores(dataset.qrels["dev"], dense_run(dataset, vectors, "dev")) if dataset.qrels["dev"] else {}


@dataclass(frozen=True)
class _Lessons:
    """What the matrix learns from, by training query in order of id; documents by their row.

    Attributes:
        queries: (Q, D).
        documents: (N, D).
        positives: Rows of the documents that answer each query.
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
    def of(cls, dataset: RetrievalDataset, vectors: Vectors, teacher: Run | None, settings: DistillSettings) -> _Lessons:
        row, judged, twins = {a: n for n, a in enumerate(dataset.corpus)}, sorted(dataset.qrels["train"]), dataset.twins()
        if len(judged) < 2:
            raise DataError(f"{len(judged)} training queries: a matrix needs at least 2")
        if settings.teaching and set(teacher or ()) != set(judged):
            raise DataError(
                f"the teacher ranks {len(teacher or ())} queries, training has {len(judged)}: pass its run of these queries"
            )
        answers = [relevant(dataset.qrels["train"][q]) for q in judged]
        own = dataset.own_documents
        known = [
            {row[b] for a in found for b in (a, *twins.get(a, ()))} | ({row[own[q]]} if q in own else set())
            for q, found in zip(judged, answers, strict=True)
        ]
        ranked = [list((teacher or {}).get(q, {}).items())[: settings.depth] for q in judged]
        taught = [([row[a] for a, _ in found], [score for _, score in found]) for found in ranked]
        rows = [[row[a] for a in found] for found in answers]
        queries, documents = (torch.from_numpy(v) for v in (vectors.queries["train"], vectors.documents))
        return cls(queries, documents, rows, known, taught, settings)

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
        masked = torch.zeros(len(pairs), len(column), dtype=torch.bool)
        for line, (b, positive) in enumerate(pairs):
            masked[line, [column[row] for row in self.known[numbers[b]] if row in column and row != positive]] = True
        answers = torch.tensor([column[row] for _, row in pairs])
        asked = queries[[b for b, _ in pairs]]
        return contrastive_loss(asked, documents, answers, masked, self.settings.temperature)

    def _teaching(self, cosines: torch.Tensor, numbers: Sequence[int], column: Mapping[int, int]) -> torch.Tensor:
        """Return the mean Kullback-Leibler divergence of the rankings of cosines, (B, M), from the teacher's."""
        divergences = [
            torch.nn.functional.kl_div(
                torch.log_softmax(cosines[b, [column[row] for row in rows]] / self.settings.temperature, 0),
                torch.softmax(torch.tensor(scores) / self.settings.teacher_temperature, 0),
                reduction="sum",
            )
            for b, (rows, scores) in self._taught(numbers)
        ]
        return torch.stack(divergences).mean() if divergences else torch.zeros(())

    def _taught(self, numbers: Sequence[int]) -> Iterator[tuple[int, tuple[list[int], list[float]]]]:
        return ((b, self.taught[n]) for b, n in enumerate(numbers) if self.taught[n][0])
