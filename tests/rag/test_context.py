"""Tokens are words here, so that a reader can count what a budget holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.rag.context import ContextError, ContextSettings, contexts, fill_context
from tutorial_lib.rag.tokens import TokenCounter

WORDS = TokenCounter("words", lambda text: len(text.split()))
TEXTS = {
    "refund": "Paid back within fourteen days",  # 5
    "long": "Ten words that no small budget will ever want to",  # 10
    "copy": "paid back, within fourteen days!",
    "cancel": "Cancel the plan",  # 3
    "empty": " … ",
}


def found(*ids):
    return {a: float(-n) for n, a in enumerate(ids)}


def filled(*ids, render=None, **settings):
    options = {} if render is None else {"render": render}
    return fill_context(found(*ids), TEXTS, ContextSettings(**settings), WORDS, **options)


def ids(context):
    return [part.part_id for part in context.parts]


def test_the_first_texts_until_the_budget_is_spent():
    context = filled("refund", "cancel", "long", budget=8)
    assert ids(context) == ["refund", "cancel"]
    assert (context.tokens, context.counted_by) == (8, "words")
    assert context.text == "Paid back within fourteen days\n\nCancel the plan"
    assert context.left_out == {"long": "takes 10 tokens, 0 were left"}


def test_the_first_that_does_not_fit_ends_it_or_is_skipped():
    stopped = filled("refund", "long", "cancel", budget=8)
    assert ids(stopped) == ["refund"]
    assert stopped.left_out == {"long": "takes 10 tokens, 3 were left", "cancel": "ranks behind one that did not fit"}
    skipped = filled("refund", "long", "cancel", budget=8, when_full="skip")
    assert ids(skipped) == ["refund", "cancel"]
    assert list(skipped.left_out) == ["long"]


def test_at_most_k_parts():
    context = filled("refund", "cancel", "long", k=1)
    assert ids(context) == ["refund"]
    assert context.left_out == {"cancel": "ranks behind 1 parts", "long": "ranks behind 1 parts"}


def test_the_best_can_stand_last():
    assert ids(filled("refund", "cancel", order="best last")) == ["cancel", "refund"]


def test_a_text_stands_once_and_what_has_no_words_not_at_all():
    context = filled("refund", "empty", "copy", "cancel")
    assert ids(context) == ["refund", "cancel"]
    assert context.left_out == {"empty": "has no words", "copy": "says the same as refund"}


def test_what_surrounds_a_text_is_counted():
    context = filled("refund", "cancel", budget=9, render=lambda id_, text: f"article {id_} : {text}")
    assert (ids(context), context.tokens) == (["refund"], 8)
    assert context.text == "article refund : Paid back within fourteen days"


def test_the_table_says_what_each_part_takes_and_what_was_left_out():
    table = filled("refund", "copy", "long", budget=6).table()
    assert table.to_dict("list") == {
        "id": ["refund", "copy", "long"],
        "tokens": [5, 0, 0],
        "in the prompt": ["part 1", "says the same as refund", "takes 10 tokens, 1 were left"],
    }


@pytest.mark.parametrize(
    ("ids", "settings", "message"),
    [
        ([], {}, "empty context: nothing was found"),
        (["empty"], {}, "empty context: nothing that was found has words"),
        (
            ["long", "cancel"],
            {"budget": 4},
            "budget of 4 tokens holds not one part: long takes 10 tokens, 4 were left; pass more",
        ),
        (["gone"], {}, "gone was found and has no text: pass the texts of what the run ranks"),
    ],
)
def test_no_context_is_one_line(ids, settings, message):
    with pytest.raises(ContextError, match=message):
        filled(*ids, **settings)


def test_in_a_run_the_query_is_named():
    with pytest.raises(ContextError, match="query q2: empty context"):
        contexts({"q1": found("refund"), "q2": {}}, TEXTS, ContextSettings(), WORDS)
    with pytest.raises(ContextError, match="the run answers no query"):
        contexts({}, TEXTS, ContextSettings(), WORDS)


@pytest.mark.parametrize(("field", "value"), [("budget", 0), ("k", 0), ("order", "worst first"), ("when_full", "cut")])
def test_settings_that_cannot_be(field, value):
    with pytest.raises(ContextError, match=f"{field} is {value!r}: pass"):
        ContextSettings(**{field: value})


@given(st.permutations(["refund", "long", "copy", "cancel"]), st.integers(10, 30), st.sampled_from(["stop", "skip"]))
def test_no_budget_is_exceeded_and_all_that_was_found_is_told(order, budget, when_full):
    context = filled(*order, budget=budget, when_full=when_full)
    assert context.tokens <= budget
    assert WORDS(context.text) == context.tokens
    assert sorted([*ids(context), *context.left_out]) == sorted(order)


@given(st.permutations(["refund", "long", "cancel"]), st.integers(10, 30))
def test_a_larger_budget_only_adds(order, budget):
    smaller, larger = (ids(filled(*order, budget=b)) for b in (budget, budget + 5))
    assert larger[: len(smaller)] == smaller
