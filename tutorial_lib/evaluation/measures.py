"""Measures of a run, by query and on the mean."""

from __future__ import annotations

from collections.abc import Mapping

import ir_measures
import numpy as np
import pandas as pd
from ir_measures import RR, R, Success, nDCG

from tutorial_lib.data.dataset import Qrels, relevant
from tutorial_lib.retrieval.runs import Run

MEASURES = (nDCG @ 10, RR @ 10, R @ 10, R @ 100, Success @ 1)

MEASURE_NAMES = tuple(str(m) for m in MEASURES)

MAIN_MEASURE = "nDCG@10"
"""The measure that decides."""


def per_query(qrels: Qrels, run: Run) -> pd.DataFrame:
    """Return every measure of every judged query: index query id (ascending), columns ``MEASURE_NAMES``, values 0 to 1.

    A judged query that the run does not answer counts 0.

    >>> per_query({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"b": 2.0, "a": 1.0}})["RR@10"].to_dict()
    {'q1': 0.5, 'q2': 0.0}
    """
    rows = [(m.query_id, str(m.measure), m.value) for m in ir_measures.iter_calc(MEASURES, qrels, run)]
    found = pd.DataFrame(rows, columns=["query_id", "measure", "value"])
    table = found.pivot(index="query_id", columns="measure", values="value")
    queries, measures = pd.Index(sorted(qrels), name="query_id"), pd.Index(list(MEASURE_NAMES))
    return table.reindex(index=queries, columns=measures).astype(float).fillna(0.0)


def evaluate_run(qrels: Qrels, run: Run) -> dict[str, float]:
    """Return the mean of each measure over all judged queries; higher is better, 0 to 1.

    >>> evaluate_run({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"b": 2.0, "a": 1.0}})["RR@10"]
    0.25
    """
    return _means(per_query(qrels, run))


def systems_table(qrels: Qrels, runs: Mapping[str, Run], *, scores: Mapping[str, pd.DataFrame] | None = None) -> pd.DataFrame:
    """Return the mean of each measure: one row a system, one column a measure.

    Args:
        qrels: Judgments.
        runs: System -> run.
        scores: System -> ``per_query`` of its run, where they are made already.
    """
    scores = scores or {name: per_query(qrels, run) for name, run in runs.items()}
    return pd.DataFrame({name: _means(scores[name]) for name in runs}).T


def _means(scores: pd.DataFrame) -> dict[str, float]:
    means = scores.mean()
    return {name: float(means[name]) for name in MEASURE_NAMES}


def rank_of_answer(qrels: Qrels, run: Run) -> pd.Series:
    """Return the rank (from 1) of each query's best-placed relevant document; infinite where none was retrieved.

    >>> rank_of_answer({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"b": 2.0, "a": 1.0}}).to_dict()
    {'q1': 2.0, 'q2': inf}
    """
    ranks = {}
    for q, grades in sorted(qrels.items()):
        good = set(relevant(grades))
        ranks[q] = next((float(n) for n, a in enumerate(run.get(q, {}), 1) if a in good), np.inf)
    return pd.Series(ranks, name="rank").rename_axis("query_id")
