"""Measures of a run, by query and on the mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import ir_measures
import numpy as np
import pandas as pd
from ir_measures import RR, Judged, R, Success, nDCG

from tutorial_lib.data.dataset import Qrels, relevant
from tutorial_lib.retrieval.runs import Run, ranked

MEASURES = (nDCG @ 10, RR @ 10, R @ 10, R @ 100, Success @ 1)

MEASURE_NAMES = tuple(str(m) for m in MEASURES)

MAIN_MEASURE = "nDCG@10"
"""The measure that decides."""

UNJUDGED = "unjudged@10"
"""Share of the first ten documents that nobody has judged: what a system finds there counts as wrong, right or not."""

TWINS = "nDCG@10, twins count"
"""``MAIN_MEASURE`` where a near-duplicate of a right answer is right too: see ``twins_count``."""


def per_query(qrels: Qrels, run: Run) -> pd.DataFrame:
    """Return every measure of every judged query: index query id (ascending), columns ``MEASURE_NAMES``, values 0 to 1.

    A judged query that the run does not answer counts 0.

    >>> per_query({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"b": 2.0, "a": 1.0}})["RR@10"].to_dict()
    {'q1': 0.5, 'q2': 0.0}
    """
    name = {m: str(m) for m in MEASURES}  # which takes longer than the measure
    rows = [(m.query_id, name[m.measure], m.value) for m in ir_measures.iter_calc(MEASURES, qrels, run)]
    found = pd.DataFrame(rows, columns=["query_id", "measure", "value"])
    table = found.pivot(index="query_id", columns="measure", values="value")
    queries, measures = pd.Index(sorted(qrels), name="query_id"), pd.Index(list(MEASURE_NAMES))
    return table.reindex(index=queries, columns=measures).astype(float).fillna(0.0)


def main_scores(qrels: Qrels, run: Run) -> dict[str, float]:
    """Return ``MAIN_MEASURE`` by query, 0 to 1, higher is better.

    >>> main_scores({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"a": 1.0}})
    {'q1': 1.0, 'q2': 0.0}
    """
    return {str(q): float(score) for q, score in per_query(qrels, run)[MAIN_MEASURE].items()}


def evaluate_run(qrels: Qrels, run: Run) -> dict[str, float]:
    """Return the mean of each measure over all judged queries; higher is better, 0 to 1.

    >>> evaluate_run({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"b": 2.0, "a": 1.0}})["RR@10"]
    0.25
    """
    return _means(per_query(qrels, run))


def systems_table(
    qrels: Qrels,
    runs: Mapping[str, Run],
    *,
    scores: Mapping[str, pd.DataFrame] | None = None,
    near_duplicates: Iterable[Sequence[str]] = (),
) -> pd.DataFrame:
    """Return the mean of each measure: one row a system, one column a measure.

    Args:
        qrels: Judgments.
        runs: System -> run.
        scores: System -> ``per_query`` of its run, where they are made already.
        near_duplicates: Groups of documents that say nearly the same (``dataset.near_duplicates``).

    Returns:
        The columns of ``per_query``; beside the first, where there are groups, ``TWINS``; last ``UNJUDGED``, of which less
        is not better: it tells how much of a system's figure hangs on documents that nobody has looked at.
    """
    scores = scores or {name: per_query(qrels, run) for name, run in runs.items()}
    table = pd.DataFrame({name: {**_means(scores[name]), UNJUDGED: _unjudged(qrels, run)} for name, run in runs.items()}).T
    if groups := list(near_duplicates):
        means = [twins_count(qrels, runs[str(name)], groups).mean() for name in table.index]
        table.insert(1, TWINS, means)
    return table


def _unjudged(qrels: Qrels, run: Run) -> float:
    """Return ``UNJUDGED`` on the mean of all judged queries; one for which nothing was found counts 0."""
    answered = {q: found for q, found in run.items() if found and q in qrels}
    judged = [m.value for m in ir_measures.iter_calc([Judged @ 10], {q: qrels[q] for q in answered}, answered)]
    return float(np.sum(1 - np.array(judged)) / max(1, len(qrels)))


def twins_count(qrels: Qrels, run: Run, near_duplicates: Iterable[Sequence[str]]) -> pd.Series:
    """Return nDCG@10 of every judged query where any document of an answer's near-duplicate group counts as the answer.

    A group with a right answer is one answer, worth its best grade. The first of its documents in the ranking earns that
    grade; the others keep their places and earn nothing, for a reader gains nothing from a second copy. The best possible
    ranking holds each group once. Documents in no group count as in the strict measure.

    Args:
        qrels: Judgments.
        run: Run.
        near_duplicates: Groups of documents that say nearly the same; no document is in two.

    >>> twins_count({"q": {"a": 1}}, {"q": {"copy of a": 2.0, "a": 1.0}}, [("a", "copy of a")]).to_dict()
    {'q': 1.0}
    """
    group_of = {a: f"group {n}" for n, group in enumerate(near_duplicates) for a in group}
    units: Qrels = {}
    found: Run = {}
    for q, grades in qrels.items():
        # A prefix keeps apart what is named by its group and what by its own id.
        unit = {a: group_of.get(a, f"document {a}") for a in {*grades, *run.get(q, {})}}
        units[q] = {unit[a]: max(grades[b] for b in grades if unit[b] == unit[a]) for a in grades}
        seen: set[str] = set()
        found[q] = {}
        for a, score in ranked(run.get(q, {})).items():
            found[q][f"again {a}" if unit[a] in seen else unit[a]] = score
            seen.add(unit[a])
    return per_query(units, found)[MAIN_MEASURE]


def _means(scores: pd.DataFrame) -> dict[str, float]:
    means = scores.mean()
    return {name: float(means[name]) for name in MEASURE_NAMES}


def rank_of_answer(qrels: Qrels, run: Run) -> pd.Series:
    """Return the rank (from 1) of each query's best-placed relevant document; infinite where none was retrieved.

    Scores decide, as in every measure, and not the order in which the run's documents stand.

    >>> rank_of_answer({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"a": 1.0, "b": 2.0}}).to_dict()
    {'q1': 2.0, 'q2': inf}
    """
    ranks = {}
    for q, grades in sorted(qrels.items()):
        good = set(relevant(grades))
        ranks[q] = next((float(n) for n, a in enumerate(ranked(run.get(q, {})), 1) if a in good), np.inf)
    return pd.Series(ranks, name="rank").rename_axis("query_id")
