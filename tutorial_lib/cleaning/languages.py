"""Which languages a help centre is written in, so that a cleaning step runs only where it is made for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.data.dataset import RetrievalDataset

ENGLISH = "en"
SURE = 0.95
"""Probability from which a text is taken to be in the language found."""

_SAMPLE = 200
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
    total: dict[str, float] = {}
    for code, probability in _identifier().rank(text):
        if not among or chief(code) in among:
            total[chief(code)] = total.get(chief(code), 0.0) + float(probability)
    best = max(total, key=lambda code: total[code]) if total else next(iter(among))
    return best, total.get(best, 0.0)


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
