"""Settings of a cross-encoder's training, which check themselves, and its result. Importing this module loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from tutorial_lib.fields import MOST_SEED, check_between, check_positive, check_whole
from tutorial_lib.training.result import Result
from tutorial_lib.training.settings import LoraSettings

RESULT_FILE = "training.json"
"""In a cross-encoder's folder: its ``CrossResult``."""
WEIGHTS = (0.3, 0.5, 0.7, 1.0)
"""Shares of the cross-encoder in the fused score among which dev chooses; 1 ranks by it alone."""


@dataclass(frozen=True)
class CrossSettings:
    """How a cross-encoder is trained.

    >>> CrossSettings(depth=0)
    Traceback (most recent call last):
    ValueError: depth is 0: pass at least 1

    Attributes:
        epochs: Passes over the training pairs.
        batch_size: Pairs a step; each is a list of its positive and its negatives.
        negatives: Negatives of a pair, drawn from those mined; where there are fewer, random documents fill the list.
        rank: Rank of an adapter that is trained and then merged into the weights; 0 trains all weights.
        learning_rate: Peak rate, reached after ``warmup`` of the steps, then falling linearly to 0. Not chosen on dev yet: at
            1e-3 an adapter's loss on support_desk was back at chance after 70 steps (one seed); all weights want some 1e-4.
        head_rate: The head begins with random weights: its rate is this many times the others'.
        warmup: Share of steps that warm up.
        max_length: Tokens of a pair, query and document together.
        depth: So many of the first documents of each dev query are ranked again to score a checkpoint.
        dev_evaluations: How often dev is scored; the best checkpoint by dev is kept.
        dev_queries: At most this many dev queries are used.
        seed: Seed of head, drawn negatives, order and dev sample.
    """

    epochs: float = 1.0
    batch_size: int = 8
    negatives: int = 3
    rank: int = 32
    learning_rate: float = 4e-4
    head_rate: float = 10.0
    warmup: float = 0.1
    max_length: int = 192
    depth: int = 10
    dev_evaluations: int = 2
    dev_queries: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_positive(self, "epochs", "learning_rate", "head_rate")
        check_between(self, warmup=(0, 1.0))
        check_whole(self, rank=0, batch_size=1, negatives=1, max_length=5, depth=1, dev_evaluations=1, dev_queries=1, seed=0)
        check_between(self, seed=(0, MOST_SEED))

    @property
    def lora(self) -> LoraSettings | None:
        """Shape of the adapter, whose alpha is twice its rank; None where all weights are trained."""
        return LoraSettings(rank=self.rank, alpha=2 * self.rank) if self.rank else None


@dataclass(frozen=True)
class CrossResult(Result):
    """What the training of a cross-encoder did.

    Attributes:
        losses: (step, mean loss since the last entry).
        dev: (step, nDCG@10 of the dev queries, fused at the best of ``WEIGHTS``); step 0 is the first ranking.
        weights: (share, nDCG@10 on dev) of the checkpoint kept.
        weight: The share to rerank with; 0 if dev did not rise by more than its standard error: the first ranking stays.
        best_step: Step of the checkpoint kept.
        steps: Steps taken in all.
        pairs: Training pairs.
        depth: Documents of each query that were ranked again.
        seconds: Time in training and scoring dev; the last part only after an interruption.
        trainable: Parameters trained.
        parameters: Parameters in all.
    """

    losses: list[tuple[int, float]]
    dev: list[tuple[int, float]]
    weights: list[tuple[float, float]]
    weight: float
    best_step: int
    steps: int
    pairs: int
    depth: int
    seconds: float
    trainable: int
    parameters: int
