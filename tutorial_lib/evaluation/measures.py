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


def per_query(qrels: Qrels, run: Run) -> pd.DataFrame:
    """Return every measure of every judged query: index query id (ascending), columns ``MEASURE_NAMES``, values 0 to 1.

    A judged query that the run does not answer counts 0.
    """
    frame = pd.DataFrame(0.0, index=pd.Index(sorted(qrels), name="query_id"), columns=list(MEASURE_NAMES))
    for metric in ir_measures.iter_calc(MEASURES, qrels, run):
        frame.loc[metric.query_id, str(metric.measure)] = metric.value
    return frame


def evaluate_run(qrels: Qrels, run: Run) -> dict[str, float]:
    """Return the mean of each measure over all judged queries; higher is better, 0 to 1."""
    means = per_query(qrels, run).mean()
    return {name: float(means[name]) for name in MEASURE_NAMES}


def systems_table(qrels: Qrels, runs: Mapping[str, Run]) -> pd.DataFrame:
    """Return one row a system, one column a measure."""
    return pd.DataFrame({name: evaluate_run(qrels, run) for name, run in runs.items()}).T


def rank_of_answer(qrels: Qrels, run: Run) -> pd.Series:
    """Return the rank (from 1) of each query's best-placed relevant article; infinite where none was retrieved."""
    ranks = {}
    for q, grades in sorted(qrels.items()):
        good = set(relevant(grades))
        ranks[q] = next((float(n) for n, a in enumerate(run.get(q, {}), 1) if a in good), np.inf)
    return pd.Series(ranks, name="rank").rename_axis("query_id")
