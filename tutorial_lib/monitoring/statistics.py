"""What is computed along the weeks: sums that remember, distances between windows, many quiet periods at a time.

Arrays of shape (Q, P) hold Q periods of P sessions each, in the order of their weeks; (Q, H) a number for each of H weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

Floats = NDArray[np.float64]

RAREST = 0.01
"""What happened less often before is taken to be so usual: a few times more of next to nothing is no evidence."""


@dataclass(frozen=True)
class Periods:
    """Periods, each with the sessions that it is compared with.

    Attributes:
        present: int64, (Q, P): rows of the sessions of each period.
        past: bool, (Q, S): which of all sessions each is compared with.
        ends: int64, (H,): how many of the P sessions there are up to the end of each week.
    """

    present: NDArray[np.int64]
    past: NDArray[np.bool_]
    ends: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """How many sessions there are before each week, (H,)."""
        return np.concatenate([[0], self.ends[:-1]])

    def window_starts(self, weeks: int) -> NDArray[np.int64]:
        """How many sessions there are before the window of ``weeks`` that ends with each week, (H,)."""
        return self.starts[np.maximum(np.arange(len(self.ends)) - weeks + 1, 0)]

    def windows(self, weeks: int) -> NDArray[np.float32]:
        """Return which sessions are in the window that ends with each week: 1 or 0, float32, (H, P)."""
        at = np.arange(self.present.shape[1])
        return ((at >= self.window_starts(weeks)[:, None]) & (at < self.ends[:, None])).astype(np.float32)

    def by_week(self, values: Floats) -> Floats:
        """Return the sum of a value a session, (Q, P), over each week, (Q, H)."""
        total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
        return total[:, self.ends] - total[:, self.starts]


def evidence(periods: Periods, happened: Floats, expected: Floats, odds: float) -> Floats:
    """Return how far each week speaks for odds that are ``odds`` times the usual, as a log likelihood ratio, (Q, H).

    Args:
        periods: Weeks, and the sessions that say what is usual.
        happened: (S,), 1, 0, or NaN where a session tells nothing.
        expected: (S,), the usual chance up to a factor, which is taken from the past.
        odds: Above 1.
    """
    tells = np.isfinite(happened)
    seen, chance = np.where(tells, happened, 0.0), np.where(tells, expected, 0.0)
    factor = (periods.past @ seen) / np.maximum(periods.past @ chance, 1e-9)
    usual = np.where(tells, np.clip(factor[:, None] * chance, RAREST, 0.99), 0.0)
    return periods.by_week(
        seen[periods.present] * np.log(odds) - np.log1p(np.take_along_axis(usual, periods.present, 1) * (odds - 1))
    )


def cusum(steps: Floats, cap: float = np.inf) -> Floats:
    """Return the running sum of ``steps``, (Q, H), which begins anew wherever it would fall below 0.

    Args:
        steps: Log likelihood ratios of the weeks.
        cap: The sum rises no further, so that it can fall again when all is as usual again.

    Reference: Page 1954, "Continuous inspection schemes", Biometrika 41, section 2.

    >>> cusum(np.array([[-1.0, 2.0, -0.5, -3.0, 1.0]])).tolist()
    [[0.0, 2.0, 1.5, 0.0, 1.0]]
    """
    sums = np.zeros((len(steps), steps.shape[1] + 1))
    for week in range(steps.shape[1]):
        sums[:, week + 1] = np.clip(sums[:, week] + steps[:, week], 0.0, cap)
    return sums[:, 1:]


def fourier_features(vectors: NDArray[np.float32], width: float, count: int, seed: int) -> NDArray[np.float32]:
    """Return features whose products are, nearly, the RBF kernel exp(-|x - y|^2 / (2 width)), float32, (S, count).

    Means of features then stand for means of kernels: the distance of two samples costs one pass over each.

    Args:
        vectors: float32, (S, D).
        width: Square of the kernel's width; the median of the squared distances is usual.
        count: Of features, even.
        seed: Of the random frequencies.

    Reference: Rahimi and Recht 2007, "Random features for large-scale kernel machines", section 3.
    """
    frequencies = np.random.default_rng(seed).normal(size=(vectors.shape[1], count // 2)) / np.sqrt(width)
    angles = vectors @ frequencies.astype(np.float32)
    return np.float32(np.sqrt(2 / count)) * np.hstack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def median_distance(vectors: NDArray[np.float32], seed: int, most: int = 500) -> float:
    """Return the median squared distance between rows, of at most ``most`` of them."""
    rows = np.random.default_rng(seed).permutation(len(vectors))[:most]
    return float(np.median(pdist(vectors[rows], "sqeuclidean"))) or 1.0


def distances(periods: Periods, features: NDArray[np.float32], window: int, least: int) -> Floats:
    """Return the squared MMD between the window that ends with each week and the past, times the window's sessions, (Q, H).

    Unbiased, so around 0 where both are of one distribution; 0 for a window of fewer than ``least`` sessions.

    Args:
        periods: Weeks, and what they are compared with.
        features: float32, (S, F), as ``fourier_features`` gives them.
        window: Weeks.
        least: Sessions.

    Reference: Gretton et al. 2012, "A kernel two-sample test", JMLR 13, lemma 6.
    """
    inside = periods.windows(window)
    sizes, m = inside.sum(axis=1), periods.past.sum(axis=1)
    enough, n = sizes >= max(least, 2), np.maximum(sizes, 2)
    found = np.zeros((len(periods.present), len(periods.ends)))
    for q, before in enumerate(periods.past.astype(np.float32) @ features):
        sums = inside @ features[periods.present[q]]
        # Each feature vector has length 1, so a sample's sum of products with itself is its size.
        within = ((sums**2).sum(axis=1) - sizes) / (n * (n - 1))
        without = (float(before @ before) - m[q]) / (m[q] * (m[q] - 1))
        found[q] = np.where(enough, n * (within + without - 2 * (sums @ before) / (n * m[q])), 0.0)
    return found


def chi_squares(periods: Periods, groups: NDArray[np.int64], window: int) -> Floats:
    """Return chi-square of the groups' shares in the window that ends with each week against the past, (Q, H).

    Args:
        periods: Weeks, and what they are compared with.
        groups: int64, (S,), the group of each session, from 0.
        window: Weeks.
    """
    total = np.zeros((len(periods.present), len(periods.ends)))
    inside = periods.windows(window)
    sizes, m = inside.sum(axis=1)[None], periods.past.sum(axis=1)[:, None]
    for group in np.unique(groups):
        member = (groups == group).astype(np.float32)
        now, before = member[periods.present] @ inside.T, (periods.past @ member)[:, None]
        share = (now + before) / (sizes + m)
        spread = share * sizes * m / np.maximum(sizes + m, 1)  # what now lacks, before has too much: both cells in one
        total += np.divide((now - sizes * share) ** 2, spread, out=np.zeros_like(total), where=spread > 0)
    return total
