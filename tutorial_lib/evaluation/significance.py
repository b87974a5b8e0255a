"""Is the difference real? Paired tests and intervals over clusters of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import Qrels, relevant
from tutorial_lib.evaluation.measures import MAIN_MEASURE, MEASURE_NAMES, per_query
from tutorial_lib.retrieval.runs import Run

RESAMPLES = 9_999
"""Resamples of the bootstrap, and swaps of the randomisation test."""

AT_A_TIME, NUMBERS = 500, 2_000_000
"""At most so many resamples are drawn at a time, and so many numbers in all: 16 MB. It changes no result."""


def document_clusters(qrels: Qrels) -> dict[str, str]:
    """Return for each query its best-graded document: queries for one document are not independent of each other.

    >>> document_clusters({"q1": {"a": 1}, "q2": {"a": 2, "b": 1}})
    {'q1': 'a', 'q2': 'a'}
    """
    return {q: relevant(grades)[0] for q, grades in qrels.items()}


@dataclass(frozen=True)
class Difference:
    """Mean paired difference of one measure with its uncertainty.

    Attributes:
        before: Mean of the baseline.
        after: Mean of the system.
        difference: after - before.
        low: Lower end of the 95 % bootstrap interval of the difference.
        high: Upper end.
        p: Two-sided p-value of the paired randomisation test.
        queries: Number of queries.
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    queries: int

    def record(self) -> dict[str, float]:
        """Return what a file keeps of it: the difference, the ends of its interval, and p."""
        return {k: getattr(self, k) for k in ("difference", "low", "high", "p")}


def paired_difference(
    before: NDArray[np.float64], after: NDArray[np.float64], clusters: Sequence[str], *, seed: int = 0
) -> Difference:
    """Compare two systems on the same queries, resampling whole clusters of queries.

    Args:
        before: Per-query values of the baseline, shape (Q,).
        after: Per-query values of the system, same shape and order.
        clusters: Cluster of each query, length Q; queries of one cluster move together in every resample.
        seed: Seed of both tests.

    Raises:
        ValueError: The lengths differ, or there is no query.

    Reference: Smucker, Allan and Carterette 2007, CIKM (paired randomisation test and bootstrap in retrieval).

    >>> gain = paired_difference(np.zeros(3), np.array([0.1, 0.2, 0.3]), ["a", "b", "c"])
    >>> round(gain.difference, 3), gain.p  # 2 of the 8 ways to swap the systems differ by as much
    (0.2, 0.25)
    """
    if not len(before) == len(after) == len(clusters) or not len(before):
        raise ValueError(
            f"{len(before)} values before, {len(after)} after, {len(clusters)} clusters: pass one each "
            "for every query, and at least one query"
        )
    groups = pd.factorize(pd.Series(list(clusters)), sort=True)[0]
    sizes = np.bincount(groups).astype(float)
    sums = np.bincount(groups, weights=after - before).astype(float)
    mean = float(sums.sum() / sizes.sum())
    low = high = mean
    p = 1.0
    if len(sizes) > 1 and np.any(sums):
        rng = np.random.default_rng(seed)
        low, high = _interval(sums, sizes, rng)
        p = _p_value(sums, rng)
    return Difference(float(before.mean()), float(after.mean()), mean, low, high, p, len(before))


def _interval(sums: NDArray[np.float64], sizes: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean difference, from each cluster's summed difference and its queries."""
    interval = stats.bootstrap(
        (sums, sizes),
        lambda s, n, axis: s.sum(axis) / n.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=_at_a_time(len(sums)),
        method="percentile",
        rng=rng,
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _p_value(sums: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Return the two-sided p-value: swapping the systems within a cluster flips the sign of its summed difference."""
    tested = stats.permutation_test(
        (sums,),
        lambda s, axis: s.sum(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=_at_a_time(len(sums)),
        rng=rng,
    )
    return float(tested.pvalue)


def _at_a_time(clusters: int) -> int:
    return max(1, min(AT_A_TIME, NUMBERS // clusters))


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same queries, corpus and judgments.

    Attributes:
        baseline: Name of the system compared against.
        system: Name of the system compared.
        before: Per-query measures of the baseline.
        after: Per-query measures of the system, same index.
        clusters: Cluster of each query.
        differences: Per measure the mean difference and its uncertainty.
    """

    baseline: str
    system: str
    before: pd.DataFrame
    after: pd.DataFrame
    clusters: dict[str, str]
    differences: dict[str, Difference]

    @property
    def main(self) -> Difference:
        """The difference in ``MAIN_MEASURE``."""
        return self.differences[MAIN_MEASURE]

    def deltas(self, measure: str = MAIN_MEASURE) -> pd.Series:
        """Return after - before of every query."""
        return self.after[measure] - self.before[measure]

    def outcome(self, measure: str = MAIN_MEASURE) -> dict[str, int]:
        """Return the number of queries won, lost and tied by the system."""
        deltas = self.deltas(measure)
        return {
            "won": int((deltas > 1e-9).sum()),
            "lost": int((deltas < -1e-9).sum()),
            "tied": int((deltas.abs() <= 1e-9).sum()),
        }

    def table(self) -> pd.DataFrame:
        """Return one row a measure: before, after, difference, low, high, p."""
        return pd.DataFrame({m: vars(d) for m, d in self.differences.items()}).T


def compare(
    qrels: Qrels,
    runs: Mapping[str, Run],
    baseline: str,
    system: str,
    *,
    seed: int = 0,
    scores: Mapping[str, pd.DataFrame] | None = None,
) -> Comparison:
    """Compare two runs on every measure; queries that share an article are resampled together.

    Args:
        qrels: Judgments.
        runs: System -> run.
        baseline: Name of the run compared against.
        system: Name of the run compared.
        seed: Seed of the tests.
        scores: System -> ``per_query`` of its run, where they are made already.

    Raises:
        ValueError: A name is not among ``runs``.

    >>> runs = {"base": {"q": {"b": 2.0, "a": 1.0}}, "tuned": {"q": {"a": 2.0, "b": 1.0}}}
    >>> compare({"q": {"a": 1}}, runs, "base", "tuned").outcome("RR@10")
    {'won': 1, 'lost': 0, 'tied': 0}
    """
    missing = {baseline, system} - set(runs)
    if missing:
        raise ValueError(f"no run named {sorted(missing)}: there are {sorted(runs)}")
    scores = scores or {name: per_query(qrels, runs[name]) for name in (baseline, system)}
    before, after = scores[baseline], scores[system]
    clusters = document_clusters(qrels)
    order = [clusters[q] for q in before.index]
    measures = tqdm(MEASURE_NAMES, desc=f"compare {system} with {baseline}", disable=len(order) < 1000)
    differences = {m: paired_difference(before[m].to_numpy(), after[m].to_numpy(), order, seed=seed) for m in measures}
    return Comparison(baseline, system, before, after, clusters, differences)
