from dataclasses import replace

import pandas as pd
import pytest

from tests.evaluation import comparisons
from tutorial_lib.evaluation.ship import ShipSettings, ship_decision
from tutorial_lib.evaluation.significance import Comparison, Difference

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
    decision = decide(nDCG_at_10=Difference(0.7, 0.6, -0.1, -0.15, -0.05, 0.0001, 80))
    assert not decision.ship
    assert any(r.startswith("NO: p < 0.001") and r.endswith("of a gain, and this is none") for r in decision.reasons)


def test_thresholds_are_settings():
    empty = pd.DataFrame()
    base = Comparison("base", "tuned", empty, empty, {}, {"nDCG@10": GOOD, "R@100": GOOD})
    assert not ship_decision(base, base, NO_SLICE_WORSE, ShipSettings(min_gain=0.11)).ship
    assert ship_decision(base, base, NO_SLICE_WORSE, ShipSettings(min_gain=0.1)).ship


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ({"min_gain": 2}, "min_gain is 2: pass a difference in nDCG@10, -1 to 1"),
        ({"max_recall_loss": -0.01}, "max_recall_loss is -0.01: pass a loss of R@100, 0 to 1"),
        ({"alpha": 5}, "alpha is 5: pass a significance level, above 0 and below 1"),
        ({"alpha": float("nan")}, "alpha is nan"),
    ],
)
def test_thresholds_out_of_range_are_refused(threshold, message):
    with pytest.raises(ValueError, match=message):
        ShipSettings(**threshold)


def test_a_harmed_slice_stops_the_ship_and_is_named():
    comparison, table = comparisons.harmed()
    decision = ship_decision(comparison, comparison, table)
    assert comparison.main.low > 0
    assert decision.decision == "do not ship"
    assert [c.passed for c in decision.checks].count(False) == 1
    assert decision.reasons[0].startswith("NO: of 4 slices 1 got significantly worse: length: long (-0.1")


def test_the_gain_is_asked_over_what_needs_no_training():
    empty = pd.DataFrame()
    base = Comparison("base", "tuned", empty, empty, {}, {"nDCG@10": GOOD, "R@100": GOOD})
    small = replace(GOOD, before=0.69, difference=0.01, low=-0.02, high=0.04, p=0.5)

    def against(difference):
        untrained = Comparison("untrained", "tuned", empty, empty, {}, {"nDCG@10": difference})
        return ship_decision(base, base, NO_SLICE_WORSE, against_untrained=untrained)

    assert against(GOOD).ship
    decision = against(small)  # a gain of 0.1 over base alone does not ship
    assert not decision.ship
    assert decision.reasons == [
        "NO: nDCG@10 gains +0.010 over untrained, 0.02 wanted",
        "NO: the 95 % interval of the gain, -0.020 to +0.040, lies above 0",
        "NO: p = 0.500 in the paired randomisation test, below 0.05 wanted",
        "yes: over base nDCG@10 gains +0.100 (+0.050 to +0.150): above 0 wanted",
        *decide().reasons[3:],
    ]
