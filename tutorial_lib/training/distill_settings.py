"""Settings of the matrix behind a fine-tuned encoder. Importing this module loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from tutorial_lib.fields import MOST_SEED, check_between, check_positive, check_whole
from tutorial_lib.retrieval.reranking import DEPTH

SIDES = ("both", "queries")
TEACHERS = ("late", "self")


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
class TeacherSettings:
    """Whether a matrix is put behind the fine-tuned model, so that its single vector learns what a dearer ranking knows.

    >>> TeacherSettings(teacher="oracle")
    Traceback (most recent call last):
    ValueError: teacher is 'oracle': pass one of late, self, or None for no matrix

    Attributes:
        teacher: Whose ranking of the training queries a matrix learns, beside the judgments; dev keeps it or not. "self":
            the fine-tuned model's own, which holds the matrix back from what a few wrong judgments would have it do, and
            takes seconds. "late": late interaction's with that model, which knows a little more; until the matrix is
            trained the token vectors of all shortlists are held, in 8 bits: about a hundred bytes a letter of the articles.
            None: no matrix.
        taught_sides: "both": queries and articles are multiplied; "queries": articles keep the fine-tuned model's vectors,
            and no index of them is rebuilt.
        teach_labels: Whether the matrix learns from the judgments too; False leaves it the teacher alone, for training
            queries of a log whose judgments are not to be trusted.
    """

    teacher: str | None = None
    taught_sides: str = "both"
    teach_labels: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no teacher.

        Raises:
            ValueError: A field is of the wrong kind; names it, its value and what to pass.
        """
        if self.teacher not in (*TEACHERS, None):
            raise ValueError(f"teacher is {self.teacher!r}: pass one of {', '.join(TEACHERS)}, or None for no matrix")
        if self.taught_sides not in SIDES:
            raise ValueError(f"taught_sides is {self.taught_sides!r}: pass one of {', '.join(SIDES)}")
        if not isinstance(self.teach_labels, bool):
            raise ValueError(f"teach_labels is {self.teach_labels!r}: pass True or False")
        if self.teacher == "self" and not self.teach_labels:
            raise ValueError("teacher is 'self' and teach_labels False: its own ranking alone teaches a model nothing")

    def check_fits(self, *, train_documents: bool) -> None:
        """Refuse a teacher for a model of queries alone.

        Raises:
            ValueError: It has one.
        """
        if self.teacher and not train_documents:
            raise ValueError(
                f"teacher is {self.teacher!r} and train_documents False: a matrix is put on the vectors of one model, and "
                "articles have another's here; leave one of the two out"
            )

    def distilling(self, seed: int) -> DistillSettings:
        """Return how the matrix is trained."""
        return DistillSettings(sides=self.taught_sides, labels=float(self.teach_labels), seed=seed)
