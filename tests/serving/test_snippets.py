"""The part of a document that is shown."""

from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.serving.snippets import LENGTH, snippet

FILLER = "word " * 200


def test_a_short_text_is_shown_whole_on_one_line():
    assert snippet("Refunds\n\nare paid  back.", "refund") == "Refunds are paid back."


def test_the_part_with_most_words_of_the_query_is_shown():
    text = f"{FILLER}An annual plan. {FILLER}The refund of an annual plan takes 14 days. {FILLER}"
    found = snippet(text, "refund annual plan", 80)
    assert "refund of an annual plan" in found
    assert (found[:2], found[-2:]) == ("… ", " …")


def test_without_a_word_of_the_query_the_beginning_is_shown():
    assert snippet(FILLER, "router", 40) == "word word word word word word word …"


@given(st.text(), st.text(), st.integers(20, 200))
def test_it_is_never_too_long_and_always_of_the_text(text, query, length):
    found = snippet(text, query, length)
    assert len(found) <= max(length, 4)
    assert found.removeprefix("… ").removesuffix(" …") in " ".join(text.split())


def test_a_long_word_is_cut():
    assert len(snippet("a" * 1000, "a")) <= LENGTH
