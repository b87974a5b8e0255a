"""Measures, paired tests, slices, and the decision to ship."""

from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run, per_query, rank_of_answer, systems_table
from tutorial_lib.evaluation.ship import ShipSettings, ship_decision
from tutorial_lib.evaluation.significance import compare, paired_difference
from tutorial_lib.evaluation.slices import query_slices, side_by_side, slice_table

__all__ = [
    "MAIN_MEASURE",
    "ShipSettings",
    "compare",
    "evaluate_run",
    "paired_difference",
    "per_query",
    "query_slices",
    "rank_of_answer",
    "ship_decision",
    "side_by_side",
    "slice_table",
    "systems_table",
]
