from dataclasses import replace

from tests.cleaning.tickets import dataset, texts_of
from tutorial_lib.cleaning.ticket_texts import ticket_texts, with_texts
from tutorial_lib.data.dataset import Query

TEXTS = {"train": {"1": "the router blinks red"}, "test": {"2": ("where is my refund", "refund")}}


def from_elsewhere(made, query, **metadata):
    """Let one query of a dataset come from elsewhere."""
    return replace(made, queries={**made.queries, query: Query(query, made.queries[query].text, metadata)})


def test_the_texts_are_those_of_the_tickets_of_all_splits():
    assert ticket_texts(dataset(TEXTS)) == {"1": "the router blinks red", "2": "where is my refund"}


def test_what_no_customer_wrote_is_left_out():
    assert ticket_texts(dataset(TEXTS, source="search")) == {}
    assert ticket_texts(from_elsewhere(dataset(TEXTS), "1", source="golden")) == {"2": "where is my refund"}
    assert ticket_texts(from_elsewhere(dataset(TEXTS), "1")) == {"2": "where is my refund"}


def test_a_text_is_put_back_and_nothing_else_changes():
    made = dataset(TEXTS)
    put = with_texts(made, {"1": "the lamp is red"})
    assert texts_of(put) == {"1": "the lamp is red", "2": "where is my refund"}
    assert put.queries["1"].metadata == made.queries["1"].metadata == {"source": "ticket", "created_at": "2026-01-01"}
    assert (put.qrels, put.corpus) == (made.qrels, made.corpus)
    assert texts_of(made)["1"] == "the router blinks red"


def test_a_query_left_without_words_goes():
    put = with_texts(dataset(TEXTS), {"1": " -- 😀 "})
    assert list(put.queries) == ["2"]
    assert put.qrels == {"train": {}, "dev": {}, "test": {"2": {"refund": 1}}}


def test_a_text_of_a_query_that_is_not_there_is_not_heeded():
    made = dataset(TEXTS)
    assert with_texts(made, {"9": "nobody asked"}) == made


def test_texts_taken_out_and_put_back_make_the_same_dataset():
    made = dataset(TEXTS)
    assert with_texts(made, ticket_texts(made)) == made
