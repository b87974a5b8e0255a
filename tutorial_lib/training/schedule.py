"""How long a run is, how its rate goes up and down, and when dev is scored. Importing this module loads no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tutorial_lib.training.settings import TrainSettings

MOST_PASSES = 8
"""Passes that ``min_steps`` can make of one."""
GENTLE_RATE = 0.5
"""Peak rate of the gentle first pass, as a share of that of the rest."""


@dataclass(frozen=True)
class Schedule:
    """The steps of a run: one rise and fall of the rate; where few pairs are passed over often, a gentle pass before it.

    Few pairs may want the many steps of ``min_steps``, or fear them; which of the two, only dev can tell. So they are first
    passed over once, at half the rate, which is a run by itself: its end is a checkpoint that dev may keep. Then the run
    proper starts from the base model again.

    Attributes:
        steps: Steps in all.
        gentle: How many of them make up the gentle pass; 0 for none.
        warmup: Share of the steps of either part in which the rate rises.
        evaluations: How often dev is scored after the gentle pass.

    >>> schedule = Schedule(steps=50, gentle=10, warmup=0.1, evaluations=4)
    >>> [round(schedule.rate_at(step), 2) for step in (0, 1, 5, 9, 10, 14, 30, 49)]
    [0.0, 0.5, 0.28, 0.06, 0.0, 1.0, 0.56, 0.03]
    >>> schedule.dev_steps
    (10, 20, 30, 40, 50)
    """

    steps: int
    gentle: int
    warmup: float
    evaluations: int

    @classmethod
    def of(cls, settings: TrainSettings, pairs: int) -> Schedule:
        """Return the schedule for so many training pairs: with a gentle pass where it adds half of the steps at most."""
        per_pass = math.ceil(pairs / settings.batch_size)
        passes = max(settings.epochs, min(settings.min_steps / per_pass, MOST_PASSES))
        steps = math.ceil(per_pass * passes)
        few = settings.gentle_pass and passes > settings.epochs and 2 * per_pass <= steps
        gentle = per_pass if few else 0
        return cls(gentle + steps, gentle, settings.warmup, settings.dev_evaluations)

    def rate_at(self, step: int) -> float:
        """Return the rate after ``step`` steps as a share of its peak, 0 to 1."""
        if step < self.gentle:
            return GENTLE_RATE * self._share(step, self.gentle)
        return self._share(step - self.gentle, self.steps - self.gentle)

    def _share(self, done: int, steps: int) -> float:
        """Return how far the rate of a part has risen, or not yet fallen, both of them in straight lines."""
        rising = round(self.warmup * steps)
        return done / rising if done < rising else (steps - done) / max(1, steps - rising)

    @property
    def dev_steps(self) -> tuple[int, ...]:
        """The steps after which dev is scored: the ends of equal parts, and of the gentle pass; the last step always."""
        first = (self.gentle,) if self.gentle else ()
        every = max(1, (self.steps - self.gentle) // self.evaluations)
        return (*first, *range(self.gentle + every, self.steps, every), self.steps)
