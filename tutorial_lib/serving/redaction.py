"""Personal data taken out of queries before they are written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tutorial_lib.cleaning.languages import ENGLISH, document_languages
from tutorial_lib.cleaning.privacy import find_personal_data, redact
from tutorial_lib.cleaning.settings import DEFAULTS
from tutorial_lib.cleaning.ticket_texts import shortened, words_of_documents
from tutorial_lib.data.dataset import Document, RetrievalDataset

Redact = Callable[[Sequence[str]], list[str]]
"""Returns texts without personal data."""


def redactor(documents: Mapping[str, Document]) -> Redact:
    """Return what replaces names, mail addresses, phone, card, IBAN and IP numbers by ``<EMAIL>`` and the like.

    It is what chapter 1 does to tickets: what stands in the documents is no personal data, and names are looked for where
    these are English. Runs of one sign are cut, which the finders cannot bear. Its model is read now, which takes seconds.

    Args:
        documents: Document id -> document.
    """
    corpus = RetrievalDataset("documents", dict(documents), {}, {})
    known, texts = words_of_documents(corpus), list(corpus.document_texts().values())
    names = ENGLISH in document_languages(corpus, DEFAULTS)

    def without(queries: Sequence[str]) -> list[str]:
        short = [shortened(query, DEFAULTS.longest_text) for query in queries]
        found = find_personal_data(short, never=known, documents=texts, names=[names] * len(short))
        return [redact(text, findings) for text, findings in zip(short, found, strict=True)]

    without(["warm"])
    return without
