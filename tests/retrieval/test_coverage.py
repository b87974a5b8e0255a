import pytest

from tests.helpers import DOCUMENTS as HELP_CENTRE
from tests.helpers import make_dataset, small_dataset
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.data.registry import Kind
from tutorial_lib.retrieval.coverage import coverage_note, keyword_coverage, silent_queries
from tutorial_lib.retrieval.terms import BM25Settings

DOCUMENTS = {"a": ("", "restart the router"), "b": ("", "pay the invoice")}


def test_a_query_is_silent_if_no_document_holds_a_word_of_it():
    documents = {"a": "restart the router", "b": "pay the invoice"}
    queries = {"q1": "Router!", "q2": "the bill", "q3": "Rechnung", "q4": "", "q5": "bill"}
    assert silent_queries(documents, queries) == ["q3", "q4", "q5"]
    assert silent_queries(documents, {"q1": "pay", "q4": "🙂"}) == ["q4"]
    assert silent_queries({}, {"q1": "pay"}) == ["q1"]
    assert silent_queries(documents, {}) == []


def test_a_word_of_the_same_stem_is_found_and_a_stop_word_is_not():
    settings = BM25Settings(stop_words="en", stemmer="en")
    assert silent_queries({"a": "restart the router"}, {"q1": "routers", "q2": "the wifi"}, settings) == ["q2"]


@pytest.mark.parametrize(("silent", "queries", "said"), [(0, 0, False), (2, 4, False), (3, 4, True), (24, 24, True)])
def test_only_most_queries_are_worth_a_note(silent, queries, said):
    note = coverage_note(silent, queries)
    assert (note is not None) == said
    if note:
        assert note.startswith(f"keyword search (BM25) finds nothing for {silent} of {queries} queries")


def test_of_a_dataset_the_queries_of_all_splits_count():
    judged = {"train": {"q1": ("Rechnung bezahlen", "b")}, "dev": {"q2": ("Neustart", "a")}, "test": {"q3": ("router", "a")}}
    (note,) = keyword_coverage(make_dataset(DOCUMENTS, judged))
    assert "finds nothing for 2 of 3 queries" in note
    assert keyword_coverage(small_dataset()) == ()


def test_chinese_queries_find_chinese_articles():
    corpus = {"a": ("", "如何重置密码：点击登录页面上的忘记密码。"), "b": ("", "发票在账单页面下载。")}
    judged = {"train": {"q1": ("忘记密码怎么办", "a")}, "test": {"q2": ("下载发票", "b")}}
    assert keyword_coverage(make_dataset(corpus, judged)) == ()


def test_the_note_stands_among_those_of_a_prepared_dataset():
    words = ("Rechnung", "Kennwort", "Anschrift", "Sprache", "Zahlungsart", "Namen")
    ids, judged = sorted(HELP_CENTRE), {}
    for k, split in enumerate(("train", "dev", "test")):
        judged[split] = {f"{split}{n}": (f"Wie kann ich {words[2 * k + n]} ändern?", ids[n]) for n in range(2)}
    notes = prepare(make_dataset(HELP_CENTRE, judged), Kind.JUDGED).dataset.notes
    assert any(note.startswith("keyword search (BM25) finds nothing for 6 of 6 queries") for note in notes)
