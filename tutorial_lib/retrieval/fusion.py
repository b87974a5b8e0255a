"""Two rankings of the same queries made into one: by scores, with a share that dev chooses, or by ranks alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tutorial_lib.retrieval.runs import Run, ranked

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Shares of the second ranking among which dev chooses."""

SHARE = 0.5
"""Share of the second ranking where nothing says better."""


def convex_combination(first: Run, second: Run, share: float = SHARE, *, k: int = 100) -> Run:
    """Return one run in which a document scores (1 - share) · first + share · second, scores made 0 to 1 in each query.

    Scores of BM25 and cosines are not of one kind, so those of a query are stretched from the lowest (0) to the highest (1)
    that each run holds for it; what a run does not hold counts 0 there.

    Args:
        first: A run, such as keyword search's.
        second: A run of the same queries, such as a model's.
        share: What the second run counts, 0 to 1. 0 gives the order of the first, 1 that of the second.
        k: Documents kept of each query.

    Raises:
        ValueError: ``share`` is out of range, or the runs do not answer the same queries.

    Reference: Bruch, Gai and Ingber 2023, ACM Transactions on Information Systems 42(1), "An analysis of fusion functions for
    hybrid retrieval": above reciprocal rank fusion, and a few judged queries are enough to choose the share.

    >>> keyword, dense = {"q": {"a": 9.0, "b": 8.0, "c": 1.0}}, {"q": {"b": 0.9, "c": 0.8, "d": 0.1}}
    >>> list(convex_combination(keyword, dense, 0.4)["q"])
    ['b', 'a', 'c', 'd']
    """
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"share is {share!r}: pass what the second run counts, a number from 0 to 1")
    _check_same_queries([first, second])
    fused: Run = {}
    for q in first:
        scores = {a: (1 - share) * score for a, score in _stretched(first[q]).items()}
        for a, score in _stretched(second[q]).items():
            scores[a] = scores.get(a, 0.0) + share * score
        fused[q] = ranked(scores, k)
    return fused


def _stretched(found: Mapping[str, float]) -> dict[str, float]:
    """Return the scores of one query from 0, the lowest, to 1, the highest; 1 where all are equal."""
    if not found:
        return {}
    low, high = min(found.values()), max(found.values())
    return {a: (score - low) / (high - low) if high > low else 1.0 for a, score in found.items()}


def reciprocal_rank_fusion(runs: Sequence[Run], *, k: int = 100, rrf_k: int = 60) -> Run:
    """Return one run in which each document scores the sum of 1 / (rrf_k + rank) over ``runs``; ranks start at 1.

    It needs no scores and no dev queries, and takes all runs to be equally good: where one is much better, the other drags
    it down (``benchmarks.fusing``).

    Args:
        runs: Runs of the same queries.
        k: Documents kept of each query.
        rrf_k: How little the first ranks count more than the later ones: the larger, the less. 60 is the paper's.

    Raises:
        ValueError: The runs do not answer the same queries.

    Reference: Cormack, Clarke and Büttcher 2009, SIGIR, "Reciprocal rank fusion outperforms Condorcet …".

    >>> keyword, dense = {"q": {"a": 9.0, "b": 8.0}}, {"q": {"b": 0.3, "c": 0.2}}
    >>> list(reciprocal_rank_fusion([keyword, dense])["q"])
    ['b', 'a', 'c']
    """
    _check_same_queries(runs)
    fused: Run = {}
    for q in runs[0]:
        scores: dict[str, float] = {}
        for run in runs:
            for rank, a in enumerate(run[q], 1):
                scores[a] = scores.get(a, 0.0) + 1 / (rrf_k + rank)
        fused[q] = ranked(scores, k)
    return fused


def _check_same_queries(runs: Sequence[Run]) -> None:
    if any(set(run) != set(runs[0]) for run in runs):
        raise ValueError(f"runs answer different queries ({[len(run) for run in runs]}): fuse runs of one query set")
