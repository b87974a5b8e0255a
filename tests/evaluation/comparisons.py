"""A comparison whose differences are given, and one with a slice that got worse."""

import numpy as np
import pandas as pd

from tutorial_lib.evaluation.measures import MEASURE_NAMES
from tutorial_lib.evaluation.significance import Comparison, paired_difference
from tutorial_lib.evaluation.slices import slice_table


def comparison_of(deltas):
    """A comparison of two systems whose queries, of an article each, differ by ``deltas``."""
    index = pd.Index([f"q{n:03}" for n in range(len(deltas))], name="query_id")
    before = pd.DataFrame(0.5, index=index, columns=list(MEASURE_NAMES))
    after = before.add(pd.Series(deltas, index=index), axis=0)
    clusters = {q: q for q in index}
    differences = {m: paired_difference(before[m].to_numpy(), after[m].to_numpy(), list(index)) for m in MEASURE_NAMES}
    return Comparison("base", "tuned", before, after, clusters, differences)


def harmed():
    """60 queries gain, 20 long ones lose; a slicing by chance stands beside the one that finds them."""
    rng = np.random.default_rng(4)
    comparison = comparison_of(np.r_[rng.normal(0.2, 0.05, 60), rng.normal(-0.15, 0.05, 20)])
    slices = pd.DataFrame(
        {"length": ["short"] * 60 + ["long"] * 20, "coin": ["heads", "tails"] * 40}, index=comparison.before.index
    )
    return comparison, slice_table(comparison, slices)
