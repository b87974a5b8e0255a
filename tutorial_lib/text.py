"""Plain-text tools that several stages share: tokens, normal form, shingles."""

from __future__ import annotations

import itertools
import re
import unicodedata

import regex

_WORD = regex.compile(r"[\p{L}\p{N}]")
_ASCII_WORD = re.compile("[a-z0-9]+")

# Written without spaces between words (Korean with few): cut into pairs of characters.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_CHARACTER = regex.compile(rf"{_UNSPACED}\p{{M}}*")
_INVISIBLE = regex.compile(r"[\u00ad\u2060\ufeff\u0640\u064b-\u065f\u0670\u0591-\u05bd]")
"""Soft hyphens and joiners; the stretching and the vowel signs of Arabic and Hebrew, which most people leave out."""

_FILES = (
    "csv|tsv|txt|pdf|docx?|xlsx?|pptx?|zip|gz|tar|jsonl?|xml|ya?ml|html?|css|js|py|sh|jpe?g|png|gif|svg|mp[34]|exe|log|ini"
)
"""A dot before these says nothing: a .csv file is a CSV file."""

_TELLING = r"""
    (?<![{word}]){letter}(?:\#(?![{word}])|\+{{1,2}}(?!{letter}|\+))   # c# c++ a+
  | [{word}]+\+\+(?![{word}+])                                         # notepad++
  | (?<=[{word}])\+(?![{word}+])                                       # disney+ 50+: the word, then its sign
  | (?<![^\s(\[{{"'=:,;/])(?:-(?=[0-9])|\.(?={letter})(?!(?:{files})(?![{word}])))[{word}]+  # -1 .net
  | (?:(?<![<>=-])<=?|(?<![<>=-])>=|(?<![^\s0-9(\[])>)(?=\s?[-.]?[0-9])  # <= 5
  | (?<=[0-9]\s)°[cfk]?(?![{word}]) | (?<=[0-9])°[cfk]?(?![{word}])      # 40 °c
"""
"""What would be lost with the punctuation although it tells two texts apart."""


def _telling(word: str, letter: str) -> str:
    return _TELLING.format(word=word, letter=letter, files=_FILES)


_ASCII_SIGN = re.compile(r"""[#+<>]|[-.](?<![^\s(\[{"'=:,;/][-.])(?=[a-z0-9])""")
"""What a text must hold to hold any of these: quickly looked for, and nearly no text does."""

_ASCII_TOKEN = re.compile(_telling("a-z0-9", "[a-z]") + "|[a-z0-9]+", re.VERBOSE)
_TOKEN = regex.compile(
    _telling(r"\p{L}\p{M}\p{N}", r"\p{L}")
    + rf"|{_UNSPACED}[\p{{M}}{_UNSPACED[1:-1]}]*|[[\p{{L}}\p{{N}}]--{_UNSPACED}][[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]*",
    regex.VERBOSE | regex.VERSION1,
)
_SIGNS = str.maketrans({"−": "-", "–": "-", "≤": "<=", "≥": ">=", "™": " ", "℠": " ", "º": "°"})

_ARTICLES = frozenset({"a", "an", "the"})
_AFTER_A_NAME = frozenset(
    {"and", "or", "vs", "versus", "to", "from", "with", "without", "for", "in", "on", "at", "of", "is", "are", "was", "does"}
)
"""An "a" before these, or at the end, is a name ("plan a or b"), not an article."""


def tokenize(text: str) -> list[str]:
    """Return the lower-cased words of ``text``, in order: what BM25 counts.

    A word is a run of letters and digits, with the signs that tell it from another (C++, C#, .NET, -1, <= 5, °C), in
    Unicode's form NFKC. Scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) are cut into
    overlapping pairs of characters.

    >>> tokenize("Refund for Annual-Plan #2?")
    ['refund', 'for', 'annual', 'plan', '2']
    >>> tokenize("C++ SDK: exit code -1, パスワード")
    ['c++', 'sdk', 'exit', 'code', '-1', 'パス', 'スワ', 'ワー', 'ード']
    """
    if text.isascii():
        return _ascii_words(text.lower())
    return [piece for word in _words(_plain(text).lower()) for piece in _pairs(word)]


def _ascii_words(text: str) -> list[str]:
    return (_ASCII_TOKEN if _ASCII_SIGN.search(text) else _ASCII_WORD).findall(text)


def _plain(text: str) -> str:
    """Return ``text`` in Unicode's form NFKC, one character for each sign, without what cannot be seen."""
    return text if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text.translate(_SIGNS)))


def _words(text: str) -> list[str]:
    """Return the words of a plain text in lower case, runs of scripts without spaces whole."""
    return _ascii_words(text) if text.isascii() else _TOKEN.findall(text)


def _pairs(word: str) -> list[str]:
    characters = _CHARACTER.findall(word)
    return [a + b for a, b in itertools.pairwise(characters)] if len(characters) > 1 else [word]


def has_words(text: str) -> bool:
    """Return whether ``text`` holds at least one letter or digit (spaces and emoji alone do not)."""
    return _WORD.search(_plain(text)) is not None


def normal_form(text: str) -> str:
    """Return ``text`` without what people vary freely: case, accents' encoding, punctuation, a/an/the.

    What tells two texts apart stays: the signs that ``tokenize`` keeps, and an "a" that is a name.

    >>> normal_form("Cancel the plan!")
    'cancel plan'
    >>> normal_form("Plan A")
    'plan a'
    """
    return " ".join(_without_articles(_words(_plain(text).casefold()))) or text.strip()


def _without_articles(words: list[str]) -> list[str]:
    following = [*words, ""][1:]
    return [
        w
        for n, (w, after) in enumerate(zip(words, following, strict=True))
        if w not in _ARTICLES or (w == "a" and n > 0 and (not after or after in _AFTER_A_NAME))
    ]


def word_shingles(text: str, size: int = 3) -> frozenset[str]:
    """Return the set of ``size``-word sequences of ``text`` (the whole text if it is shorter)."""
    words = [piece for word in normal_form(text).split() for piece in _pairs(word)]
    return frozenset(" ".join(words[i : i + size]) for i in range(max(1, len(words) - size + 1)))


def char_shingles(text: str, size: int = 4) -> frozenset[str]:
    """Return the set of ``size``-character sequences of ``text`` (the whole text if it is shorter)."""
    flat = normal_form(text)
    return frozenset(flat[i : i + size] for i in range(max(1, len(flat) - size + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Return the share of shingles that two sets have in common, 0 to 1; 1 for two empty sets."""
    return len(a & b) / len(a | b) if a or b else 1.0
