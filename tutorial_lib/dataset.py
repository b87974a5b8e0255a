"""The one dataset type of the course: articles, queries and graded judgments by split, and what keeps splits honest."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from tutorial_lib.text import char_shingles, near_duplicate_groups

SPLITS = ("train", "dev", "test")
NEAR_COPY = 0.9
"""Jaccard similarity of character 4-grams from which two queries count as copies of each other."""

Qrels: TypeAlias = dict[str, dict[str, int]]
"""query id -> article id -> grade; a grade above 0 is relevant."""


class DataError(ValueError):
    """The data given is not usable; the message says what was found, where, and what to pass."""


class LeakageError(DataError):
    """A held-out query, or a near-copy of one, is among the training queries."""


@dataclass(frozen=True)
class Article:
    """One searchable document."""

    article_id: str
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
        card: Where the data came from and what was done to it (any JSON).
    """

    name: str
    corpus: dict[str, Article]
    queries: dict[str, Query]
    qrels: dict[str, Qrels]
    card: dict[str, Any] = field(default_factory=dict)

    def query_texts(self, split: str) -> dict[str, str]:
        """Return the text of every judged query of ``split``, by ascending query id."""
        return {q: self.queries[q].text for q in sorted(self.qrels[split])}

    def article_texts(self) -> dict[str, str]:
        """Return title and text of every article, by ascending article id."""
        return {a: article.full_text for a, article in self.corpus.items()}

    def positives(self, split: str) -> dict[str, list[str]]:
        """Return for each query of ``split`` its relevant article ids: best grade first, ties by id."""
        return {q: relevant(grades) for q, grades in sorted(self.qrels[split].items())}

    def pairs(self, split: str) -> list[tuple[str, str]]:
        """Return every (query id, relevant article id) of ``split``, in id order."""
        return [(q, a) for q, articles in self.positives(split).items() for a in articles]

    def seen_articles(self) -> set[str]:
        """Return the articles that stand as a positive in training."""
        return {a for _, a in self.pairs("train")}

    def counts(self) -> dict[str, int]:
        """Return the number of articles and of judged queries per split."""
        return {"articles": len(self.corpus), **{s: len(self.qrels[s]) for s in SPLITS}}

    def fingerprint(self) -> str:
        """Return a hash of all articles, queries and judgments: equal for equal data, whatever its source."""
        digest = hashlib.sha256()
        for record in _records(self):
            digest.update(record.encode())
        return digest.hexdigest()[:16]

    def restrict(self, *, articles: set[str] | None = None, queries: set[str] | None = None) -> RetrievalDataset:
        """Return the dataset with only these articles and queries; a query left without a positive goes too."""
        corpus = {a: v for a, v in self.corpus.items() if articles is None or a in articles}
        qrels: dict[str, Qrels] = {}
        for split, judged in self.qrels.items():
            kept = {q: {a: g for a, g in grades.items() if a in corpus} for q, grades in judged.items()
                    if queries is None or q in queries}
            qrels[split] = {q: grades for q, grades in kept.items() if relevant(grades)}
        used = {q for judged in qrels.values() for q in judged}
        return replace(self, corpus=corpus, queries={q: v for q, v in self.queries.items() if q in used}, qrels=qrels)


def relevant(grades: Mapping[str, int]) -> list[str]:
    """Return the article ids with a grade above 0: best grade first, ties by ascending id."""
    return sorted((a for a, g in grades.items() if g > 0), key=lambda a: (-grades[a], a))


# --- leakage ------------------------------------------------------------------------------------------------------


def near_copy_groups(texts: Mapping[str, str], threshold: float = NEAR_COPY) -> list[list[str]]:
    """Return groups of query ids that ask the same thing in nearly the same letters (case, a/the, punctuation aside)."""
    return near_duplicate_groups({q: char_shingles(t) for q, t in texts.items()}, threshold, label="near-copies")


def find_leaks(dataset: RetrievalDataset) -> list[tuple[str, str, str]]:
    """Return (query, held-out query, its split) wherever a query of an earlier split is a copy or near-copy of it.

    Earlier than dev is train; earlier than test are train and dev, for dev decides and must not have met the test.
    """
    split_of = {s: set(dataset.qrels[s]) for s in SPLITS}
    used = {q: dataset.queries[q].text for s in SPLITS for q in split_of[s]}
    groups = [*near_copy_groups(used), *([q] for q in sorted(used))]  # a query alone may still stand in two splits
    leaks = []
    for group, held_split in itertools.product(groups, ("dev", "test")):
        earlier = set().union(*(split_of[s] for s in SPLITS[: SPLITS.index(held_split)]))
        leaks += [(q, h, held_split) for h in group if h in split_of[held_split] for q in group if q in earlier]
    return sorted(set(leaks), key=lambda leak: (leak[2], leak[1], leak[0]))


def check_leakage(dataset: RetrievalDataset) -> None:
    """Refuse a dataset in which a held-out query, or a near-copy of one, is also a training query.

    Raises:
        LeakageError: Names the first leaking pair, the number of pairs, and the way out.
    """
    leaks = find_leaks(dataset)
    if leaks:
        copy, held_out, split = leaks[0]
        source = "training" if copy in dataset.qrels["train"] else "dev"
        raise LeakageError(
            f"{len({h for _, h, _ in leaks})} held-out queries leak, first: {split} query {held_out!r} "
            f"({dataset.queries[held_out].text!r}) and {source} query {copy!r} ({dataset.queries[copy].text!r}). "
            "Remove the copies from the qrels file of the earlier split, or call cleaning.remove_leaks(dataset)."
        )


# --- splitting ----------------------------------------------------------------------------------------------------


def draw_split(
    texts: Mapping[str, str], shares: Mapping[str, float], seed: int = 0
) -> dict[str, list[str]]:
    """Divide queries at random into splits, near-copies always together.

    Args:
        texts: Query text by id.
        shares: Share of each split, summing to 1, e.g. ``{"train": 0.7, "dev": 0.1, "test": 0.2}``.
        seed: Seed of the draw.

    Returns:
        Query ids per split, each sorted. A split may miss its share by the size of one group.

    Raises:
        ValueError: The shares do not sum to 1.
    """
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"shares sum to {sum(shares.values())}: pass shares that sum to 1")
    group_of = {q: q for q in texts}
    for group in near_copy_groups(texts):
        group_of.update(dict.fromkeys(group, group[0]))
    members: dict[str, list[str]] = {}
    for q in sorted(texts):
        members.setdefault(group_of[q], []).append(q)
    groups = [members[g] for g in sorted(members)]
    order = np.random.default_rng(seed).permutation(len(groups))
    bounds = dict(zip(shares, np.cumsum(list(shares.values())) * len(texts), strict=True))
    result: dict[str, list[str]] = {s: [] for s in shares}
    placed = 0
    for n in order:
        # The middle of the group decides, so that the shares hold on average whatever the group sizes.
        split = next((s for s, end in bounds.items() if placed + len(groups[n]) / 2 <= end), list(shares)[-1])
        result[split] += groups[n]
        placed += len(groups[n])
    return {s: sorted(ids) for s, ids in result.items()}


def complete_splits(dataset: RetrievalDataset, seed: int = 0) -> tuple[RetrievalDataset, list[str]]:
    """Draw a missing test split (20 %) and a missing dev split (10 %) from the training queries.

    Returns:
        The dataset with all three splits, and one sentence for each split that was drawn.

    Raises:
        DataError: There are no training judgments, or too few queries to draw from.
    """
    if not dataset.qrels.get("train"):
        raise DataError(f"{dataset.name}: qrels/train.tsv is missing or empty, found {sorted(dataset.qrels)}: "
                        "pass training judgments, there is nothing to learn from otherwise")
    qrels = {s: dict(dataset.qrels.get(s, {})) for s in SPLITS}
    given = len(qrels["train"])
    notes = []
    for split, share in (("test", 0.2), ("dev", 0.1)):
        if qrels[split]:
            continue
        texts = {q: dataset.queries[q].text for q in qrels["train"]}
        drawn = draw_split(texts, {"train": 1 - share, split: share}, seed)[split] if given >= 10 else []
        if not 0 < len(drawn) < len(texts):
            raise DataError(f"{dataset.name}: no {split} split and only {given} training queries to draw one from "
                            f"(copies stay together): pass qrels/{split}.tsv or at least 10 different training queries")
        qrels[split] = {q: qrels["train"].pop(q) for q in drawn}
        notes.append(f"no {split} split was given: {len(drawn)} of {len(texts)} training queries were drawn for it "
                     f"(seed {seed})")
    return replace(dataset, qrels=qrels), notes


def _records(dataset: RetrievalDataset) -> Iterator[str]:
    for article in dataset.corpus.values():
        yield json.dumps([article.article_id, article.title, article.text, dict(article.metadata)], sort_keys=True)
    for query in dataset.queries.values():
        yield json.dumps([query.query_id, query.text, dict(query.metadata)], sort_keys=True)
    for split in SPLITS:
        yield json.dumps([split, dataset.qrels[split]], sort_keys=True)
