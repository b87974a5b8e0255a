"""Which languages a help centre is written in, so that a cleaning step runs only where it is made for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.language import language_of

ENGLISH = "en"
SURE = 0.95
"""Probability from which a text is taken to be in the language found."""

_SAMPLE = 200


def document_languages(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> tuple[str, ...]:
    """Return the languages that at least ``language_share`` of the documents are written in, the commonest first.

    Some two hundred documents are looked at. Where none is surely in any language, the likeliest of most stands.
    """
    texts = list(dataset.document_texts().values())
    found = [language_of(text) for text in texts[:: max(1, len(texts) // _SAMPLE)]]
    sure = Counter(language for language, probability in found if probability > SURE)
    if not sure:
        return tuple(language for language, _ in Counter(language for language, _ in found).most_common(1))
    enough = settings.language_share * sure.total()
    return tuple(language for language, n in sure.most_common() if n >= enough)


def named(languages: Collection[str]) -> str:
    """Return language codes as they stand in a sentence: 'de', 'en'."""
    return ", ".join(map(repr, languages))
