"""How many queries keyword search can answer at all: one that shares no word with any document finds nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tutorial_lib.data.dataset import SPLITS, RetrievalDataset
from tutorial_lib.retrieval.terms import PLAIN, BM25Settings, analyzer, language_settings


def silent_queries(documents: Mapping[str, str], queries: Mapping[str, str], settings: BM25Settings = PLAIN) -> list[str]:
    """Return the ids of the queries that share no word with any document.

    Args:
        documents: Document id -> text.
        queries: Query id -> text.
        settings: What counts as a word: without stop words, or with the same stem.

    >>> silent_queries({"refund": "money back"}, {"q1": "my money", "q2": "Geld zurück"})
    ['q2']
    """
    terms = analyzer(settings)
    wanted = {q: set(terms(text)) for q, text in queries.items()}
    missing = set().union(*wanted.values())
    for text in documents.values():
        missing.difference_update(terms(text))
        if not missing:
            return [q for q, words in wanted.items() if not words]
    return [q for q, words in wanted.items() if words <= missing]


def coverage_note(silent: int, queries: int) -> str | None:
    """Return what to say where keyword search finds nothing for ``silent`` of some queries: None unless it is most of them.

    >>> coverage_note(1, 24) is None
    True
    """
    if 2 * silent <= queries:
        return None
    return (
        f"keyword search (BM25) finds nothing for {silent:,} of {queries:,} queries: they share no word with any article, so "
        "it is no measure here, and mines no hard negatives for them. Are queries and articles in different languages?"
    )


def keyword_coverage(dataset: RetrievalDataset) -> tuple[str, ...]:
    """Return a note where keyword search finds nothing for most of a dataset's judged queries, else none.

    Words are those of ``language_settings``: one with the same stem is found, and sharing a stop word is no finding.
    """
    documents = dataset.document_texts()
    queries = {q: text for split in SPLITS for q, text in dataset.query_texts(split).items()}
    note = coverage_note(len(silent_queries(documents, queries, language_settings(documents))), len(queries))
    return (note,) if note else ()
