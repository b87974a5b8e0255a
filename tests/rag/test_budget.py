"""Tokens until the answer is in the prompt; tokens are words, so that a reader can add them up."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.data.dataset import DataError
from tutorial_lib.rag.budget import ANSWERED, Budget, tokens_needed
from tutorial_lib.rag.context import ContextError, ContextSettings, fill_context
from tutorial_lib.rag.facts import facts_in
from tutorial_lib.rag.tokens import TokenCounter

WORDS = TokenCounter("words", lambda text: len(text.split()))
TEXTS = {
    "refund": "Paid back within fourteen days",  # 5
    "desk": "Ask at the desk",  # 4
    "copy": "ask at the desk!",
    "cancel": "Cancel the plan",  # 3
}
FACTS = {"q": (("fourteen days", "two weeks"), ("desk",)), "p": (("cancel",),)}
CLUSTERS = {"q": "refund", "p": "cancel"}


def found(*ids):
    return {a: float(-n) for n, a in enumerate(ids)}


def needed(q, p, **options):
    runs = {"run": {"q": found(*q), "p": found(*p)}}
    return tokens_needed(runs, TEXTS, FACTS, CLUSTERS, WORDS, **options).needed["run"].to_dict()


def test_tokens_are_added_up_until_all_facts_are_there():
    assert needed(["cancel", "desk", "refund"], ["cancel"]) == {"q": 12, "p": 3}
    assert needed(["desk", "refund", "cancel"], ["desk", "cancel"]) == {"q": 9, "p": 7}


def test_what_is_never_found_is_infinite_and_a_copy_is_free():
    assert needed(["desk", "cancel"], []) == {"q": np.inf, "p": np.inf}
    assert needed(["desk", "copy", "refund"], ["cancel"]) == {"q": 9, "p": 3}


def test_what_stands_around_a_text_counts():
    assert needed(["desk", "refund"], ["cancel"], render=lambda id_, text: f"{id_} : {text}") == {"q": 13, "p": 5}


@given(st.permutations(list(TEXTS)))
def test_it_is_the_least_budget_with_which_a_context_holds_the_facts(order):
    tokens = needed(order, order)["q"]

    def holds(limit):
        context = fill_context(found(*order), TEXTS, ContextSettings(budget=limit), WORDS)
        return all(facts_in(context.text, FACTS["q"]))

    assert holds(int(tokens))
    assert not holds(int(tokens) - 1)


def made(columns, clusters=None):
    frame = pd.DataFrame(columns, dtype=float)
    frame.index = [f"q{n:03}" for n in range(len(frame))]
    return Budget(frame, clusters or {q: q for q in frame.index}, "words")


def test_shares_and_tokens_by_hand():
    curves = made({"base": [10, 20, 30, 40, np.inf], "tuned": [10, 10, 10, 20, 30]})
    shares = curves.shares([10, 30])
    assert shares["share"].tolist() == [0.2, 0.6, 0.6, 1.0]
    assert (shares["low"] <= shares["share"]).all()
    assert (shares["share"] <= shares["high"]).all()
    for share, base, tuned in ((0.6, 30, 10), (0.8, 40, 20), (1, np.inf, 30)):
        assert curves.tokens_for(share)["tokens"].to_dict() == {"base": base, "tuned": tuned}
    assert curves.tokens_for(0.8)["times"].to_dict() == {"base": 1, "tuned": 0.5}


def test_intervals_hold_the_figure_and_are_paired():
    rng = np.random.default_rng(0)
    base = rng.integers(50, 5000, 300).astype(float)
    table = made({"base": base, "half": base / 2}).tokens_for(0.9, price=2.5)
    assert (table["low"] <= table["tokens"]).all()
    assert (table["tokens"] <= table["high"]).all()
    assert table["low"]["base"] < table["high"]["base"]
    assert table.loc["half", ["times", "times_low", "times_high"]].tolist() == [0.5, 0.5, 0.5]
    assert table["cost_per_1000"]["base"] == pytest.approx(table["tokens"]["base"] * 1000 * 2.5 / 1e6)


def test_queries_of_one_cluster_are_drawn_together():
    values = {"base": [10.0] * 50 + [90.0] * 50}
    alone = made(values).tokens_for(0.5)
    together = made(values, {f"q{n:03}": "a" if n < 50 else "b" for n in range(100)}).shares([10])
    assert alone["tokens"]["base"] == 10
    assert (together["low"][0], together["high"][0]) == (0, 1)


def test_a_system_that_never_answers_is_infinite_and_not_compared():
    table = made({"none": [np.inf, np.inf], "also none": [np.inf, np.inf]}).tokens_for(0.9)
    assert np.isinf(table["tokens"]).all()
    assert table["times"].isna().all()


def test_bad_input_is_one_line():
    with pytest.raises(DataError, match=r"share is 0: pass one above 0, at most 1"):
        made({"a": [1, 2]}).tokens_for(0)
    with pytest.raises(DataError, match=r"price is -2\.5: pass the money for a million tokens"):
        made({"a": [1, 2]}).tokens_for(price=-2.5)
    with pytest.raises(DataError, match="query p has facts and no cluster"):
        tokens_needed({"run": {}}, TEXTS, FACTS, {"q": "refund"}, WORDS)
    with pytest.raises(DataError, match="there is no run, or there are no facts"):
        tokens_needed({"run": {}}, TEXTS, {}, {}, WORDS)
    with pytest.raises(ContextError, match="gone was found and has no text"):
        tokens_needed({"run": {"q": {"gone": 1.0}}}, TEXTS, FACTS, CLUSTERS, WORDS)


def test_two_systems_are_compared_by_what_fits_a_budget():
    needed = pd.DataFrame(
        {"base": [9.0, 9.0, 3.0], "tuned": [3.0, 9.0, 9.0], "other": [1.0, 1.0, 1.0]}, index=["p", "q", "r"]
    )
    compared = Budget(needed, {"p": "a", "q": "b", "r": "c"}, "words").compare("base", "tuned", 8)
    assert compared.deltas(ANSWERED).to_dict() == {"p": 1.0, "q": 0.0, "r": -1.0}
    assert compared.outcome(ANSWERED) == {"won": 1, "lost": 1, "tied": 1}
    assert compared.differences[ANSWERED].difference == 0.0
