"""What a search may ask for."""

import pytest
from pydantic import ValidationError

from tutorial_lib.serving.search_contract import Hit, SearchRequest


def test_what_is_not_said_has_a_default():
    asked = SearchRequest(query="refund")
    assert (asked.k, asked.min_confidence, asked.highlights, asked.version, asked.query_id) == (10, None, False, None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"query": ""},
        {"query": 5},
        {"k": 0},
        {"k": 101},
        {"k": "5"},
        {"min_confidence": 0},
        {"min_confidence": 1},
        {"min_confidence": float("nan")},
        {"highlights": "yes"},
        {"version": 0},
        {"query_id": "a b"},
        {"client_id": "../x"},
        {"q": "refund"},
    ],
)
def test_what_it_may_not(fields):
    with pytest.raises(ValidationError):
        SearchRequest(**{"query": "refund", **fields})


def test_a_document_without_a_text_here_is_none():
    assert Hit(id="a", position=1, title=None, snippet=None, score=0.5, confidence=None).highlights == []
