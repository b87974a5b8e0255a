"""Jina's and Cohere's contract of reranking, versions 1 and 2."""

import pytest
from pydantic import ValidationError

from tutorial_lib.serving.rerank_contract import RerankRequest, RerankV2Request, rerank_body, text_of


def test_best_first_ties_as_they_came_and_scores_from_0_to_1():
    asked = RerankV2Request(query="q", documents=["a", "b", "c", "d"])
    results = rerank_body("n", "tuned", [0.5, 1.0000001, 0.5, -1.0], asked, 9, "2")["results"]
    assert [(r["index"], r["relevance_score"]) for r in results] == [(1, 1.0), (0, 0.75), (2, 0.75), (3, 0.0)]


def test_as_many_as_asked_for_with_documents_where_asked_for():
    asked = RerankRequest(query="q", documents=["a", {"text": "b", "id": 7}], top_n=1, return_documents=True)
    body = rerank_body("n", "tuned", [0.1, 0.9], asked, 9, "1")
    assert body["results"] == [{"index": 1, "relevance_score": 0.95, "document": {"text": "b", "id": 7}}]
    assert body["meta"]["api_version"]["version"] == "1"
    assert body["usage"]["total_tokens"] == 9


def test_objects_are_read_by_the_fields_that_are_named():
    document = {"title": "Refunds", "text": "14 days", "tags": ["a", 1]}
    assert text_of(document, None) == "14 days"
    assert text_of(document, ["title", "tags"]) == 'Refunds\n["a", 1]'
    with pytest.raises(ValueError, match="it has no 'body' or 'name': send texts, or name its fields"):
        text_of(document, ["body", "name"])


@pytest.mark.parametrize(
    "fields",
    [{"documents": []}, {"documents": "a"}, {"documents": [1]}, {"query": ""}, {"top_n": 0}, {"method": "bm25"}, {"topn": 1}],
)
def test_what_cannot_be_ranked(fields):
    for kind in (RerankRequest, RerankV2Request):
        with pytest.raises(ValidationError):
            kind(**{"query": "q", "documents": ["a"], **fields})
    with pytest.raises(ValidationError):
        RerankV2Request(query="q", documents=[{"text": "a"}])


def nested(depth):
    """Lists within lists."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"text": "b", "price": float("nan")}, "it holds NaN"),
        ({"text": float("-inf")}, "it holds NaN or an infinite number"),
        ({"text": "b", "\ud800": 1}, "it holds half of a surrogate pair"),
        ("\ud800", "it holds half of a surrogate pair"),
        ({"text": nested(100_000)}, "it is nested too deeply"),
    ],
)
def test_a_document_that_could_not_be_read_or_sent_back_is_named_by_its_place(document, said):
    with pytest.raises(ValidationError, match=rf"documents\[1\]: {said}"):
        RerankRequest(query="q", documents=["a", document])
    assert RerankRequest(query="q", documents=[{"text": nested(500)}])
