import pytest

import tutorial_lib.retrieval.bm25_choice as choice
from tests.helpers import make_dataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.bm25_choice import candidate_scores, candidates, choose_bm25, chosen_queries, ndcg
from tutorial_lib.retrieval.terms import PLAIN, BM25Settings, language_settings

FULL = BM25Settings("lucene", stop_words="en", stemmer="en")
THINGS = (
    "invoice",
    "router",
    "password",
    "printer",
    "keyboard",
    "monitor",
    "account",
    "ticket",
    "license",
    "backup",
    "folder",
    "team",
)


def help_desk(asked, split="dev"):
    """One article about each thing; a query about each, put in the words of ``asked``."""
    corpus = {
        thing: (
            "",
            f"This is the page about one {thing}. You will read here what to do with the {thing} when it is of no use.",
        )
        for thing in THINGS
    }
    return make_dataset(corpus, {split: {f"q_{thing}": (asked.format(thing), thing) for thing in THINGS}})


def test_candidates_start_with_the_simplest_and_are_few():
    found = candidates(help_desk("{}").document_texts())
    assert found[:2] == [PLAIN, BM25Settings("lucene")]
    assert FULL in found
    assert len(found) == len(set(found)) == 8


def test_without_a_language_there_are_only_weights_to_choose():
    weighed = [BM25Settings("lucene", k1, b) for k1, b in ((1.5, 0.75), (1.2, 0.75), (2.0, 0.75), (1.5, 0.5))]
    assert candidates({"a": "42"}) == [PLAIN, *weighed]


def test_where_all_are_equal_the_simplest_is_chosen():
    assert choose_bm25(help_desk("{}")) == PLAIN


def test_stems_are_chosen_where_queries_need_them():
    assert choose_bm25(help_desk("{}s")) == BM25Settings("lucene", stemmer="en")  # articles hold no plural


def test_training_queries_help_to_choose_and_test_queries_never_do():
    assert choose_bm25(help_desk("{}s", "train")) == BM25Settings("lucene", stemmer="en")
    in_test = help_desk("{}s", "test")
    assert choose_bm25(in_test) == language_settings(in_test.document_texts())  # nothing to choose on


def test_a_few_queries_choose_nothing(monkeypatch):
    dataset = help_desk("{}s")
    monkeypatch.setattr(choice, "FEWEST_QUERIES", len(THINGS) + 1)
    assert choose_bm25(dataset) == FULL


def test_dev_queries_come_before_those_of_training(monkeypatch):
    judged = {"dev": {f"d{n}": ("x", "a") for n in range(4)}, "train": {f"t{n}": ("x", "a") for n in range(6)}}
    dataset = make_dataset({"a": ("", "x")}, judged)
    for bound, expected in ((20, 10), (7, 7), (4, 4), (2, 2)):
        monkeypatch.setattr(choice, "QUERIES", bound)
        chosen = chosen_queries(dataset, ("dev", "train"))
        assert len(chosen) == expected
        assert [q for q in chosen if q.startswith("d")] == (["d0", "d1", "d2", "d3"] if bound >= 4 else ["d0", "d2"])


def test_of_many_documents_the_judged_ones_are_always_searched(monkeypatch):
    monkeypatch.setattr(choice, "DOCUMENTS", 3)
    dataset = help_desk("{}")
    assert candidate_scores(dataset, dataset.qrels["dev"], [PLAIN]) == {PLAIN: 1.0}
    few = {"q_team": dataset.qrels["dev"]["q_team"]}
    # Of twelve every fourth by id (account, keyboard, printer), and the one that is judged.
    assert set(choice._bounded(dataset.document_texts(), few)) == {"account", "keyboard", "printer", "team"}


def test_candidates_of_the_same_words_read_the_documents_once(monkeypatch):
    made = []
    monkeypatch.setattr(choice, "BM25", lambda documents, settings: made.append(settings.words) or BM25(documents, settings))
    dataset = help_desk("{}s")
    scores = candidate_scores(dataset, dataset.qrels["dev"], candidates(dataset.document_texts()))
    assert made == [(None, None), ("en", None), (None, "en"), ("en", "en")]
    assert len(scores) == 8


def test_a_query_that_finds_nothing_counts():
    assert ndcg({"q": {"a": 1}, "r": {"a": 1}}, {"q": {"a": 1.0}, "r": {}}) == pytest.approx(0.5)
    assert ndcg({}, {}) == 0
