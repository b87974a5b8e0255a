"""Team drafts by the rules of the game, and credit by clicks."""

import random
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.serving.interleave import FIRST, SECOND, credit, team_draft

rankings = st.lists(st.sampled_from("abcdefghijklmn"), unique=True)


class Tossed:
    """A coin that falls as was told."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def random(self):
        return self.numbers.pop(0)


HEADS, TAILS = 0.9, 0.1  # the first ranking drafts first; the second does


def test_a_draft_by_hand():
    first, second = ["a", "b", "c", "d"], ["b", "e", "a", "f"]
    # Heads: a for the first, then b for the second. Tails: e for the second, then c, as b is gone, for the first.
    assert list(team_draft(first, second, 4, Tossed(HEADS, TAILS)).items()) == [
        ("a", FIRST),
        ("b", SECOND),
        ("e", SECOND),
        ("c", FIRST),
    ]
    assert list(team_draft(first, second, 3, Tossed(TAILS, HEADS)).items()) == [("b", SECOND), ("a", FIRST), ("c", FIRST)]


def test_where_a_ranking_ends_the_rest_of_the_other_is_nobodys():
    assert team_draft(["a"], ["b", "c", "d"], 4, Tossed(HEADS)) == {"a": FIRST, "b": SECOND, "c": None, "d": None}
    assert team_draft(["a"], ["b", "c"], 3, Tossed(TAILS)) == {"b": SECOND, "a": FIRST, "c": None}  # as good for both
    assert team_draft([], ["b", "c"], 1, Tossed()) == {"b": None}
    assert team_draft(["a", "b"], ["a", "b"], 9, Tossed(HEADS), agreed_too=True) == {"a": FIRST, "b": SECOND}


def test_what_both_have_next_is_shown_without_a_draft():
    first, second = ["a", "b", "c", "d"], ["a", "c", "d", "b"]
    assert team_draft(first, second, 4, Tossed(HEADS)) == {"a": None, "b": FIRST, "c": SECOND, "d": None}
    assert list(team_draft(first, second, 4, Tossed(TAILS)).items()) == [
        ("a", None),
        ("c", SECOND),
        ("b", FIRST),
        ("d", None),
    ]
    # The paper's: a is the second's, and with b and c it goes on from there.
    assert team_draft(first, second, 3, Tossed(TAILS, HEADS), agreed_too=True) == {"a": SECOND, "b": FIRST, "c": FIRST}


@given(rankings, rankings, st.integers(0, 20), st.integers(), st.booleans())
def test_the_rules_hold_whatever_is_ranked(first, second, k, seed, agreed_too):
    found = team_draft(first, second, k, random.Random(seed), agreed_too=agreed_too)
    assert len(found) == min(k, len({*first, *second}))  # every document once
    assert set(found) <= {*first, *second}
    teams = list(found.values())
    for n in range(len(teams) + 1):  # no beginning of the list favours one
        assert abs(teams[:n].count(FIRST) - teams[:n].count(SECOND)) <= 1
    before = set()
    for a, team in found.items():  # each drafts its best that is left
        for ranking in [r for own, r in ((FIRST, first), (SECOND, second)) if team == own]:
            assert next(b for b in ranking if b not in before) == a
        before.add(a)


@given(rankings, rankings, st.integers(0, 20), st.integers())
def test_a_seed_gives_the_same_list(first, second, k, seed):
    found = team_draft(first, second, k, random.Random(seed))
    assert list(found.items()) == list(team_draft(first, second, k, random.Random(seed)).items())


@given(rankings, st.integers(0, 20), st.integers())
def test_identical_rankings_credit_nobody(ranking, k, seed):
    assert set(team_draft(ranking, ranking, k, random.Random(seed)).values()) <= {None}


def test_identical_rankings_credit_both_alike_in_the_papers_way():
    """Over all ways that the coins can fall each document is drafted as often by the one as by the other."""
    same = ["a", "b", "c", "d", "e"]
    counts = {a: Counter() for a in same}
    for coins in product((HEADS, TAILS), repeat=3):
        found = team_draft(same, same, 5, Tossed(*coins), agreed_too=True)
        assert list(found) == same
        for a, team in found.items():
            counts[a][team] += 1
    assert all(by == {FIRST: 4, SECOND: 4} for by in counts.values())


@given(rankings, rankings, st.integers(1, 10))
def test_who_clicks_by_place_alone_prefers_neither(first, second, k):
    """Over all ways that the coins can fall each place of the list is as often the one's as the other's."""
    balance = [Counter() for _ in range(k)]
    for coins in product((HEADS, TAILS), repeat=5):
        found = team_draft(first, second, k, Tossed(*coins))
        for place, team in enumerate(found.values()):
            balance[place][team] += 1
    assert all(by[FIRST] == by[SECOND] for by in balance)


def test_a_document_named_twice_is_refused():
    with pytest.raises(ValueError, match="a ranking names 'b' twice"):
        team_draft(["a"], ["b", "a", "b"], 3, random.Random(0))


def test_clicks_credit_the_team_that_drafted_and_nobody_else():
    teams = {"a": "1", "b": "2", "c": "1"}
    assert credit(teams, ["a", "c", "a", "of neither"]) == {"1": 2, "2": 0}
    assert credit(teams, []) == {"1": 0, "2": 0}
    assert credit({}, ["a"]) == {}
