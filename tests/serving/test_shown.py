"""Which documents the last searches have shown."""

import pytest

from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.shown import Shown


def test_a_document_has_the_place_that_it_was_shown_at():
    shown = Shown()
    shown.add("q1", "c1", ["a", "b"])
    assert (shown.place("q1", "a"), shown.place("q1", "b"), shown.client_of("q1")) == (1, 2, "c1")
    shown.add("q1", "c1", ["b", "c"])  # a second page
    assert shown.place("q1", "c") == 3


@pytest.mark.parametrize(
    ("query_id", "document", "code", "said"),
    [
        ("q9", "a", "query_not_found", "there is no search q9 among the last 50,000: send the query_id of an answer"),
        ("q1", "<b>", "object_not_found", "search q1 has shown 2 documents, and '<b>' is none"),
    ],
)
def test_what_was_not_shown_is_refused(query_id, document, code, said):
    shown = Shown()
    shown.add("q1", None, ["a", "b"])
    with pytest.raises(ApiError, match=said) as refused:
        shown.place(query_id, document)
    assert (refused.value.status, refused.value.code) == (404, code)


def test_the_oldest_search_is_forgotten_first():
    shown = Shown(searches=2)
    for n in range(3):
        shown.add(f"q{n}", None, ["a"])
        shown.add("q0", None, ["a"]) if n == 1 else None  # searched again: the newest
    assert shown.place("q0", "a") == 1
    with pytest.raises(ApiError, match="there is no search q1 among the last 2"):
        shown.place("q1", "a")


def test_a_search_has_so_many_events_and_no_more():
    shown = Shown(events=2)
    shown.add("q1", None, ["a"])
    shown.count("q1")
    shown.count("q1")
    shown.add("q1", None, ["a"])  # the same search again does not help
    with pytest.raises(ApiError, match="search q1 has 2 events") as refused:
        shown.count("q1")
    assert refused.value.status == 429
