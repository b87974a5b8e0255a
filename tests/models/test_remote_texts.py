"""Texts on their way: counted, cut where they are too long, put together into requests."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.remote_settings import RemoteSettings
from tutorial_lib.models.remote_texts import ByBytes, cut, requests, sendable


def settings(**changes):
    return RemoteSettings("m", "http://127.0.0.1/v1", **changes)


def test_texts_stand_behind_their_prompt_and_long_ones_are_cut_and_named():
    sent, note = sendable(["short", "x" * 40], "q: ", settings(max_tokens=8), ByBytes())
    assert sent == ["q: short", "q: " + "x" * 21]
    assert note == (
        "1 of 2 texts are longer than the 8 tokens that m reads, text 1 first (15 tokens, estimated, a token for 3 bytes: "
        f"'q: {'x' * 37}'); they are cut there"
    )
    assert sendable(["short"], "", settings(), ByBytes()) == (["short"], None)


def test_long_texts_are_refused_where_that_is_asked_for():
    with pytest.raises(DataError, match=r'text 0 first .*: cut them into passages, or pass too_long="cut"'):
        sendable(["x" * 40], "", settings(max_tokens=8, too_long="refuse"), ByBytes())


@pytest.mark.parametrize(
    ("texts", "said"),
    [(["a", 3], "text 1 is int: pass strings"), (["a", " \n"], "text 1 is empty, and an embeddings API takes no such text")],
)
def test_what_no_api_takes_is_refused(texts, said):
    with pytest.raises(DataError, match=said):
        sendable(texts, "", settings(), ByBytes())


@given(st.text("aé日😀", min_size=1, max_size=60), st.integers(1, 20))
def test_what_is_cut_is_the_longest_beginning_that_fits(text, most):
    short = cut(text, most, ByBytes())
    assert text.startswith(short)
    assert ByBytes()(short) <= most
    assert short == text or ByBytes()(text[: len(short) + 1]) > most


@given(st.lists(st.integers(1, 10)), st.integers(1, 5), st.integers(10, 30))
def test_requests_hold_every_text_once_in_order_and_keep_to_both_limits(tokens, texts, room):
    made = requests(tokens, settings(max_tokens=10, request_texts=texts, request_tokens=room))
    assert [n for batch in made for n in batch] == list(range(len(tokens)))
    assert all(0 < len(batch) <= texts and sum(tokens[n] for n in batch) <= room for batch in made)
    for before, after in itertools.pairwise(made):  # and none is begun that the one before had room for
        assert len(before) == texts or sum(tokens[n] for n in before) + tokens[after[0]] > room
