"""Slices of the test queries and the decision to ship."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.helpers import make_dataset, small_dataset
from tutorial_lib.evaluation.measures import MEASURE_NAMES
from tutorial_lib.evaluation.ship import ShipSettings, ship_decision
from tutorial_lib.evaluation.significance import Comparison, Difference, paired_difference
from tutorial_lib.evaluation.slices import query_slices, slice_table

# --- slices -------------------------------------------------------------------------------------------------------


def test_query_slices_by_hand():
    slices = query_slices(small_dataset())
    assert list(slices.index) == ["e1", "e2", "e3", "e4"]
    assert set(slices["article"]) == {"seen in training"}
    assert slices["length"].tolist() == ["9+ words", "5-8 words", "1-4 words", "5-8 words"]  # of 9, 6, 4 and 5 words
    assert slices.loc["e4", "overlap"] == "half or fewer"  # of its words only "the" stands in the answer
    assert "family" not in slices


def test_slices_by_family_put_small_ones_together():
    families = ["ec2"] * 3 + ["s3"] * 3 + ["kms"]
    judged = {"train": {"t": ("x", "a0")}, "test": {f"q{n}": (f"word{n} here", f"a{n}") for n in range(7)}}
    dataset = make_dataset({f"a{n}": ("title", f"word{n} here and there") for n in range(7)}, judged)
    queries = {q: replace(v, metadata={"family": families[int(q[1])]}) if q != "t" else v for q, v in dataset.queries.items()}
    slices = query_slices(replace(dataset, queries=queries), min_queries=3)
    assert slices["family"].tolist() == ["ec2"] * 3 + ["s3"] * 3 + ["other"]
    assert slices["article"].tolist() == ["seen in training"] + ["unseen in training"] * 6
    assert set(slices["overlap"]) == {"all words in the answer"}
    assert set(slices["length"]) == {"1-4 words"}


def comparison_of(deltas):
    """A comparison of two systems whose queries, of an article each, differ by ``deltas``."""
    index = pd.Index([f"q{n:03}" for n in range(len(deltas))], name="query_id")
    before = pd.DataFrame(0.5, index=index, columns=list(MEASURE_NAMES))
    after = before.add(pd.Series(deltas, index=index), axis=0)
    clusters = {q: q for q in index}
    differences = {m: paired_difference(before[m].to_numpy(), after[m].to_numpy(), list(index)) for m in MEASURE_NAMES}
    return Comparison("base", "tuned", before, after, clusters, differences)


@pytest.fixture(scope="module")
def harmed():
    """60 queries gain, 20 long ones lose; a slicing by chance stands beside the one that finds them."""
    rng = np.random.default_rng(4)
    comparison = comparison_of(np.r_[rng.normal(0.2, 0.05, 60), rng.normal(-0.15, 0.05, 20)])
    slices = pd.DataFrame(
        {"length": ["short"] * 60 + ["long"] * 20, "coin": ["heads", "tails"] * 40}, index=comparison.before.index
    )
    return comparison, slice_table(comparison, slices)


def test_a_harmed_slice_is_found_and_no_other(harmed):
    _, table = harmed
    assert table.loc[table["worse"], ["slice", "value"]].to_numpy().tolist() == [["length", "long"]]
    assert table["queries"].tolist() == [20, 60, 40, 40]
    assert (table["p_adjusted"] >= table["p"]).all()


def test_a_harmed_slice_stops_the_ship_and_is_named(harmed):
    comparison, table = harmed
    decision = ship_decision(comparison, comparison, table)
    assert comparison.main.low > 0
    assert decision.decision == "do not ship"
    assert [c.passed for c in decision.checks].count(False) == 1
    assert decision.reasons[0].startswith("NO: of 4 slices 1 got significantly worse: length: long (-0.1")


# --- the decision -------------------------------------------------------------------------------------------------


GOOD = Difference(0.6, 0.7, 0.1, 0.05, 0.15, 0.0001, 80)
NO_SLICE_WORSE = pd.DataFrame({"slice": ["a"], "value": ["b"], "difference": [0.1], "worse": [False]})


def decide(against_bm25=GOOD, **against_base):
    empty = pd.DataFrame()
    differences = {"nDCG@10": GOOD, "R@100": GOOD, **{k.replace("_at_", "@"): v for k, v in against_base.items()}}
    base = Comparison("base", "tuned", empty, empty, {}, differences)
    bm25 = Comparison("bm25", "tuned", empty, empty, {}, {"nDCG@10": against_bm25})
    return ship_decision(base, bm25, NO_SLICE_WORSE)


def test_a_model_that_meets_every_requirement_ships():
    decision = decide()
    assert decision.ship
    assert decision.decision == "ship"
    assert len(decision.reasons) == 6
    assert all(reason.startswith("yes: ") for reason in decision.reasons)


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        ({"nDCG_at_10": replace(GOOD, difference=0.019, low=0.001)}, "gains +0.019 over base, 0.02 wanted"),
        ({"nDCG_at_10": replace(GOOD, low=-0.001)}, "interval of the gain, -0.001 to +0.150, lies above 0"),
        ({"nDCG_at_10": replace(GOOD, p=0.05)}, "p = 0.050 in the paired randomisation test"),
        ({"against_bm25": replace(GOOD, difference=0.02, low=-0.01)}, "against BM25 nDCG@10 differs by +0.020 (-0.010 to"),
        ({"R_at_100": replace(GOOD, difference=-0.011)}, "R@100 changes by -0.011, a loss of at most 0.01"),
    ],
)
def test_each_failed_requirement_stops_the_ship(failed, said):
    decision = decide(**failed)
    assert decision.decision == "do not ship"
    assert [c.passed for c in decision.checks].count(False) == 1
    assert decision.reasons[0].startswith("NO: ")
    assert said in decision.reasons[0]


def test_a_loss_is_no_gain_however_significant():
    assert not decide(nDCG_at_10=Difference(0.7, 0.6, -0.1, -0.15, -0.05, 0.0001, 80)).ship


def test_thresholds_are_settings():
    empty = pd.DataFrame()
    base = Comparison("base", "tuned", empty, empty, {}, {"nDCG@10": GOOD, "R@100": GOOD})
    assert not ship_decision(base, base, NO_SLICE_WORSE, ShipSettings(min_gain=0.11)).ship
    assert ship_decision(base, base, NO_SLICE_WORSE, ShipSettings(min_gain=0.1)).ship
