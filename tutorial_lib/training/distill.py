"""A matrix on the vectors of a trained encoder, taught by the labels and by a ranking that costs more than a vector does.

The encoder stays as it is: from vectors that are made anyway the matrix takes seconds of a processor. The teacher, such as
the fused ranking of late interaction, needs no labels, and asks nothing more of the search once its pupil is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.dev_pool import mean_score, rises
from tutorial_lib.evaluation.measures import main_scores
from tutorial_lib.models.matrix import turned
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.distill_settings import DistillSettings
from tutorial_lib.training.lessons import Lessons


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
    dataset: RetrievalDataset,
    vectors: Vectors,
    teacher: Run | None = None,
    settings: DistillSettings | None = None,
    *,
    unjudged: Mapping[str, NDArray[np.float32]] | None = None,
) -> Distilled:
    """Train a matrix on the training queries, and keep it if dev says so.

    Args:
        dataset: Training and dev splits are used; test is never looked at.
        vectors: The encoder's, of training and dev queries and of all documents.
        teacher: Its run of the training queries and of ``unjudged``, such as ``reranking.reranked`` makes: z-scores, best
            first. None if ``teaching`` is 0.
        settings: How.
        unjudged: Query id -> vector, (D,), of queries whose answers nobody knows, as a search log holds them: of these
            only the teacher says anything.

    Raises:
        DataError: The vectors are not those of the dataset; fewer than two queries; the teacher ranks other queries.

    Reference: Hinton, Vinyals and Dean 2015, arXiv:1503.02531 (temperatures); Lin, Yang and Lin 2021, "In-batch negatives for
        knowledge distillation with tightly-coupled teachers", RepL4NLP (a late-interaction teacher of a single vector).
    """
    settings = settings or DistillSettings()
    for split in ("train", "dev") if dataset.qrels["dev"] else ("train",):
        vectors.check(dataset, split)
    lessons = Lessons.of(dataset, vectors, teacher, settings, unjudged or {})
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
