"""Dividing queries into train, dev and test, and keeping the three honest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tutorial_lib.data.copies import query_copies
from tutorial_lib.data.dataset import SPLITS, DataError, Document, LeakageError, Qrels, RetrievalDataset
from tutorial_lib.data.times import parse_time
from tutorial_lib.near_duplicates import NearDuplicates

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}
"""Share of the queries that each split gets where neither dates nor judgments say otherwise."""


@dataclass(frozen=True)
class SplitSettings:
    """How queries are divided.

    Attributes:
        dev_from: Date on which dev starts, e.g. "2026-03-01"; what is older is train. Logs only.
        test_from: Date on which test starts. Both dates or neither: without them the newest queries are held out, in
            the shares ``SHARES``.
        split_seed: Seed of the draw, where there are no dates.
    """

    dev_from: str | None = None
    test_from: str | None = None
    split_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse one date without the other, dates in the wrong order, and what is no date or no seed."""
        if (self.dev_from is None) != (self.test_from is None):
            raise ValueError(
                f"dev_from is {self.dev_from!r} and test_from is {self.test_from!r}: pass both dates, or neither"
            )
        if self.dev_from is not None and self.test_from is not None:
            dev, test = parse_time(self.dev_from), parse_time(self.test_from)
            if dev > test:
                raise ValueError(f"dev starts on {dev:%Y-%m-%d}, after test on {test:%Y-%m-%d}: pass an earlier dev_from")
        if self.split_seed < 0:
            raise ValueError(f"split_seed is {self.split_seed}: pass a whole number from 0 up")


def find_leaks(dataset: RetrievalDataset, copies: NearDuplicates | None = None) -> list[tuple[str, str, str]]:
    """Return (query, held-out query, its split) wherever a query of an earlier split is a copy or near-copy of it.

    Earlier than dev is train; earlier than test are train and dev, for dev decides and must not have met the test.
    ``copies`` are the near-copies among its queries, if they are known already (``query_copies``).
    """
    split_of = {s: set(dataset.qrels[s]) for s in SPLITS}
    used = set().union(*split_of.values())
    known = copies or query_copies(dataset)
    groups = known.groups(used)
    leaks = set()
    for held_split in ("dev", "test"):
        held, earlier = split_of[held_split], set().union(*(split_of[s] for s in SPLITS[: SPLITS.index(held_split)]))
        leaks |= {(q, q, held_split) for q in held & earlier}  # a query may itself stand in two splits
        for group in groups:
            leaks |= {(q, h, held_split) for h in group if h in held for q in group if q in earlier}
    return sorted(leaks, key=lambda leak: (leak[2], leak[1], leak[0]))


def check_leakage(dataset: RetrievalDataset, copies: NearDuplicates | None = None) -> None:
    """Refuse a dataset in which a held-out query, or a near-copy of one, is also a training query.

    Raises:
        LeakageError: Names the first leaking pair, the number of pairs, and the way out.
    """
    leaks = find_leaks(dataset, copies)
    if leaks:
        copy, held_out, split = leaks[0]
        source = "training" if copy in dataset.qrels["train"] else "dev"
        raise LeakageError(
            f"{len({h for _, h, _ in leaks})} held-out queries leak, first: {split} query {held_out!r} "
            f"({dataset.queries[held_out].text!r}) and {source} query {copy!r} ({dataset.queries[copy].text!r}). "
            "Remove the copies from the qrels file of the earlier split, or call cleaning.steps.remove_leaks(dataset)."
        )


def draw_split(
    ids: Iterable[str], copies: NearDuplicates, shares: Mapping[str, float] = SHARES, seed: int = 0
) -> dict[str, list[str]]:
    """Divide queries at random into splits, near-copies always together.

    Args:
        ids: Query ids.
        copies: Near-copies among them.
        shares: Share of each split, summing to 1.
        seed: Seed of the draw.

    Returns:
        Query ids per split, each sorted. A split may miss its share by the size of one group.

    Raises:
        ValueError: The shares do not sum to 1.

    >>> texts = {"a": "stop renewal", "b": "Stop the renewal!", "c": "weak signal", "d": "pay by card"}
    >>> from tutorial_lib.data.copies import near_copies
    >>> draw_split(texts, near_copies(texts), {"train": 0.5, "test": 0.5})
    {'train': ['a', 'b', 'd'], 'test': ['c']}
    """
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"shares sum to {sum(shares.values())}: pass shares that sum to 1")
    order = sorted(ids)
    groups = _together(order, copies)
    bounds = dict(zip(shares, np.cumsum(list(shares.values())) * len(order), strict=True))
    result: dict[str, list[str]] = {s: [] for s in shares}
    placed = 0
    for n in np.random.default_rng(seed).permutation(len(groups)):
        # The middle of the group decides, so that the shares hold on average whatever the group sizes.
        split = next((s for s, end in bounds.items() if placed + len(groups[n]) / 2 <= end), list(shares)[-1])
        result[split] += groups[n]
        placed += len(groups[n])
    return {s: sorted(found) for s, found in result.items()}


def _together(ids: list[str], copies: NearDuplicates) -> list[list[str]]:
    """Return ``ids`` in groups that must not be divided, by their first id."""
    groups = copies.groups(ids)
    grouped = {q for group in groups for q in group}
    return sorted([*groups, *([q] for q in ids if q not in grouped)])


def split_at_random(dataset: RetrievalDataset, seed: int = 0, copies: NearDuplicates | None = None) -> RetrievalDataset:
    """Return an unsplit dataset divided by query into the shares ``SHARES``, near-copies kept together.

    Every held-out query's metadata says whether one of its answers is a training positive (``mark_seen``).

    Raises:
        LeakageError: A near-copy crossed the split after all.
    """
    pooled = {q: grades for judged in dataset.qrels.values() for q, grades in judged.items()}
    copies = copies or query_copies(dataset)
    drawn = draw_split(pooled, copies, SHARES, seed)
    result = mark_seen(replace(dataset, qrels={s: {q: pooled[q] for q in drawn[s]} for s in SPLITS}))
    check_leakage(result, copies)
    return result


def complete_splits(dataset: RetrievalDataset, seed: int = 0, copies: NearDuplicates | None = None) -> RetrievalDataset:
    """Draw a missing test split (20 %) and a missing dev split (10 %) from the training queries.

    Returns:
        The dataset with all three splits, and in its notes one sentence for each split that was drawn.

    Raises:
        DataError: There are no training judgments, or too few queries to draw from.
    """
    if not dataset.qrels.get("train"):
        raise DataError(
            f"{dataset.name}: qrels/train.tsv is missing or empty, found {sorted(dataset.qrels)}: "
            "pass training judgments, there is nothing to learn from otherwise"
        )
    qrels = {s: dict(dataset.qrels.get(s, {})) for s in SPLITS}
    given, notes = len(qrels["train"]), list(dataset.notes)
    for split in ("test", "dev"):
        if qrels[split]:
            continue
        count, share = len(qrels["train"]), SHARES[split]
        copies = copies or query_copies(dataset)
        drawn = draw_split(qrels["train"], copies, {"train": 1 - share, split: share}, seed)[split] if given >= 10 else []
        if not 0 < len(drawn) < count:
            raise DataError(
                f"{dataset.name}: no {split} split and only {given} training queries to draw one from "
                f"(copies stay together): pass qrels/{split}.tsv or at least 10 different training queries"
            )
        qrels[split] = {q: qrels["train"].pop(q) for q in drawn}
        notes.append(f"no {split} split was given: {len(drawn)} of {count} training queries were drawn for it (seed {seed})")
    return replace(dataset, qrels=qrels, notes=tuple(notes))


def split_by_time(
    dataset: RetrievalDataset, settings: SplitSettings | None = None, *, allow_empty: bool = False
) -> RetrievalDataset:
    """Divide queries by ``created_at``: train before dev before test; without dates in the shares ``SHARES``.

    Args:
        dataset: Dataset whose queries all have ``created_at`` in their metadata.
        settings: The dates.
        allow_empty: Whether the dates may leave a split empty.

    Returns:
        The divided dataset: ``card["starts"]`` holds the days on which dev and test start, and the metadata of documents
        published in the test period say ``new_in_test``.

    Raises:
        DataError: A split is left empty.
    """
    judged = {q: grades for split in dataset.qrels.values() for q, grades in split.items()}
    times = {q: str(dataset.queries[q].metadata["created_at"]) for q in judged}
    order = sorted(judged, key=lambda q: (times[q], q))
    dev, test = _starts([times[q] for q in order], settings or SplitSettings())
    periods = {"train": ("", dev), "dev": (dev, test), "test": (test, "9999")}
    qrels: dict[str, Qrels] = {
        s: {q: judged[q] for q in order if low <= times[q] < high} for s, (low, high) in periods.items()
    }
    empty = [s for s in SPLITS if not qrels[s]]
    if empty and not allow_empty:
        raise DataError(
            f"{dataset.name}: no query falls into {empty[0]} (dev from {dev[:10]}, test from {test[:10]}; {len(order)} "
            f"queries from {times[order[0]][:10]} to {times[order[-1]][:10]}): pass other dates, or a longer log"
        )
    corpus = _new_marked(dataset.corpus, test)
    return replace(dataset, corpus=corpus, qrels=qrels, card={**dataset.card, "starts": {"dev": dev, "test": test}})


def _starts(times: list[str], settings: SplitSettings) -> tuple[str, str]:
    """Return when dev and test start, in the form of ``times``, which are in order."""
    if settings.dev_from is not None and settings.test_from is not None:
        return parse_time(settings.dev_from).isoformat(), parse_time(settings.test_from).isoformat()
    dev, test = (times[min(len(times) - 1, int(len(times) * share))] for share in (SHARES["train"], 1 - SHARES["test"]))
    return dev, test


def _new_marked(corpus: Mapping[str, Document], start: str) -> dict[str, Document]:
    """Return the corpus with ``new_in_test`` in the metadata of what was published from ``start`` on."""
    return {
        a: replace(v, metadata={**v.metadata, "new_in_test": True}) if str(v.metadata.get("created_at", "")) >= start else v
        for a, v in corpus.items()
    }


def mark_seen(dataset: RetrievalDataset) -> RetrievalDataset:
    """Return the dataset with ``article_seen`` in the metadata of every dev and test query.

    It says whether one of the query's answers is a positive in training too.
    """
    seen = dataset.seen_documents()
    queries = dict(dataset.queries)
    for s in ("dev", "test"):
        for q, documents in dataset.positives(s).items():
            known = not seen.isdisjoint(documents)
            queries[q] = replace(queries[q], metadata={**queries[q].metadata, "article_seen": known})
    return replace(dataset, queries=queries)
