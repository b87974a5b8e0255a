"""Which language texts are written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

SAMPLE = 50
"""At most some so many texts are looked at to tell what a collection is written in."""

CLEAR = 0.8
"""A text whose language is less probable than this counts for none."""

MOST = 0.8
"""A collection has one language if at least this share of the texts that tell any is written in it."""

FIRST = 2000
"""So many characters of a text are enough to tell its language by."""


@cache
def identifier() -> LanguageIdentifier:
    """Return the identifier of languages, read once; ``classify(text)`` gives (ISO 639-1 code, probability)."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language_shares(texts: Sequence[str], sample: int = SAMPLE) -> dict[str, float]:
    """Return the share of each language among texts that tell theirs clearly, the largest first, ties by code.

    Args:
        texts: Texts of some length, such as a collection's documents: of a few words no language can be told.
        sample: How many of them to look at, evenly over all.

    Returns:
        ISO 639-1 code -> share, adding up to 1; empty if no text tells its language.

    >>> language_shares(["Restart the router and wait for a minute.", "Starten Sie den Router neu und warten Sie kurz."])
    {'de': 0.5, 'en': 0.5}
    """
    chosen = list(texts)[:: max(1, len(texts) // sample)]
    told = Counter(code for code, probability in (identifier().classify(t[:FIRST]) for t in chosen) if probability > CLEAR)
    return {code: n / told.total() for code, n in sorted(told.items(), key=lambda item: (-item[1], item[0]))}


def main_language(texts: Sequence[str]) -> str | None:
    """Return the code of the language that nearly all of ``texts`` are written in; None of mixed ones, or if none tells.

    >>> main_language(["Restart the router and wait for a minute.", "The invoice is sent by mail at the end of the month."])
    'en'
    """
    shares = language_shares(texts)
    return next((code for code, share in shares.items() if share >= MOST), None)
