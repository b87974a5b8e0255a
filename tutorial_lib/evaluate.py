"""Measures of a run, by ir-measures: means, per-query values."""
from __future__ import annotations
import ir_measures
from ir_measures import R, RR, Success, nDCG
MEASURES = (nDCG @ 10, RR @ 10, R @ 10, R @ 100, Success @ 1)
def evaluate_run(qrels, run):
    return {str(m): v for m, v in ir_measures.calc_aggregate(MEASURES, qrels, run).items()}
