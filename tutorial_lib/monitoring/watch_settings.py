"""When is a week of searches unlike those that the model learned from?"""

from __future__ import annotations

from dataclasses import dataclass

FEWEST_PERIODS = 199
"""With fewer quiet periods the rarest twentieth of them is too few to read a threshold from."""


@dataclass(frozen=True)
class WatchSettings:
    """How searches are watched.

    Attributes:
        alarms: Share of quiet periods, 0 to 1, in which any signal may be raised by chance: that of all signals together.
        period: Weeks of a period that this holds for.
        quiet_periods: Quiet periods that are dealt from the searches before, to see what chance does.
        window: Weeks that are looked at together where one is too few: for distance, topics and names.
        odds: How many times the usual odds a rate must have to be worth noticing soon.
        past: Weeks before the model was made whose searches say what is usual.
        settling: Where no log of the time before is given: first weeks of the log that take its place.
        least: Sessions that a week needs, and what it decides is said of.
        most: Sessions of a week that are looked at, drawn at random where there are more.
        topics: Groups that queries are sorted into by meaning.
        seed: Of all that is drawn.
    """

    alarms: float = 0.05
    period: int = 26
    quiet_periods: int = 999
    window: int = 8
    odds: float = 2.0
    past: int = 52
    settling: int = 13
    least: int = 8
    most: int = 200
    topics: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no period or threshold can be made of.

        Raises:
            ValueError: A field is out of its range; names it, its value and what to pass.
        """
        if not 0 < self.alarms < 1:
            raise ValueError(f"alarms is {self.alarms}: pass a share above 0 and below 1, such as 0.05")
        if not 1 < self.odds <= 100:
            raise ValueError(f"odds is {self.odds}: pass a number above 1 and up to 100, such as 2")
        if self.quiet_periods < FEWEST_PERIODS:
            raise ValueError(f"quiet_periods is {self.quiet_periods}: pass at least {FEWEST_PERIODS}; 999 is usual")
        for name, fewest in (("period", 4), ("window", 1), ("past", 4), ("settling", 4), ("least", 1), ("topics", 2)):
            if getattr(self, name) < fewest:
                raise ValueError(f"{name} is {getattr(self, name)}: pass at least {fewest}")
        if self.most < self.least:
            raise ValueError(f"most is {self.most}, and least is {self.least}: pass a number of sessions that is no smaller")
