"""Reranking: a second ranker, too slow for the whole corpus, scores the first documents of a run again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.retrieval.runs import Run, ranked, ranking

DEPTH = 30
"""So many of the first documents of a run are scored again."""

WEIGHT = 0.5
"""Share of the second ranker in the fused score where nothing says better."""

WEIGHTS = (0.3, 0.5, 0.7)
"""Shares among which dev chooses."""


def candidates(run: Run, queries: Iterable[str], depth: int = DEPTH) -> dict[str, list[str]]:
    """Return the first ``depth`` documents of each query, best first.

    Raises:
        ValueError: ``depth`` is no whole number above 0, or the run does not answer one of ``queries``, or others.

    >>> candidates({"q": {"a": 0.9, "b": 0.8, "c": 0.1}}, ["q"], depth=2)
    {'q': ['a', 'b']}
    """
    if not isinstance(depth, int) or isinstance(depth, bool) or depth < 1:
        raise ValueError(f"depth is {depth!r}: pass how many documents of each query to rank again, at least 1")
    asked = list(queries)
    if missing := sorted(set(asked) - set(run)):
        raise ValueError(
            f"the run does not answer query {missing[0]!r} ({len(missing)} of {len(asked)}): pass its own queries"
        )
    if unasked := sorted(set(run) - set(asked)):
        raise ValueError(f"the run answers query {unasked[0]!r}, whose text is not given: pass the texts of all {len(run)}")
    return {q: list(run[q])[:depth] for q in asked}


def first_scores(run: Run, depth: int = DEPTH) -> Run:
    """Return the first ``depth`` documents of each query with their scores as z-scores: a ranking like ``reranked``'s.

    >>> first_scores({"q": {"a": 0.75, "b": 0.5, "c": 0.1}}, depth=2)
    {'q': {'a': 1.0, 'b': -1.0}}
    """
    first = {q: {a: run[q][a] for a in found} for q, found in candidates(run, run, depth).items()}
    return {q: dict(zip(found, z_scores(list(found.values())).tolist(), strict=True)) for q, found in first.items()}


def reranked(run: Run, scores: Mapping[str, Mapping[str, float]], weight: float = WEIGHT) -> Run:
    """Return ``run`` with the first documents of each query ordered by its own scores and those of a second ranker.

    The two are fused as z-scores within a query: (1 - weight) · z(run) + weight · z(scores). Documents below those keep
    their order, behind them. The new scores compare documents of one query; between queries they mean nothing.

    Args:
        run: The first ranker's run.
        scores: The second ranker's: query id -> id of each of the first so many documents of the run -> score.
        weight: Share of the second ranker, 0 to 1.

    Raises:
        ValueError: ``weight`` is out of range; a query of the run has no scores; what is scored is not the first documents
            of the run; or a score is not finite.

    >>> run = {"q": {"a": 0.9, "b": 0.8, "c": 0.1}}
    >>> list(reranked(run, {"q": {"a": 0.2, "b": 0.7}}, weight=0.6)["q"])
    ['b', 'a', 'c']
    """
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight!r}: pass the second ranker's share, a number from 0 to 1")
    if set(run) != set(scores):
        q = min(set(run) ^ set(scores))
        raise ValueError(f"query {q!r} has a ranking or scores, not both: rank again what the run answers")
    return {q: _reordered(q, found, scores[q], weight) for q, found in run.items()}


def _reordered(query_id: str, found: Mapping[str, float], scores: Mapping[str, float], weight: float) -> dict[str, float]:
    ids, first = list(found), np.array(list(found.values()))
    depth = len(scores)
    if set(ids[:depth]) != set(scores):
        raise ValueError(f"the {depth} documents scored for query {query_id!r} are not the first {depth} of its ranking")
    second = np.array([scores[a] for a in ids[:depth]])
    if not (np.isfinite(second).all() and np.isfinite(first).all()):
        raise ValueError(f"a score of query {query_id!r} is not a finite number: its model is damaged, or its ranking is")
    if not depth:
        return dict(found)
    fused = ((1 - weight) * z_scores(first[:depth]) + weight * z_scores(second)).tolist()
    top = ranked(dict(zip(ids, fused, strict=False)))
    # What is not scored again stands as far below the last candidate as before.
    below = min(fused) - (first[depth - 1] - first[depth:])
    return ranking([*top, *ids[depth:]], [*sorted(fused, reverse=True), *below.tolist()])


def z_scores(scores: Sequence[float] | NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ``scores``, (N,), in standard deviations from their mean; zeros where all are equal.

    >>> z_scores([1.0, 3.0]).tolist(), z_scores([2.0, 2.0]).tolist()
    ([-1.0, 1.0], [0.0, 0.0])
    """
    centred = np.asarray(scores, dtype=np.float64) - np.mean(scores)
    spread = centred.std()
    return centred / spread if spread > 1e-12 else np.zeros_like(centred)
