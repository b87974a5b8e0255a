"""How far two judges agree beyond chance: Cohen's kappa with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

RESAMPLES = 2_000
"""Resamples of the bootstrap."""


@dataclass(frozen=True)
class Agreement:
    """How often two judges say the same of the same things, and how much of that is not chance.

    Attributes:
        kappa: 1 where they always agree, 0 where as often as by chance, below 0 where less; not a number where each says the
            same of everything, which tells nothing.
        low: Lower end of the 95 % bootstrap interval of kappa.
        high: Upper end.
        both_yes: Things of which both say yes.
        both_no: Likewise no.
        first_alone: Yes by the first judge alone.
        second_alone: Yes by the second alone.
    """

    kappa: float
    low: float
    high: float
    both_yes: int
    both_no: int
    first_alone: int
    second_alone: int

    @property
    def share(self) -> float:
        """Share of the things of which they say the same: high by chance alone where nearly all are one."""
        things = self.both_yes + self.both_no + self.first_alone + self.second_alone
        return (self.both_yes + self.both_no) / things if things else float("nan")


def agreement(first: Sequence[bool], second: Sequence[bool], clusters: Sequence[str], *, seed: int = 0) -> Agreement:
    """Return how far two judges agree.

    Args:
        first: Yes or no by the first judge, length N.
        second: By the second, in the same order.
        clusters: Cluster of each, resampled together: answers from one article are not independent of each other.
        seed: Seed of the bootstrap.

    Raises:
        ValueError: The lengths differ, or there is nothing to agree on.

    Reference: Cohen 1960, Educational and Psychological Measurement 20(1), 37-46.

    >>> agreement([True, True, False, False], [True, False, False, False], list("abcd")).kappa
    0.5
    """
    if not len(first) == len(second) == len(clusters) or not len(first):
        raise ValueError(
            f"{len(first)} verdicts, {len(second)} of the other judge, {len(clusters)} clusters: pass one each for the same "
            "answers, and at least one"
        )
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    cells = np.stack([one & other, ~one & ~other, one & ~other, ~one & other], axis=1).astype(float)
    groups, names = pd.factorize(pd.Series(list(clusters)), sort=True)
    counts = np.zeros((len(names), 4))
    np.add.at(counts, groups, cells)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    resampled = _kappa(drawn @ counts)
    known = resampled[~np.isnan(resampled)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(names) > 1 and len(known) else (float("nan"), float("nan"))
    total = cells.sum(axis=0)
    return Agreement(float(_kappa(total[None])[0]), float(low), float(high), *(int(n) for n in total))


def _kappa(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return kappa of each row of counts (R, 4): both yes, both no, yes by the first alone, by the second alone."""
    yes, no, first, second = cells.T
    total = cells.sum(axis=1)
    observed = (yes + no) / total
    chance = ((yes + first) * (yes + second) + (no + first) * (no + second)) / total**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1, (observed - chance) / (1 - chance), np.nan)
