"""A fine-tuned model taught by late interaction: a matrix behind it, if dev likes the vectors better so."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.training.distill import Distilled, distill
from tutorial_lib.training.distill_settings import DistillSettings


@dataclass(frozen=True)
class Taught:
    """What came of it.

    Attributes:
        encoder: The encoder with the matrix behind it; without, as it was, where dev kept none.
        vectors: The vectors that it makes of the dataset.
        distilled: The matrix, and what dev said of it.
        share: MaxSim's share in the teacher's ranking, chosen on dev.
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
        labels = "the labels and late interaction" if made.settings.labels else "late interaction, without labels"
        if not made.epoch:
            return f"- Matrix: none, since dev {MAIN_MEASURE} did not rise by more than its standard error"
        return (
            f"- Matrix: on the vectors of {sides}, taught by {labels}; dev {MAIN_MEASURE} over the whole corpus "
            f"{made.dev[0]:.3f} before, {made.dev[made.epoch]:.3f} after pass {made.epoch}"
        )


def teach(dataset: RetrievalDataset, encoder: Encoder, settings: DistillSettings) -> Taught:
    """Return ``encoder`` with a matrix that late interaction, with the encoder's own token vectors, has taught.

    Args:
        dataset: Training queries are taught, dev chooses; test is never looked at, but encoded with the rest.
        encoder: A fine-tuned model without a matrix.
        settings: How the matrix is trained.

    Raises:
        DataError: There are fewer than two training queries.
    """
    vectors = Vectors.of(dataset, encoder)
    late = LateInteraction(encoder, dataset.document_texts())
    runs = {split: dense_run(dataset, vectors, split) for split in ("train", "dev")}
    share = choose_weight(dataset, runs["dev"], late.maxsim(dataset.query_texts("dev"), runs["dev"], depth=settings.depth))
    teacher = late.rerank(dataset.query_texts("train"), runs["train"], depth=settings.depth, weight=share)
    made = distill(dataset, vectors, teacher, settings)
    if made.epoch:
        encoder = encoder.with_matrix(made.matrix, queries_only=settings.sides == "queries")
    return Taught(encoder, made.turn(vectors), made, share)
