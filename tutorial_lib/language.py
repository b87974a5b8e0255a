"""Which language a text is written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache, lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

SAMPLE = 50
"""At most some so many texts are looked at to tell what a collection is written in."""

CLEAR = 0.8
"""A text whose language is less probable than this counts for none."""

MOST = 0.8
"""A collection has one language if at least this share of the texts that tell any is written in it."""

FIRST = 2000
"""So many characters of a document are enough to tell its language by."""

_GROUPS = (
    "zh wuu yue hak nan gan lzh", "ar ary arz apc ars aeb", "en pcm sco", "de lb gsw nds bar", "no nb nn da", "es gl ast an",
    "fr gcf gcr oc wa", "id ms jv su", "hr bs sr sh", "cs sk", "nl af fy li", "fa pes prs", "hi mr ne",
)  # fmt: skip
_CHIEF = {code: group.split()[0] for group in _GROUPS for code in group.split()}
"""Of languages that short texts hardly tell apart, the one that stands for all."""


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def chief(language: str) -> str:
    """Return the ISO 639 code that stands for a language and those that short texts hardly tell from it.

    >>> chief("nb"), chief("da"), chief("fr")
    ('no', 'no', 'fr')
    """
    return _CHIEF.get(language, language)


def language_of(text: str, among: Collection[str] = ()) -> tuple[str, float]:
    """Return the language of a text (``chief``'s code) and its probability, 0 to 1.

    Args:
        text: The text; of a few words the answer is a guess.
        among: The likeliest of these, whatever the others; () for any.
    """
    told = {code: p for code, p in _probabilities(text).items() if not among or code in among}
    best = max(told, key=lambda code: told[code]) if told else next(iter(among))
    return best, told.get(best, 0.0)


@lru_cache(maxsize=2048)  # each step of cleaning asks for the same texts
def _probabilities(text: str) -> dict[str, float]:
    """Return the probability of each language (``chief``'s code), adding up to 1."""
    total: dict[str, float] = {}
    for code, probability in _identifier().rank(text):
        total[chief(code)] = total.get(chief(code), 0.0) + float(probability)
    return total


def language_shares(texts: Sequence[str], sample: int = SAMPLE) -> dict[str, float]:
    """Return the share of each language (``chief``'s code) among texts that tell theirs clearly, the largest first.

    Args:
        texts: Texts of some length, such as a collection's documents: of a few words no language can be told.
        sample: How many of them to look at, evenly over all.

    Returns:
        Code -> share, adding up to 1; of equal shares the first code first; empty if no text tells its language.

    >>> language_shares(["Restart the router and wait for a minute.", "Starten Sie den Router neu und warten Sie kurz."])
    {'de': 0.5, 'en': 0.5}
    """
    chosen = list(texts)[:: max(1, len(texts) // sample)]
    told = Counter(code for code, probability in (language_of(t[:FIRST]) for t in chosen) if probability > CLEAR)
    return {code: n / told.total() for code, n in sorted(told.items(), key=lambda item: (-item[1], item[0]))}


def main_language(texts: Sequence[str]) -> str | None:
    """Return the code of the language that nearly all of ``texts`` are written in; None of mixed ones, or if none tells.

    >>> main_language(["Restart the router and wait for a minute.", "The invoice is sent by mail at the end of the month."])
    'en'
    """
    shares = language_shares(texts)
    return next((code for code, share in shares.items() if share >= MOST), None)
