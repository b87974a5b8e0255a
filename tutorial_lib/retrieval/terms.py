"""How BM25 makes terms of a text and weighs them: its settings, stop words and stems by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

import Stemmer

from tutorial_lib.language import main_language
from tutorial_lib.text import tokenize

IDFS = ("okapi", "lucene")

STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
"""ISO 639-1 code -> name of Snowball's stemmer; no other language is stemmed."""

STOP_WORDS = {
    "da": "DANISH",
    "de": "GERMAN",
    "en": "EN_PLUS",
    "es": "SPANISH",
    "fr": "FRENCH",
    "it": "ITALIAN",
    "nl": "DUTCH",
    "no": "NORWEGIAN",
    "pt": "PORTUGUESE",
    "ru": "RUSSIAN",
    "sv": "SWEDISH",
    "tr": "TURKISH",
}
"""ISO 639-1 code -> name of bm25s' list of stop words (those of NLTK, some two hundred words each)."""

KEPT = {
    "da": "ikke ingen ned op ud uden",
    "de": "ab an auf aus ein gegen kein keine keinem keinen keiner keines nach nicht ohne vor weg zu",
    "en": (
        "no nor not off on out in down up over under again before after above below between against once same few more most "
        "only own too very during until with without through into further all any each both other"
    ),
    "es": "antes contra más menos nada ni no sin",
    "fr": "aucun aucune contre ne ni non pas plus sans",
    "it": "contro ma non più senza",
    "nl": "aan af geen in na niet op tegen uit zonder",
    "no": "av ikke ingen ned opp på ut uten",
    "pt": "antes contra mais menos nem não sem",
    "ru": "без более до не нет ни после",
    "sv": "av inga ingen inte ned på ut utan",
    "tr": "değil hiç yok",
}
"""Words of those lists that change what is asked, and stay: negations, and "off", "out", "before", "without"."""


@dataclass(frozen=True)
class BM25Settings:
    """How documents are weighed; by default as rank-bm25 does, every word as it stands.

    >>> BM25Settings(idf="lucene", stop_words="en", stemmer="en").title
    "Lucene's IDF, without stop words (en), stemmed (en)"
    >>> BM25Settings(stemmer="xx")
    Traceback (most recent call last):
    ValueError: stemmer is 'xx': pass None, or one of ar, ca, da, de, el, en, es, et, eu, fi, fr, ga, hi, hu, hy, id, ...

    Attributes:
        idf: "okapi": rank-bm25's, where a word that over half of the documents hold gets a quarter of the mean weight;
            "lucene": ln(1 + (N - df + 0.5) / (df + 0.5)), above 0 and the smaller the more of the N documents hold it.
        k1: How soon a word's repetition stops to count: 0, at once.
        b: How far the length of a document counts: 0, not at all; 1, in full.
        stop_words: Language (ISO 639-1) whose frequent words are left out of documents and queries; None: none are.
        stemmer: Language (ISO 639-1) in which words are cut down to their stems; None: words stay as they are.

    Reference: Robertson and Zaragoza 2009, "The probabilistic relevance framework: BM25 and beyond"; Kamphuis et al. 2020,
        "Which BM25 do you mean?" (variants of the IDF).
    """

    idf: str = "okapi"
    k1: float = 1.5
    b: float = 0.75
    stop_words: str | None = None
    stemmer: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no IDF, number or language.

        Raises:
            ValueError: A field is out of its range; names it, its value and what to pass.
        """
        if self.idf not in IDFS:
            raise ValueError(f"idf is {self.idf!r}: pass one of {', '.join(IDFS)}")
        if not 0 <= self.k1 < float("inf"):
            raise ValueError(f"k1 is {self.k1}: pass a number of at least 0, such as 1.5")
        if not 0 <= self.b <= 1:
            raise ValueError(f"b is {self.b}: pass a number from 0 to 1, such as 0.75")
        for name, known in (("stop_words", STOP_WORDS), ("stemmer", STEMMERS)):
            if (language := getattr(self, name)) is not None and language not in known:
                raise ValueError(f"{name} is {language!r}: pass None, or one of {', '.join(sorted(known))}")

    @property
    def words(self) -> tuple[str | None, str | None]:
        """What decides which words are found, however they are weighed: stop words and stemmer."""
        return self.stop_words, self.stemmer

    @property
    def title(self) -> str:
        """What a sentence calls them."""
        parts = ["rank-bm25's IDF" if self.idf == "okapi" else "Lucene's IDF"]
        parts += [f"without stop words ({self.stop_words})"] if self.stop_words else []
        parts += [f"stemmed ({self.stemmer})"] if self.stemmer else []
        parts += [f"k1 {self.k1}, b {self.b}"] if (self.k1, self.b) != (1.5, 0.75) else []
        return ", ".join(parts)


PLAIN = BM25Settings()
"""rank-bm25's own variant, every word as it stands."""


def language_settings(documents: Mapping[str, str]) -> BM25Settings:
    """Return the settings that suit most collections: Lucene's IDF, stop words and stems of the documents' language.

    Stop words and stems are left as they are where documents are in several languages, or in one that has no list and no
    stemmer.

    Args:
        documents: Document id -> text.
    """
    language = main_language(list(documents.values())) or ""
    return BM25Settings(
        "lucene",
        stop_words=language if language in STOP_WORDS else None,
        stemmer=language if language in STEMMERS else None,
    )


def analyzer(settings: BM25Settings) -> Callable[[str], list[str]]:
    """Return what makes of a text the terms it is indexed, and searched, by.

    >>> analyzer(BM25Settings(stop_words="en", stemmer="en"))("How do I cancel the plans?")
    ['cancel', 'plan']
    """
    if settings.stop_words is None and settings.stemmer is None:
        return tokenize
    left_out = stop_words(settings.stop_words) if settings.stop_words else frozenset()
    stems = Stemmer.Stemmer(STEMMERS[settings.stemmer]).stemWords if settings.stemmer else list

    def terms(text: str) -> list[str]:
        return stems([token for token in tokenize(text) if token not in left_out])

    return terms


def stop_words(language: str) -> frozenset[str]:
    """Return a language's stop words but those of ``KEPT``, cut into tokens as texts are ("don't" is two).

    >>> "the" in stop_words("en"), "off" in stop_words("en")  # turned off is not turned
    (True, False)

    Raises:
        ValueError: There is no list of that language.
    """
    if language not in STOP_WORDS:
        raise ValueError(f"no stop words of {language!r}: there are those of {', '.join(STOP_WORDS)}")
    # Imported when a list is asked for: with numba installed it takes a second.
    words: Sequence[str] = getattr(import_module("bm25s.stopwords"), f"STOPWORDS_{STOP_WORDS[language]}")
    return frozenset(token for word in words for token in tokenize(word)) - set(KEPT[language].split())
