import pytest

from tests.helpers import make_dataset, small_dataset
from tutorial_lib.retrieval.coverage import coverage_note, keyword_coverage, silent_queries

DOCUMENTS = {"a": ("", "restart the router"), "b": ("", "pay the invoice")}


def test_a_query_is_silent_if_no_document_holds_a_word_of_it():
    documents = {"a": "restart the router", "b": "pay the invoice"}
    queries = {"q1": "Router!", "q2": "the bill", "q3": "Rechnung", "q4": "", "q5": "bill"}
    assert silent_queries(documents, queries) == ["q3", "q4", "q5"]
    assert silent_queries(documents, {"q1": "pay", "q4": "🙂"}) == ["q4"]
    assert silent_queries({}, {"q1": "pay"}) == ["q1"]
    assert silent_queries(documents, {}) == []


@pytest.mark.parametrize(("silent", "queries", "said"), [(0, 0, False), (2, 4, False), (3, 4, True), (24, 24, True)])
def test_only_most_queries_are_worth_a_note(silent, queries, said):
    note = coverage_note(silent, queries)
    assert (note is not None) == said
    if note:
        assert note.startswith(f"keyword search (BM25) finds nothing for {silent} of {queries} queries")


def test_of_a_dataset_the_queries_of_all_splits_count():
    judged = {"train": {"q1": ("Rechnung bezahlen", "b")}, "dev": {"q2": ("Neustart", "a")}, "test": {"q3": ("router", "a")}}
    assert "finds nothing for 2 of 3 queries" in keyword_coverage(make_dataset(DOCUMENTS, judged))
    assert keyword_coverage(small_dataset()) is None


def test_chinese_queries_find_chinese_articles():
    corpus = {"a": ("", "如何重置密码：点击登录页面上的忘记密码。"), "b": ("", "发票在账单页面下载。")}
    judged = {"train": {"q1": ("忘记密码怎么办", "a")}, "test": {"q2": ("下载发票", "b")}}
    assert keyword_coverage(make_dataset(corpus, judged)) is None
