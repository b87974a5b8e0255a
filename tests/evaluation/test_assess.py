"""A system against what it is to replace."""

import pytest

from tutorial_lib.evaluation.assess import assess
from tutorial_lib.evaluation.ship import ShipSettings


def test_each_baseline_is_compared_and_the_gain_asked_over_the_best_without_training(copied):
    dataset, runs = copied.dataset(), copied.runs()
    found = assess(dataset, runs, "tuned")
    assert list(found.against) == ["base", "bm25", "untrained"]
    assert all((c.baseline, c.system) == (name, "tuned") for name, c in found.against.items())
    gain = found.against["untrained"].main.difference
    assert any(f"gains {gain:+.3f} over untrained, 0.02 wanted" in check.text for check in found.decision.checks)
    assert found.record() == {"decision": found.decision.decision, "reasons": found.decision.reasons}
    lenient = assess(dataset, runs, "tuned", "bm25", settings=ShipSettings(min_gain=-1))
    assert list(lenient.against) == ["base", "bm25"]
    assert any(check.passed and "over bm25, -1 wanted" in check.text for check in lenient.decision.checks)


def test_a_hosted_model_is_compared_where_there_is_one(copied):
    runs = {**copied.runs(), "hosted": copied.runs()["base"]}
    found = assess(copied.dataset(), runs, "bm25+tuned")
    assert found.against["hosted"].main.difference == found.against["base"].main.difference


def test_a_run_that_is_missing_is_named(copied):
    with pytest.raises(ValueError, match="no run named \\['other'\\]"):
        assess(copied.dataset(), copied.runs(), "other")
