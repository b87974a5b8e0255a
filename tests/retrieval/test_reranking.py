import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.retrieval.reranking import candidates, first_scores, reranked, z_scores
from tutorial_lib.retrieval.runs import ranked

RUN = {"q": {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.3, "e": 0.1}}


def test_half_and_half_is_the_mean_of_the_z_scores():
    # Of 0.9, 0.8, 0.7 the z-scores are 1.2247, 0, -1.2247; of 1, 4, 1: -0.7071, 1.4142, -0.7071.
    found = reranked(RUN, {"q": {"a": 1.0, "b": 4.0, "c": 1.0}})["q"]
    assert list(found) == ["b", "a", "c", "d", "e"]
    assert found["b"] == pytest.approx(1.4142 / 2, abs=1e-4)
    assert found["a"] == pytest.approx((1.2247 - 0.7071) / 2, abs=1e-4)


def test_the_first_scores_are_those_of_a_reranking_by_nothing():
    nothing = {"q": dict.fromkeys("abc", 0.0)}
    fused = reranked(RUN, nothing, 0.0)["q"]
    assert first_scores(RUN, 3)["q"] == pytest.approx({a: fused[a] for a in "abc"})
    assert list(first_scores(RUN)["q"]) == list("abcde")
    assert set(first_scores({"q": {"a": 0.5, "b": 0.5}})["q"].values()) == {0.0}


def test_what_is_not_scored_again_keeps_its_order_and_its_distance_behind():
    found = reranked(RUN, {"q": {"a": 1.0, "b": 4.0, "c": 1.0}})["q"]
    assert found["d"] == pytest.approx(found["c"] - 0.4, abs=1e-6)  # 0.7 to 0.3
    assert found["e"] == pytest.approx(found["c"] - 0.6, abs=1e-6)


@pytest.mark.parametrize(("weight", "order"), [(0, "abc"), (1, "cba"), (0.4, "abc"), (0.6, "cba")])
def test_the_weight_is_the_second_rankers_share(weight, order):
    assert "".join(reranked(RUN, {"q": {"a": 1.0, "b": 2.0, "c": 3.0}}, weight)["q"])[:3] == order


def test_equal_scores_go_by_id_and_are_strictly_decreasing():
    found = reranked({"q": {"b": 0.5, "a": 0.4}}, {"q": {"a": 0.3, "b": 0.2}})["q"]
    assert list(found) == ["a", "b"]  # both 0
    assert np.diff(np.float32(list(found.values())))[0] < 0


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1), st.integers(1, 9)
)
def test_nothing_is_lost_or_moved_across_the_depth(scores, depth):
    run = {"q": ranked({a: first for a, (first, _) in scores.items()})}
    top = candidates(run, ["q"], depth)["q"]
    found = reranked(run, {"q": {a: scores[a][1] for a in top}})["q"]
    assert set(list(found)[: len(top)]) == set(top)
    assert list(found)[len(top) :] == list(run["q"])[len(top) :]
    assert (np.diff(np.float32(list(found.values()))) < 0).all()


def test_a_query_for_which_nothing_was_found_stays_so():
    assert reranked({"q": {}}, {"q": {}}) == {"q": {}}


@pytest.mark.parametrize("depth", [0, -1, 2.0, True, None])
def test_a_depth_that_is_none_is_refused(depth):
    with pytest.raises(ValueError, match=r"depth is .*: pass how many documents"):
        candidates(RUN, ["q"], depth)


def test_queries_and_run_must_be_the_same():
    with pytest.raises(ValueError, match=r"does not answer query 'p' \(1 of 2\)"):
        candidates(RUN, ["p", "q"])
    with pytest.raises(ValueError, match=r"answers query 'q', whose text is not given"):
        candidates(RUN, [])


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), "half", True])
def test_a_weight_that_is_no_share_is_refused(weight):
    with pytest.raises(ValueError, match=r"weight is .*: pass the second ranker's share"):
        reranked(RUN, {"q": {"a": 1.0}}, weight)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({}, "query 'q' has a ranking or scores, not both"),
        ({"q": {"a": 1.0, "c": 1.0}}, "the 2 documents scored for query 'q' are not the first 2"),
        ({"q": {"a": float("nan"), "b": 1.0}}, "a score of query 'q' is not a finite number"),
    ],
)
def test_scores_of_something_else_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        reranked(RUN, scores)


def test_z_scores_have_mean_0_and_deviation_1():
    z = z_scores([3.0, 1.0, 4.0, 1.0, 5.0])
    assert z.mean() == pytest.approx(0)
    assert z.std() == pytest.approx(1)
