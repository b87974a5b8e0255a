"""A fine-tuned model taught by a ranking: a matrix behind it, if dev likes the vectors better so."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import first_scores
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.training.distill import Distilled, distill
from tutorial_lib.training.distill_settings import DistillSettings


@dataclass(frozen=True)
class Taught:
    """What came of it.

    Attributes:
        encoder: The encoder with the matrix behind it; without, as it was, where dev kept none.
        vectors: The vectors that it makes of the dataset.
        distilled: The matrix, and what dev said of it.
        share: MaxSim's share in the teacher's ranking, chosen on dev; 0 of the model's own.
    """

    encoder: Encoder
    vectors: Vectors
    distilled: Distilled
    share: float

    def announce(self) -> None:
        """Say on stderr what became of the matrix."""
        print(self.card_line.removeprefix("- "), file=sys.stderr, flush=True)  # noqa: T201

    @property
    def card_line(self) -> str:
        """What a model card says of it."""
        made = self.distilled
        sides = "queries and articles" if made.settings.sides == "both" else "queries alone"
        teacher = "late interaction" if self.share else "its own ranking"
        labels = f"the labels and {teacher}" if made.settings.labels else f"{teacher}, without labels"
        if not made.epoch:
            return f"- Matrix: none, since dev {MAIN_MEASURE} did not rise by more than its standard error"
        return (
            f"- Matrix: on the vectors of {sides}, taught by {labels}; dev {MAIN_MEASURE} over the whole corpus "
            f"{made.dev[0]:.3f} before, {made.dev[made.epoch]:.3f} after pass {made.epoch}"
        )


def teach(dataset: RetrievalDataset, encoder: Encoder, settings: DistillSettings, teacher: str = "late") -> Taught:
    """Return ``encoder`` with a matrix that a ranking of the training queries has taught.

    Args:
        dataset: Training queries are taught, dev chooses; test is never looked at, but encoded with the rest.
        encoder: A fine-tuned model without a matrix.
        settings: How the matrix is trained.
        teacher: "late": late interaction with the encoder's own token vectors, fused with its ranking by the share that dev
            chooses; "self": the encoder's ranking as it is.

    Raises:
        DataError: There are fewer than two training queries.

    Reference: Furlanello et al. 2018, "Born again neural networks", arXiv:1805.04770 (a model as its own teacher).
    """
    vectors = Vectors.of(dataset, encoder)
    run = dense_run(dataset, vectors, "train")
    if teacher == "self":
        share, ranking = 0.0, first_scores(run, settings.depth)
    else:
        share, ranking = _by_late(dataset, encoder, vectors, run, settings)
    made = distill(dataset, vectors, ranking, settings)
    if made.epoch:
        encoder = encoder.with_matrix(made.matrix, queries_only=settings.sides == "queries")
    return Taught(encoder, made.turn(vectors), made, share)


def _by_late(
    dataset: RetrievalDataset, encoder: Encoder, vectors: Vectors, run: Run, settings: DistillSettings
) -> tuple[float, Run]:
    """Return MaxSim's share, as dev chooses it, and the training queries' ranking fused so."""
    late, dev = LateInteraction(encoder, dataset.document_texts()), dense_run(dataset, vectors, "dev")
    share = choose_weight(dataset, dev, late.maxsim(dataset.query_texts("dev"), dev, depth=settings.depth))
    return share, late.rerank(dataset.query_texts("train"), run, depth=settings.depth, weight=share)
