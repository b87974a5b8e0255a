import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.calibration import Calibration, calibrate, first_hits

QRELS = {"q1": {"a": 2, "b": 1}, "q2": {"c": 1, "a": 0}, "q3": {"d": 1}, "q4": {"e": 1}}
RUN = {"q1": {"a": 0.9, "x": 0.5, "b": 0.4}, "q2": {"x": 0.6, "c": 0.3}, "q3": {"d": 0.8}}
"""q1: right first. q2: wrong first. q3: nothing beside its answer. q4: not answered at all."""
CURVE = Calibration(10.0, -6.0, 100, 0.5)
"""Even odds at a score of 0.6."""


def drawn(slope, intercept, share=0.5, queries=4000):
    """Judgments and a run whose right first hits are drawn from a known curve; "right" is the answer's id."""
    rng = np.random.default_rng(0)
    qrels, run = {}, {}
    for n in range(queries):
        score = rng.uniform(0, 1)
        right = rng.uniform() < 1 / (1 + np.exp(-(slope * score + intercept)))
        qrels[f"q{n}"] = {"right": 1}
        run[f"q{n}"] = {"right" if right else "wrong": score}
    return qrels, run


# --- first hits ---------------------------------------------------------------------------------------------------


def test_first_hits_with_the_answers_and_without():
    rows = first_hits(QRELS, RUN)
    assert list(rows.itertuples(index=False, name=None)) == [
        ("q1", 0.9, True, True),
        ("q1", 0.5, False, False),  # "b" answers too, so "x" is the best that does not
        ("q2", 0.6, False, True),
        ("q2", 0.6, False, False),
        ("q3", 0.8, True, True),
    ]


# --- the curve ----------------------------------------------------------------------------------------------------


def test_confidence_by_hand():
    assert CURVE.confidence(0.6) == pytest.approx(0.5)
    assert CURVE.confidence([[0.7], [0.5]]) == pytest.approx(np.array([[1 / (1 + np.exp(-1))], [1 / (1 + np.exp(1))]]))
    assert CURVE.threshold(0.5) == pytest.approx(0.6)


@given(st.floats(0.1, 100), st.floats(-50, 50), st.floats(0.01, 0.99))
def test_threshold_is_where_confidence_is_reached(slope, intercept, confidence):
    curve = Calibration(slope, intercept, 1, 0.5)
    assert curve.confidence(curve.threshold(confidence)) == pytest.approx(confidence)


def test_scores_that_tell_nothing_show_everything_or_nothing():
    flat = Calibration(0.0, 0.0, 1, 0.5)
    assert (flat.threshold(0.4), flat.threshold(0.6)) == (-np.inf, np.inf)


@pytest.mark.parametrize("confidence", [0, 1, 60, float("nan")])
def test_a_confidence_that_is_no_probability_is_refused(confidence):
    with pytest.raises(ValueError, match=rf"confidence {confidence}: pass a probability"):
        CURVE.threshold(confidence)


def test_a_calibration_comes_back_from_json():
    assert Calibration.from_record(json.loads(json.dumps(CURVE.record()))) == CURVE


# --- fitting ------------------------------------------------------------------------------------------------------


def test_the_curve_that_made_the_data_is_found():
    found = calibrate(*drawn(8, -4), no_answer_share=0)
    assert (found.slope, found.intercept) == (pytest.approx(8, rel=0.1), pytest.approx(-4, rel=0.1))
    assert (found.queries, found.no_answer_share) == (4000, 0)


def test_confidence_is_on_average_the_share_that_is_right():
    qrels, run = drawn(8, -4, queries=500)
    found = calibrate(qrels, run, no_answer_share=0)
    hits = first_hits(qrels, run).query("in_index")
    assert found.confidence(hits["score"]).mean() == pytest.approx(hits["right"].mean(), abs=0.005)


def test_two_models_on_other_scales_give_the_same_confidences():
    qrels, run = drawn(8, -4, queries=300)
    other = {q: {a: 40 + 25 * s for a, s in hits.items()} for q, hits in run.items()}
    one, two = calibrate(qrels, run), calibrate(qrels, other)
    scores = np.linspace(0, 1, 11)
    assert two.confidence(40 + 25 * scores) == pytest.approx(one.confidence(scores), abs=1e-4)
    assert two.threshold(0.7) == pytest.approx(40 + 25 * one.threshold(0.7), abs=0.01)


def test_more_queries_without_an_answer_ask_for_a_higher_score():
    qrels = {f"q{n}": {"a": 1} for n in range(50)}
    run = {q: {"a": 0.5 + n / 100, "x": n / 60} for n, q in enumerate(qrels)}
    thresholds = [calibrate(qrels, run, no_answer_share=share).threshold(0.5) for share in (0.1, 0.5, 0.9)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < thresholds[2]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-1, 1), st.booleans()), min_size=1, max_size=20), st.sampled_from([0, 0.5, 0.95]))
def test_any_judged_run_gives_a_finite_rising_curve(hits, share):
    qrels = {f"q{n}": {"right": 1} for n in range(len(hits))}
    run = {f"q{n}": {"right" if right else "wrong": s, "other": s - 0.1} for n, (s, right) in enumerate(hits)}
    found = calibrate(qrels, run, no_answer_share=share)
    assert np.isfinite([found.slope, found.intercept]).all()
    assert found.slope >= 0


def test_a_model_whose_right_hits_score_lowest_is_not_believed_at_any_score():
    qrels = {f"q{n}": {"right": 1} for n in range(20)}
    run = {q: {"right": 0.1} if n % 2 else {"wrong": 0.9} for n, q in enumerate(qrels)}
    found = calibrate(qrels, run, no_answer_share=0)
    assert found.slope == pytest.approx(0, abs=1e-6)
    assert found.confidence(0.9) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("run", [{}, {"q1": {}}, {"other": {"a": 1.0}}])
def test_a_run_without_a_judged_hit_is_refused(run):
    with pytest.raises(DataError, match="no query to calibrate on: 4 are judged"):
        calibrate(QRELS, run)


@pytest.mark.parametrize("share", [-0.1, 1, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="0 to below 1"):
        calibrate(QRELS, RUN, no_answer_share=share)


# --- what the cut-off does ----------------------------------------------------------------------------------------


def test_outcome_by_hand():
    hits = pd.DataFrame(
        [
            ("q1", 0.9, True, True),
            ("q2", 0.7, False, True),
            ("q3", 0.5, True, True),
            ("q4", 0.8, True, True),
            ("q1", 0.7, False, False),
            ("q2", 0.2, False, False),
        ],
        columns=["query_id", "score", "right", "in_index"],
    )
    # Shown are 0.9, 0.7, 0.8 of those in the index (an eighth each) and one of two (a quarter each) of the others.
    assert CURVE.outcome(hits, 0.5) == pytest.approx(
        {"right_shown": 2 / 3, "no_answer_told": 1 / 2, "shown_right": (2 / 8) / (3 / 8 + 1 / 4)}
    )
    assert np.isnan(CURVE.outcome(hits, 0.99)["shown_right"])
