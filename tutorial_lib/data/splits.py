"""Dividing queries into train, dev and test, and keeping the three honest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tutorial_lib.data.dataset import SPLITS, DataError, LeakageError, Qrels, RetrievalDataset
from tutorial_lib.data.times import parse_time
from tutorial_lib.text import char_shingles, near_duplicate_groups

NEAR_COPY = 0.9
"""Jaccard similarity of character 4-grams from which two queries count as copies of each other."""


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


def draw_split(texts: Mapping[str, str], shares: Mapping[str, float], seed: int = 0) -> dict[str, list[str]]:
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
        raise DataError(
            f"{dataset.name}: qrels/train.tsv is missing or empty, found {sorted(dataset.qrels)}: "
            "pass training judgments, there is nothing to learn from otherwise"
        )
    qrels = {s: dict(dataset.qrels.get(s, {})) for s in SPLITS}
    given = len(qrels["train"])
    notes = []
    for split, share in (("test", 0.2), ("dev", 0.1)):
        if qrels[split]:
            continue
        texts = {q: dataset.queries[q].text for q in qrels["train"]}
        drawn = draw_split(texts, {"train": 1 - share, split: share}, seed)[split] if given >= 10 else []
        if not 0 < len(drawn) < len(texts):
            raise DataError(
                f"{dataset.name}: no {split} split and only {given} training queries to draw one from "
                f"(copies stay together): pass qrels/{split}.tsv or at least 10 different training queries"
            )
        qrels[split] = {q: qrels["train"].pop(q) for q in drawn}
        notes.append(
            f"no {split} split was given: {len(drawn)} of {len(texts)} training queries were drawn for it (seed {seed})"
        )
    return replace(dataset, qrels=qrels), notes


def split_by_time(
    dataset: RetrievalDataset, *, dev_from: str | None = None, test_from: str | None = None, allow_empty: bool = False
) -> RetrievalDataset:
    """Divide queries by ``created_at``: train before dev before test; without dates 70, 10 and 20 % of the queries.

    Raises:
        DataError: The dates leave a split empty, which ``allow_empty`` allows.
    """
    judged = {q: grades for split in dataset.qrels.values() for q, grades in split.items()}
    order = sorted(judged, key=lambda q: (dataset.queries[q].metadata["created_at"], q))
    times = [dataset.queries[q].metadata["created_at"] for q in order]
    starts = [
        parse_time(given).isoformat() if given else times[min(len(times) - 1, int(len(times) * share))]
        for given, share in ((dev_from, 0.7), (test_from, 0.8))
    ]
    if test_from is None and dev_from is not None:
        starts[1] = "9999"  # everything from dev_from on is dev
    if starts[0] > starts[1]:
        raise DataError(
            f"{dataset.name}: dev starts on {starts[0][:10]}, after test on {starts[1][:10]}: pass an earlier dev_from"
        )
    ends = [("train", "", starts[0]), ("dev", starts[0], starts[1]), ("test", starts[1], "9999")]
    qrels: dict[str, Qrels] = {
        split: {q: judged[q] for q, t in zip(order, times, strict=True) if low <= t < high} for split, low, high in ends
    }
    empty = [s for s in SPLITS if not qrels[s] and not (s == "test" and starts[1] == "9999")]
    if empty and not allow_empty:
        raise DataError(
            f"{dataset.name}: no query falls into {empty[0]} (dev from {starts[0][:10]}, test from "
            f"{starts[1][:10]}; {len(order)} queries from {times[0][:10]} to {times[-1][:10]}): pass other "
            "dates, or a longer log"
        )
    corpus = {
        a: replace(v, metadata={**v.metadata, "new_in_test": True})
        if starts[1] <= str(v.metadata.get("created_at", ""))
        else v
        for a, v in dataset.corpus.items()
    }
    card = {**dataset.card, "starts": {"dev": starts[0], "test": starts[1]}}
    return replace(dataset, corpus=corpus, qrels=qrels, card=card)


def split(dataset: RetrievalDataset, *, seed: int = 0) -> RetrievalDataset:
    """Return an unsplit dataset divided by query into 70 % train, 10 % dev, 20 % test, near-copies kept together.

    Every test query's metadata says whether one of its articles is a training positive (``document_seen``).

    Raises:
        LeakageError: A near-copy crossed the split after all.
    """
    pooled = {q: grades for judged in dataset.qrels.values() for q, grades in judged.items()}
    drawn = draw_split({q: dataset.queries[q].text for q in pooled}, {"train": 0.7, "dev": 0.1, "test": 0.2}, seed)
    result = mark_seen(replace(dataset, qrels={s: {q: pooled[q] for q in drawn[s]} for s in SPLITS}))
    check_leakage(result)
    return result


def mark_seen(dataset: RetrievalDataset) -> RetrievalDataset:
    """Return the dataset with ``document_seen`` in the metadata of every dev and test query."""
    seen = dataset.seen_documents()
    queries = dict(dataset.queries)
    for s in ("dev", "test"):
        for q, documents in dataset.positives(s).items():
            known = not seen.isdisjoint(documents)
            queries[q] = replace(queries[q], metadata={**queries[q].metadata, "article_seen": known})
    return replace(dataset, queries=queries)
