import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.near_duplicates import PERMUTATIONS, Shingled, _bands, near_duplicate_groups, near_duplicates
from tutorial_lib.text import jaccard, word_shingles


def test_groups_by_hand():
    shingles = {
        "b": frozenset("abcdefghij"),
        "a": frozenset("abcdefghij"),  # the same set as b
        "c": frozenset("abcdefghi"),  # 9 of 10 in common with a and b
        "d": frozenset("klmnop"),
    }
    assert near_duplicate_groups(shingles, 0.8) == [["a", "b", "c"]]
    assert near_duplicate_groups(shingles, 1.0) == [["a", "b"]]
    assert near_duplicate_groups({"a": frozenset("x")}, 0.5) == []


def test_links_are_transitive():
    ten = [str(n) for n in range(12)]
    shingles = {"a": frozenset(ten[:10]), "b": frozenset(ten[1:11]), "c": frozenset(ten[2:12])}
    assert jaccard(shingles["a"], shingles["c"]) == pytest.approx(8 / 12)  # below 0.7, but both near b (9 / 11)
    assert near_duplicate_groups(shingles, 0.7) == [["a", "b", "c"]]


@pytest.mark.parametrize("threshold", [0, -0.1, 1.1])
def test_threshold_outside_0_to_1_is_refused(threshold):
    with pytest.raises(ValueError, match=f"threshold is {threshold}"):
        near_duplicate_groups({"a": frozenset("x")}, threshold)


SETS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.frozensets(st.sampled_from("uvwxyz"), min_size=1))


@given(SETS, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_groups_hold_no_false_alarm_and_no_equal_pair_is_missed(shingles, threshold):
    groups = near_duplicate_groups(shingles, threshold)
    group_of = {id_: n for n, group in enumerate(groups) for id_ in group}
    assert sum(map(len, groups)) == len(group_of)  # nobody is in two groups
    for id_, n in group_of.items():
        others = [o for o in groups[n] if o != id_]
        assert max(jaccard(shingles[id_], shingles[o]) for o in others) >= threshold
    for a in shingles:
        for b in shingles:
            if a != b and shingles[a] == shingles[b]:
                assert group_of[a] == group_of[b]


@given(SETS)
def test_order_of_input_does_not_matter(shingles):
    backwards = dict(reversed(shingles.items()))
    assert near_duplicate_groups(shingles, 0.5) == near_duplicate_groups(backwards, 0.5)


def test_groups_of_a_part_are_linked_through_members_of_the_part_alone():
    # b shares half of its letters with a and half with c; a and c share none.
    found = near_duplicates({"a": frozenset("wx"), "b": frozenset("xy"), "c": frozenset("yz"), "d": frozenset("wx")}, 1 / 3)
    assert found.groups() == [["a", "b", "c", "d"]]
    assert found.groups(["a", "c", "d"]) == [["a", "d"]]
    assert found.groups(["d", "b", "c"]) == [["b", "c", "d"]]  # d takes the place of a, whose set it has
    assert found.groups([]) == []
    with pytest.raises(KeyError):
        found.groups(["e"])


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.frozensets(st.sampled_from("uvwxyz"), min_size=1)),
    st.sampled_from([0.3, 0.5, 0.9]),
    st.data(),
)
def test_the_groups_of_a_part_are_those_of_the_part_compared_alone(shingles, threshold, data):
    part = data.draw(st.sets(st.sampled_from(sorted(shingles)))) if shingles else set()
    alone = near_duplicate_groups({id_: shingles[id_] for id_ in part}, threshold)
    assert near_duplicates(shingles, threshold).groups(part) == alone


@pytest.mark.parametrize("threshold", [0.3, 0.7, 0.9])
def test_the_pairs_are_those_that_datasketch_proposes_and_that_reach_the_threshold(threshold):
    rng = np.random.default_rng(0)
    letters = [f"word{n}" for n in range(200)]
    texts = {}
    for n in range(300):  # each is one of 30 with a few words changed
        words = np.random.default_rng(n % 30).choice(letters, 80)
        words[rng.integers(80, size=rng.integers(6))] = rng.choice(letters)
        texts[f"a{n:03}"] = " ".join(words)
    found = near_duplicates(Shingled(texts, word_shingles), threshold)
    sets = {kind: word_shingles(texts[a]) for a, kind in found.kind_of.items()}
    assert len(set(sets.values())) == len(sets)
    lsh, expected = MinHashLSH(params=_bands(threshold), num_perm=PERMUTATIONS), []
    for n, shingles in sets.items():
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([s.encode() for s in shingles])
        expected += [(m, n) for m in lsh.query(signature) if jaccard(sets[m], shingles) >= threshold]
        lsh.insert(n, signature)
    assert found.links == sorted(expected)
    assert len(found.links) > 10


def test_each_shingle_set_is_made_once_and_none_is_held():
    made = []

    def shingles(text):
        made.append(text)
        return word_shingles(text)

    texts = Shingled({"b": "restart the router", "a": "pay by card"}, shingles)
    assert near_duplicate_groups(texts, 0.9) == []
    assert made == ["pay by card", "restart the router"]
    assert list(texts) == ["b", "a"]
