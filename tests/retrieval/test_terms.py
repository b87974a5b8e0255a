import bm25s.stopwords
import pytest
import Stemmer

from tutorial_lib.retrieval.terms import (
    KEPT,
    PLAIN,
    STEMMERS,
    STOP_WORDS,
    BM25Settings,
    analyzer,
    language_settings,
    stop_words,
)
from tutorial_lib.text import tokenize

GERMAN = "Öffnen Sie die Seite mit den Rechnungen, wählen Sie eine aus und geben Sie die Nummer Ihrer Karte ein."
ENGLISH = "Open the billing page, choose the invoice that you want to pay and enter the number of your card."
JAPANESE = "請求書のページを開き、支払いたい請求書を選んで、カードの番号を入力してください。"
FINNISH = "Avaa laskutussivu, valitse lasku jonka haluat maksaa ja kirjoita korttisi numero sille varattuun kenttään."


def terms(text, **settings):
    return analyzer(BM25Settings(**settings))(text)


def test_by_default_terms_are_tokens():
    assert analyzer(PLAIN) is tokenize


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "How do I cancel my plans?", ["cancel", "plan"]),
        ("en", "It isn't turned off", ["turn", "off"]),
        ("de", "Wie kann ich die Rechnungen bezahlen?", ["rechnung", "bezahl"]),
        ("de", "Das Gerät geht nicht aus", ["gerat", "geht", "nicht", "aus"]),
        ("fr", "Comment est-ce que je paie les factures ?", ["comment", "pai", "factur"]),
        ("es", "Las facturas no se pagan", ["factur", "no", "pag"]),
    ],
)
def test_stop_words_go_and_stems_are_left(language, text, expected):
    assert terms(text, stop_words=language, stemmer=language) == expected


def test_stop_words_and_stems_can_be_had_alone():
    assert terms("the plans", stop_words="en") == ["plans"]
    assert terms("the plans", stemmer="en") == ["the", "plan"]


@pytest.mark.parametrize("language", STOP_WORDS)
def test_every_list_is_there_and_cut_as_texts_are(language):
    words = stop_words(language)
    assert 50 < len(words) < 350
    assert all(tokenize(word) == [word] for word in words)
    assert words.isdisjoint(KEPT[language].split())
    assert set(KEPT[language].split()) & {
        token for word in getattr(bm25s.stopwords, f"STOPWORDS_{STOP_WORDS[language]}") for token in tokenize(word)
    }


@pytest.mark.parametrize("language", STEMMERS)
def test_every_stemmer_is_there(language):
    assert STEMMERS[language] in Stemmer.algorithms()


def test_signs_that_tell_words_apart_outlive_the_stemmer():
    assert terms("C++, C# and .NET, exit code -1", stop_words="en", stemmer="en") == [
        "c++",
        "c#",
        ".net",
        "exit",
        "code",
        "-1",
    ]


def test_a_language_without_a_list_is_refused():
    with pytest.raises(ValueError, match="no stop words of 'ja': there are those of da, de, en"):
        stop_words("ja")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("idf", "bm25+", r"idf is 'bm25\+': pass one of okapi, lucene"),
        ("k1", -1, "k1 is -1: pass a number of at least 0"),
        ("k1", float("nan"), "k1 is nan: pass a number of at least 0"),
        ("b", 1.5, "b is 1.5: pass a number from 0 to 1"),
        ("stop_words", "english", "stop_words is 'english': pass None, or one of da, de, en"),
        ("stemmer", "ja", "stemmer is 'ja': pass None, or one of ar, ca, da"),
    ],
)
def test_what_is_no_setting_is_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        BM25Settings(**{field: value})


@pytest.mark.parametrize(
    ("texts", "stop", "stemmer"),
    [
        ([ENGLISH] * 3, "en", "en"),
        ([GERMAN] * 3, "de", "de"),
        ([FINNISH] * 3, None, "fi"),  # a stemmer, and no list
        ([JAPANESE] * 3, None, None),
        ([ENGLISH, GERMAN], None, None),  # of two languages neither
        (["42"], None, None),
    ],
)
def test_language_settings(texts, stop, stemmer):
    settings = language_settings({f"a{n}": text for n, text in enumerate(texts)})
    assert settings == BM25Settings("lucene", stop_words=stop, stemmer=stemmer)
