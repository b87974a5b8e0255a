"""Passages: cut by a library, named by their article, pooled by the best. Tokens are words here."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import make_dataset
from tutorial_lib.data.dataset import DataError, Document, LeakageError
from tutorial_lib.rag.passages import PassageSettings, article_of, check_splits, cut, pool
from tutorial_lib.rag.tokens import TokenCounter

WORDS = TokenCounter("words", lambda text: len(text.split()))
CORPUS = {
    "long": Document(
        "long", "Refunds", "Paid back in full. Within fourteen days.\n\nAsk at the desk.", {"family": "billing"}
    ),
    "none": Document("none", "Empty", ""),
    "odd#1": Document("odd#1", "", "Short."),
}


class Sentences:
    """Stands in for the library where it is not installed: one sentence a passage."""

    def __init__(self, count, capacity, overlap):
        self.asked = (count("two words"), capacity, overlap)

    @classmethod
    def from_callback(cls, count, capacity, overlap):
        return cls(count, capacity, overlap)

    def chunks(self, text):
        assert self.asked == (2, 4, 1)
        return [s.strip() + "." for s in text.split(".") if s.strip()]


def test_every_article_has_a_passage_with_its_title_and_metadata(monkeypatch):
    library = type(sys)("semantic_text_splitter")
    library.TextSplitter = Sentences
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", library)
    passages = cut(CORPUS, PassageSettings(tokens=4, overlap=1), WORDS)
    assert list(passages) == ["long#1", "long#2", "long#3", "none#1", "odd#1#1"]
    assert passages["long#2"] == Document("long#2", "Refunds", "Within fourteen days.", {"family": "billing"})
    assert passages["long#2"].full_text == "Refunds\nWithin fourteen days."
    assert [article_of(p) for p in passages] == ["long", "long", "long", "none", "odd#1"]


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", None)
    with pytest.raises(DataError, match=r"takes the package semantic-text-splitter: pip install 'tutorial-lib\[rag\]'"):
        cut(CORPUS, PassageSettings(), WORDS)


def test_the_library_cuts_between_paragraphs_and_sentences_first():
    pytest.importorskip("semantic_text_splitter")
    passages = cut(CORPUS, PassageSettings(tokens=4), WORDS)
    texts = [p.text for p in passages.values()]
    assert texts == ["Paid back in full.", "Within fourteen days.", "Ask at the desk.", "", "Short."]


def test_the_library_cuts_markdown_before_headings_and_repeats_what_is_asked():
    pytest.importorskip("semantic_text_splitter")
    text = "# Refunds\n\nPaid back in full.\n\n# Leaving\n\nStop the renewal."
    corpus = {"a": Document("a", "", text)}
    cut_at_headings = cut(corpus, PassageSettings(tokens=7, markup="markdown"), WORDS)
    assert [p.text for p in cut_at_headings.values()] == ["# Refunds\n\nPaid back in full.", "# Leaving\n\nStop the renewal."]
    words = {"a": Document("a", "", "one two three four five six")}
    overlapping = cut(words, PassageSettings(tokens=4, overlap=2), WORDS)
    assert [p.text for p in overlapping.values()] == ["one two three four", "three four five six"]


def test_the_ids_ascend_as_in_every_corpus():
    pytest.importorskip("semantic_text_splitter")
    corpus = {a: Document(a, "", " ".join(map(str, range(12)))) for a in ("a", "a!")}
    passages = list(cut(corpus, PassageSettings(tokens=1), WORDS))
    assert passages == sorted(passages)
    assert len(passages) == 24


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokens": 0}, "tokens is 0: pass at least 1"),
        ({"tokens": 5, "overlap": 5}, "overlap is 5: pass 0 to 4"),
        ({"markup": "html"}, "markup is 'html': pass 'text' or 'markdown'"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(DataError, match=message):
        PassageSettings(**settings)


@pytest.mark.parametrize("id_", ["article", "#1", "article#", "article#one"])
def test_an_article_is_no_passage(id_):
    with pytest.raises(DataError, match="is no id of a passage: pass ids such as 'article#1'"):
        pool({"q": {id_: 1.0}})


def test_an_article_is_worth_its_best_passage_and_ties_go_by_id():
    pooled = pool({"q": {"b#1": 3.0, "a#2": 3.0, "b#2": 2.0, "c#1": 1.0}, "nothing": {}}, k=2)
    assert list(pooled.run["q"]) == ["a", "b"]
    assert pooled.best == {"q": {"a": "a#2", "b": "b#1"}, "nothing": {}}
    assert pooled.run["nothing"] == {}


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), st.integers(0, 5), min_size=1))
def test_pooling_is_the_maximum(scores):
    found = {f"{a}#{n}": float(s) for (a, n), s in sorted(scores.items(), key=lambda item: -item[1])}
    pooled = pool({"q": found}).run["q"]
    assert set(pooled) == {a for a, _ in scores}
    for a, score in pooled.items():
        assert score == pytest.approx(max(s for (b, _), s in scores.items() if a == b), abs=1e-5)


def passages_judged(test_answer):
    documents = {p: ("Refunds", f"passage {p}") for p in ("a#1", "a#2", "b#1")}
    judged = {"train": {"t": ("refund", "a#1")}, "test": {"e": ("money back", test_answer)}}
    return make_dataset(documents, judged)


def test_other_passages_of_an_article_seen_in_training_are_refused():
    message = "a: its passage a#1 answers query t of train and a#2 query e of test: keep an article's passages in one split"
    with pytest.raises(LeakageError, match=message):
        check_splits(passages_judged("a#2"))
    check_splits(passages_judged("b#1"))
    check_splits(passages_judged("a#1"))  # the same passage is known as seen
