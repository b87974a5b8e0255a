"""Runs: ranked articles per query, with one rule for ties, and TREC files.

The rule everywhere: score descending, then document id ascending. Scores in a run are made strictly decreasing in
float32, so that tools which break ties another way (trec_eval: later id first) keep the order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import Qrels
from tutorial_lib.files import write_text

Run: TypeAlias = dict[str, dict[str, float]]
"""query id -> document id -> score, best first, scores strictly decreasing in float32."""

BLOCKS = 8
"""Scores are cut into so many blocks for each that is wanted: the best of them then rarely share a block."""


def top_k(scores: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Return the indices of the ``k`` highest of ``scores``: best first, equal scores by lower index.

    Args:
        scores: Shape (N,), higher is better.
        k: How many; all of them where N is smaller.

    Returns:
        int64, (min(k, N),).

    Raises:
        ValueError: A score is not a number: it has no place in any order.

    >>> top_k(np.array([0.2, 0.9, 0.9, 0.5]), 3).tolist()
    [1, 2, 3]
    """
    k = min(k, len(scores))
    if k == 0:
        return np.empty(0, dtype=np.int64)
    if np.isnan(scores.max()):
        raise ValueError(f"score {int(np.isnan(scores).argmax())} of {len(scores)} is not a number: pass finite scores")
    candidates = np.flatnonzero(scores >= reached_by(scores, k))  # more than k where the last score is shared
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]


def reached_by(scores: NDArray[np.floating], k: int) -> float:
    """Return a number that at least ``k`` of ``scores`` reach, and few others: found many times faster than the k-th highest.

    It is the k-th highest of the maxima of blocks: each of the first k is another score.

    Args:
        scores: Shape (N,), higher is better.
        k: How many, 1 to N.

    >>> reached_by(np.array([0.2, 0.9, 0.9, 0.5]), 3)
    0.5
    """
    width = max(1, len(scores) // (BLOCKS * k))
    blocks = len(scores) // width
    best = scores[: width * blocks].reshape(width, blocks).max(axis=0)
    return float(np.partition(best, blocks - k)[blocks - k])


def strictly_decreasing(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return ``scores`` lowered as little as makes them strictly decreasing in float32.

    The bits of a float32, read as an integer, count the float32 numbers up from 0: "at least one below the last" is a
    running minimum of those integers.

    Args:
        scores: Shape (…, N), not increasing along the last axis.

    Returns:
        float32, shape of ``scores``.

    >>> np.diff(strictly_decreasing(np.array([1.0, 1.0, 0.5]))) < 0
    array([ True,  True])
    """
    bits = np.ascontiguousarray(scores, dtype=np.float32).view(np.int32).astype(np.int64)
    count = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    place = np.arange(count.shape[-1])
    count = np.minimum.accumulate(count + place, axis=-1) - place
    return np.where(count < 0, -count | -(2**31), count).astype(np.int32).view(np.float32)


def ranking(ids: Sequence[str], scores: Sequence[float] | NDArray[np.floating]) -> dict[str, float]:
    """Return ``ids`` in the given order with their scores lowered as little as makes float32 strictly decreasing.

    Args:
        ids: Document ids, best first, length N.
        scores: Their scores, shape (N,), not increasing.

    Raises:
        ValueError: Ids and scores differ in number.
    """
    return dict(zip(ids, strictly_decreasing(np.asarray(scores)).tolist(), strict=True))


def ranked(scores: Mapping[str, float], k: int | None = None) -> dict[str, float]:
    """Return documents (id -> score) in the order of the tie rule, the first ``k`` of them; all without ``k``.

    >>> list(ranked({"b": 1.0, "c": 2.0, "a": 1.0}))
    ['c', 'a', 'b']
    """
    order = sorted(scores, key=lambda a: (-scores[a], a))[:k]
    return ranking(order, [scores[a] for a in order])


def without_own(run: Run, own: Mapping[str, str], k: int) -> Run:
    """Return ``run`` without each query's own document, the first ``k`` documents of a query.

    Args:
        run: A run of one document more than is wanted, where a query may have one of its own.
        own: Query id -> its own document (``dataset.own_documents``).
        k: How many documents to keep of each query.

    >>> without_own({"q": {"q": 1.0, "a": 0.5, "b": 0.25}, "p": {"a": 0.5, "b": 0.25}}, {"q": "q"}, 1)
    {'q': {'a': 0.5}, 'p': {'a': 0.5}}
    """
    if not own:
        return run
    return {q: dict([(a, s) for a, s in found.items() if a != own.get(q)][:k]) for q, found in run.items()}


def trec_id(id_: str) -> str:
    """Return ``id_`` fit for a TREC file, whose columns are divided by white space: that and "%" are %-encoded.

    >>> trec_id("annual plan")
    'annual%20plan'
    """
    return re.sub(r"[\s%]", lambda m: quote(m[0]), id_)


def write_trec_run(run: Run, path: Path, tag: str) -> None:
    """Write ``run`` in TREC format: query Q0 article rank score tag."""
    lines = (
        f"{trec_id(q)} Q0 {trec_id(a)} {rank} {score!r} {tag}\n"
        for q in sorted(run)
        for rank, (a, score) in enumerate(run[q].items(), 1)
    )
    write_text(path, "".join(lines))


def write_trec_qrels(qrels: Qrels, path: Path) -> None:
    """Write judgments in TREC format: query 0 article grade."""
    lines = (f"{trec_id(q)} 0 {trec_id(a)} {g}\n" for q, grades in sorted(qrels.items()) for a, g in sorted(grades.items()))
    write_text(path, "".join(lines))
