"""The one dataset type of the course: articles, queries and graded judgments by split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

from tutorial_lib.text import normal_form

SPLITS = ("train", "dev", "test")


Qrels: TypeAlias = dict[str, dict[str, int]]
"""query id -> article id -> grade; a grade above 0 is relevant."""


class DataError(ValueError):
    """The data given is not usable; the message says what was found, where, and what to pass."""


class LeakageError(DataError):
    """A held-out query, or a near-copy of one, is among the training queries."""


@dataclass(frozen=True)
class Document:
    """One searchable document."""

    document_id: str
    title: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_text(self) -> str:
        """Title and text as both BM25 and the encoder read them."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True)
class Query:
    """One question as a user asked it."""

    query_id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RetrievalDataset:
    """A corpus, queries, and per split the judgments that say which article answers which query.

    Attributes:
        name: Short name for reports.
        corpus: Articles by id, in ascending id order.
        queries: Queries by id, in ascending id order.
        qrels: For each of "train", "dev", "test" the graded judgments; a missing split is an empty dict.
        card: Where the data came from (any JSON).
        near_duplicates: Groups of documents that say nearly the same: none may serve as a negative for another.
        notes: What was done to the data, as sentences for people.

    >>> corpus = {"refund": Document("refund", "Refunds", "Paid back within 14 days.")}
    >>> asked = {"q1": Query("q1", "money back")}
    >>> dataset = RetrievalDataset("desk", corpus, asked, {"train": {"q1": {"refund": 1}}, "dev": {}, "test": {}})
    >>> dataset.pairs("train")
    [('q1', 'refund')]
    """

    name: str
    corpus: dict[str, Document]
    queries: dict[str, Query]
    qrels: dict[str, Qrels]
    card: dict[str, Any] = field(default_factory=dict)
    near_duplicates: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()

    def query_texts(self, split: str) -> dict[str, str]:
        """Return the text of every judged query of ``split``, by ascending query id."""
        return {q: self.queries[q].text for q in sorted(self.qrels[split])}

    def document_texts(self) -> dict[str, str]:
        """Return title and text of every article, by ascending article id."""
        return {a: document.full_text for a, document in self.corpus.items()}

    def positives(self, split: str) -> dict[str, list[str]]:
        """Return for each query of ``split`` its relevant article ids: best grade first, ties by id."""
        return {q: relevant(grades) for q, grades in sorted(self.qrels[split].items())}

    def pairs(self, split: str) -> list[tuple[str, str]]:
        """Return every (query id, relevant article id) of ``split``, in id order."""
        return [(q, a) for q, documents in self.positives(split).items() for a in documents]

    @cached_property
    def own_documents(self) -> dict[str, str]:
        """For each query that is itself a document of the corpus, as in ArguAna and Quora, the id of that document.

        It always comes first and is never the answer, so runs, dev pool and negatives leave it out. BEIR does so for every
        document with the query's id (``ignore_identical_ids``). Here its text must be the query's as well, by
        ``normal_form`` of title, text or both: queries and documents that are merely both numbered 1, 2, 3 share ids by
        chance. And a document that is judged an answer of the query stays, since leaving it out would punish the system
        that finds it. On ArguAna and Quora both rules leave out the same.

        Reference: Thakur et al. 2021, "BEIR", arXiv:2104.08663.
        """
        answers = {pair for split in self.qrels for pair in self.pairs(split)}
        shared = (q for q in self.queries if q in self.corpus and (q, q) not in answers)
        return {q: q for q in shared if _says_the_same(self.queries[q], self.corpus[q])}

    def own_documents_note(self) -> tuple[str, ...]:
        """Return, as a note, how many queries are documents themselves; nothing where none is."""
        count = len(self.own_documents)
        said = f"{count:,} {'query is' if count == 1 else 'queries are'} also a document, with the same id and text"
        return (f"{said}: a query's own document is left out of what is found for it, as in BEIR",) if count else ()

    def seen_documents(self) -> set[str]:
        """Return the articles that stand as a positive in training."""
        return {a for _, a in self.pairs("train")}

    def twins(self) -> dict[str, frozenset[str]]:
        """Return for each document of a near-duplicate group its group, itself among them: one set for all members."""
        # Sets of the others would take memory with the square of a group, and a form letter's is large.
        return {a: members for group in self.near_duplicates for members in (frozenset(group),) for a in members}

    def counts(self) -> dict[str, int]:
        """Return the number of articles and of judged queries per split."""
        return {"articles": len(self.corpus), **{s: len(self.qrels[s]) for s in SPLITS}}

    def fingerprint(self) -> str:
        """Return a hash of all that decides a result: documents, queries, judgments, near-duplicate groups.

        Name, card and notes are left out: they say where the data came from, and change no negative, loss or ranking.
        """
        digest = hashlib.sha256()
        for record in _records(self):
            digest.update(record.encode())
        return digest.hexdigest()[:16]

    def restrict(self, *, documents: set[str] | None = None, queries: set[str] | None = None) -> RetrievalDataset:
        """Return the dataset with only these articles and queries; a query left without a positive goes too."""
        corpus = {a: v for a, v in self.corpus.items() if documents is None or a in documents}
        qrels: dict[str, Qrels] = {}
        for split, judged in self.qrels.items():
            kept = {
                q: {a: g for a, g in grades.items() if a in corpus}
                for q, grades in judged.items()
                if queries is None or q in queries
            }
            qrels[split] = {q: grades for q, grades in kept.items() if relevant(grades)}
        used = {q for judged in qrels.values() for q in judged}
        return replace(self, corpus=corpus, queries={q: v for q, v in self.queries.items() if q in used}, qrels=qrels)


def relevant(grades: Mapping[str, int]) -> list[str]:
    """Return the article ids with a grade above 0: best grade first, ties by ascending id."""
    return sorted((a for a, g in grades.items() if g > 0), key=lambda a: (-grades[a], a))


def _says_the_same(query: Query, document: Document) -> bool:
    texts = (document.title, document.text, document.full_text)
    return normal_form(query.text) in map(normal_form, filter(None, texts))


def _records(dataset: RetrievalDataset) -> Iterator[str]:
    for document in dataset.corpus.values():
        yield json.dumps([document.document_id, document.title, document.text, dict(document.metadata)], sort_keys=True)
    for query in dataset.queries.values():
        yield json.dumps([query.query_id, query.text, dict(query.metadata)], sort_keys=True)
    for split in SPLITS:
        yield json.dumps([split, dataset.qrels[split]], sort_keys=True)
    yield json.dumps(["near_duplicates", sorted(map(sorted, dataset.near_duplicates))])
