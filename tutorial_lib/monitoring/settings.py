"""Settings of a retraining, which check themselves. Importing this module loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from tutorial_lib.evaluation.ship import ShipSettings
from tutorial_lib.fields import MOST_SEED, check_between, check_whole

STARTS = ("base", "live")


@dataclass(frozen=True)
class GatherSettings:
    """What a generation is trained and judged on.

    >>> GatherSettings(old_share=2.0)
    Traceback (most recent call last):
    ValueError: old_share is 2.0: pass at least 0 and at most 1.0

    Attributes:
        old_share: Share of the pairs of the generation before that are trained on again, drawn by the training's seed.
        new_weight: How often each new pair stands among the training pairs.
        dev_weeks: So many weeks of the log, before the newest, join dev, which decides what is kept of a training.
        newest_weeks: The newest weeks of the log are trained on by no generation but the next: they judge this one.
    """

    old_share: float = 1.0
    new_weight: int = 1
    dev_weeks: int = 2
    newest_weeks: int = 2

    def __post_init__(self) -> None:
        """Refuse shares and counts out of range.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_between(self, old_share=(0, 1.0))
        check_whole(self, new_weight=1, dev_weeks=1, newest_weeks=1)


@dataclass(frozen=True)
class GateSettings:
    """What a generation must show before it goes live.

    Attributes:
        ship: Gain, significance and recall wanted on what is new.
        max_old_loss: Most nDCG@10 that the old exam may lose: the lower end of the 95 % interval has to lie above that.
        fewest: With fewer queries than this the new exam decides nothing, and the newest weeks decide instead.
    """

    ship: ShipSettings = field(default_factory=ShipSettings)
    max_old_loss: float = 0.03
    fewest: int = 20

    def __post_init__(self) -> None:
        """Refuse bounds out of range.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_between(self, max_old_loss=(0, 1.0))
        check_whole(self, fewest=1)


@dataclass(frozen=True)
class RetrainSettings:
    """How a new generation is made.

    Attributes:
        start: "base": from the base model, on all pairs; "live": from the live generation's model, which is then its base.
        train_seed: Seed of the training; by default the one that the generation before was trained with.
        gather: What it is trained and judged on.
        gates: What it must show.
    """

    start: str = "base"
    train_seed: int | None = None
    gather: GatherSettings = field(default_factory=GatherSettings)
    gates: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        """Refuse what is no start, and no seed.

        Raises:
            ValueError: ``start`` is neither, or the seed is no seed.
        """
        if self.train_seed is not None:
            check_between(self, train_seed=(0, MOST_SEED))
            check_whole(self, train_seed=0)
        if self.start not in STARTS:
            raise ValueError(f"start is {self.start!r}: pass one of {', '.join(STARTS)}")
