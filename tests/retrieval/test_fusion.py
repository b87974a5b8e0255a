import pytest

from tutorial_lib.retrieval.fusion import SHARE, SHARES, convex_combination, reciprocal_rank_fusion

KEYWORD = {"q": {"a": 12.0, "b": 6.0, "c": 0.0}}
DENSE = {"q": {"c": 0.9, "b": 0.7, "d": 0.5}}

# --- by scores ----------------------------------------------------------------------------------------------------


def test_a_convex_combination_by_hand():
    fused = convex_combination(KEYWORD, DENSE, 0.25)["q"]
    assert list(fused) == ["a", "b", "c", "d"]
    assert list(fused.values()) == pytest.approx([0.75, 0.75 * 0.5 + 0.25 * 0.5, 0.25, 0.0])


def test_neither_kind_of_score_counts_more_for_being_larger():
    scaled = {"q": {a: 1000 * score - 7 for a, score in KEYWORD["q"].items()}}
    assert convex_combination(scaled, DENSE, 0.4)["q"] == pytest.approx(convex_combination(KEYWORD, DENSE, 0.4)["q"])


@pytest.mark.parametrize(("share", "first"), [(0, KEYWORD), (1, DENSE)])
def test_at_the_ends_it_has_the_order_of_one(share, first):
    fused = list(convex_combination(KEYWORD, DENSE, share)["q"])
    assert fused[:2] == list(first["q"])[:2]  # the last of one run counts what a document counts that it does not hold


def test_the_parts_have_as_many_say_whichever_is_first():
    one, other = convex_combination(KEYWORD, DENSE, 0.3), convex_combination(DENSE, KEYWORD, 0.7)
    assert one["q"] == pytest.approx(other["q"])


def test_scores_that_are_all_equal_count_in_full():
    assert list(convex_combination({"q": {"a": 2.0}}, {"q": {"b": 0.3, "c": 0.3}}, 0.4)["q"]) == ["a", "b", "c"]


def test_a_query_for_which_one_run_has_nothing_keeps_the_other():
    assert list(convex_combination({"q": {}}, DENSE, 0.1)["q"]) == ["c", "b", "d"]
    assert convex_combination({"q": {}}, {"q": {}}, 0.1) == {"q": {}}


def test_it_keeps_the_first_k():
    assert list(convex_combination(KEYWORD, DENSE, 0.25, k=2)["q"]) == ["a", "b"]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "half", True])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(ValueError, match="pass what the second run counts, a number from 0 to 1"):
        convex_combination(KEYWORD, DENSE, share)


def test_shares_leave_neither_alone():
    assert SHARE in SHARES
    assert 0 < min(SHARES) < max(SHARES) < 1


def test_a_weak_run_drags_a_good_one_down_by_ranks_and_not_by_a_small_share():
    good = {"q": {"right": 0.9, "wrong": 0.7, "other": 0.1}}
    weak = {"q": {"wrong": 9.0, "other": 8.0, "right": 1.0}}
    assert next(iter(reciprocal_rank_fusion([weak, good])["q"])) == "wrong"
    assert next(iter(convex_combination(weak, good, 0.9)["q"])) == "right"


# --- by ranks -----------------------------------------------------------------------------------------------------


def test_fusion_by_ranks_by_hand():
    fused = reciprocal_rank_fusion([{"q": {"a": 9.0, "b": 8.0}}, {"q": {"b": 0.3, "c": 0.2}}])
    assert list(fused["q"]) == ["b", "a", "c"]
    assert list(fused["q"].values()) == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_a_larger_rrf_k_counts_the_first_ranks_less():
    runs = [{"q": {"a": 3.0, "b": 2.0, "c": 1.0}}, {"q": {"x": 3.0, "b": 2.0}}]  # "b" second twice, "a" and "x" first once
    assert list(reciprocal_rank_fusion(runs, rrf_k=0)["q"]) == ["a", "b", "x", "c"]  # 1, 2 / 2, 1 and 1 / 3: ties by id
    assert list(reciprocal_rank_fusion(runs, rrf_k=1)["q"]) == ["b", "a", "x", "c"]  # 1 / 2, 2 / 3, 1 / 2 and 1 / 4


def test_fusion_by_ranks_keeps_the_first_k():
    assert list(reciprocal_rank_fusion([{"q": {"a": 3.0, "b": 2.0}}], k=1)["q"]) == ["a"]


@pytest.mark.parametrize(
    "fuse", [reciprocal_rank_fusion, lambda runs: convex_combination(*runs)], ids=["by ranks", "by scores"]
)
def test_fusion_refuses_runs_of_different_queries(fuse):
    with pytest.raises(ValueError, match="different queries"):
        fuse([{"q": {}}, {"r": {}}])
