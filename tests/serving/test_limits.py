"""What a request may ask for: both numbers are named."""

import pytest

from tests.serving.calls import client_of, refusal
from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.limits import Limits, check_number, check_texts


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seconds": 0.0}, r"seconds is 0\.0: pass a number above 0"),
        ({"batch": -1}, "batch is -1"),
        ({"tokens": float("nan")}, "tokens is nan"),
        ({"waiting": 100}, "waiting is 100, and one request may bring 2048 texts"),
    ],
)
def test_limits_that_let_nothing_through_are_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        Limits(**changed)


def test_one_more_than_allowed_is_too_much():
    check_number(10, 10, "documents", "documents")
    check_texts(["a" * 10], 10, "input")
    with pytest.raises(ApiError, match="documents holds 11 documents: send at most 10"):
        check_number(11, 10, "documents", "documents")
    with pytest.raises(ApiError, match=r"input\[1\] has 11 characters: send at most 10"):
        check_texts(["a", "a" * 11], 10, "input")


def test_the_service_heeds_the_limits_it_is_given(models):
    limits = Limits(inputs=2, characters=20, query_characters=10, documents=2, tokens=12, body_bytes=300)
    with client_of(models, limits=limits) as client:

        def said(path, **body):
            return refusal(client.post(path, json=body), 400)["message"]

        assert "at most 2" in said("/v1/embeddings", model="tuned", input=["a", "b", "c"])
        assert "at most 20" in said("/v1/embeddings", model="tuned", input="a" * 21)
        assert "holds 14 tokens: send at most 12" in said("/v1/embeddings", model="tuned", input=["a a a a a", "a a a a a"])
        assert "query has 11 characters" in said("/v1/rerank", query="a" * 11, documents=["a"])
        assert "documents holds 3 documents" in said("/v2/rerank", query="a", documents=["a", "b", "c"])
        assert refusal(client.post("/v1/embeddings", json={"model": "tuned", "input": ["a" * 300]}), 413)
