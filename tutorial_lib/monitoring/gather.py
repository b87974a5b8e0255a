"""The dataset of a new generation: new pairs beside the old ones, and three exams to judge it by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from tutorial_lib.data.dataset import DataError, Document, Qrels, Query, RetrievalDataset, relevant
from tutorial_lib.monitoring.settings import GatherSettings
from tutorial_lib.text import normal_form

OLD, NEW, NEWEST = "old", "new", "newest"
EXAMS = (OLD, NEW, NEWEST)
"""The exam of the generation before, golden queries that it did not have, and the newest weeks of the log."""


@dataclass(frozen=True)
class Parent:
    """What a generation takes over from the one before.

    Attributes:
        dataset: Its dataset.
        number: Its number.
    """

    dataset: RetrievalDataset
    number: int

    @property
    def until(self) -> str:
        """When its log ends: the newest time of a query in ISO 8601; "" if none has one."""
        times = (str(query.metadata.get("created_at", "")) for query in self.dataset.queries.values())
        return max(times, default="")


def gather(
    parent: Parent,
    new: RetrievalDataset,
    golden: tuple[Mapping[str, Query], Qrels],
    settings: GatherSettings | None = None,
    *,
    seed: int = 0,
    number: int | None = None,
) -> RetrievalDataset:
    """Return the dataset of the generation after ``parent``, over the articles of ``new``.

    Training pairs are those of the log, but for its last weeks, and a share of the parent's; of two queries of the same words
    the new one stays, for articles change. What dev and the newest weeks held back the last time is trained on now. Judgments
    follow a superseded article to its successor, and go with an article that is no more.

    Args:
        parent: The generation before.
        new: The new log, cleaned, all in train.
        golden: Queries and grades as of now: those that the exam has get these grades, the others are the new exam.
        settings: Shares and weeks.
        seed: Of the draw among old pairs.
        number: Of the generation; by default the one after its parent.

    Returns:
        The dataset. ``metadata["exam"]`` of a test query is one of ``EXAMS``; ``metadata["generation"]`` of a query from the
        log says who read it; ``card["gathered"]`` counts.

    Raises:
        DataError: The log is too short to be divided.
    """
    settings = settings or GatherSettings()
    moved = _Moved(new.card.get("superseded", {}), new.corpus)
    fresh = _divided(new, number or parent.number + 1, settings)
    asked, judged = golden
    old = _of_parent(parent.dataset, {**parent.dataset.qrels["test"], **judged}, moved)
    known = {normal_form(fresh.queries[q].text) for q in fresh.qrels["train"]}
    others = {q: g for q, g in old["train"].items() if normal_form(parent.dataset.queries[q].text) not in known}
    kept = _drawn(others, settings.old_share, seed)
    exam = {q: moved.grades(g) for q, g in judged.items() if q not in parent.dataset.qrels["test"]}
    queries = {
        **_marked(parent.dataset.queries, old["test"], OLD),
        **_marked({q: asked[q] for q in exam}, exam, NEW),
        **fresh.queries,
    }
    qrels = {
        "train": {**kept, **fresh.qrels["train"]},
        "dev": {**old["dev"], **fresh.qrels["dev"]},
        "test": {**old["test"], **exam, **fresh.qrels["test"]},
    }
    counts = {"old": len(kept), "new": len(fresh.qrels["train"]), "left": len(old["train"]) - len(kept)}
    card = {"gathered": {"until": Parent(new, 0).until, **counts, "without an article": moved.lost}}
    dataset = RetrievalDataset(parent.dataset.name, new.corpus, dict(sorted(queries.items())), qrels, card)
    return dataset.restrict()


@dataclass
class _Moved:
    """Where the judgments of articles go that are no more.

    Attributes:
        successors: Superseded article -> the one that holds.
        corpus: The articles of now.
        lost: How many queries have lost their last article so far.
    """

    successors: Mapping[str, str]
    corpus: Mapping[str, Document]
    lost: int = 0

    def grades(self, grades: Mapping[str, int]) -> dict[str, int]:
        found: dict[str, int] = {}
        for article, grade in grades.items():
            article = self.successors.get(article, article)
            if article in self.corpus:
                found[article] = max(grade, found.get(article, grade))
        self.lost += not relevant(found)
        return found


def _of_parent(dataset: RetrievalDataset, exam: Qrels, moved: _Moved) -> dict[str, Qrels]:
    """Return the parent's judgments by split: what it held back of its own log is free to train on."""
    queries = dataset.queries
    free = {q for q in dataset.qrels["dev"] if "generation" in queries[q].metadata}
    free |= {q for q in dataset.qrels["test"] if queries[q].metadata.get("exam") == NEWEST}
    split_of = {q: "train" if q in free else split for split, judged in dataset.qrels.items() for q in judged}
    judgments = {**dataset.qrels["train"], **dataset.qrels["dev"], **exam}
    qrels: dict[str, Qrels] = {"train": {}, "dev": {}, "test": {}}
    for q, split in split_of.items():
        if relevant(grades := moved.grades(judgments[q])):
            qrels[split][q] = grades
    return qrels


def _divided(new: RetrievalDataset, number: int, settings: GatherSettings) -> RetrievalDataset:
    """Return the log divided by time, its ids those of generation ``number``, each training pair as often as it weighs."""
    times = {q: datetime.fromisoformat(new.queries[q].metadata["created_at"]) for q in new.qrels["train"]}
    test = max(times.values()) - timedelta(weeks=settings.newest_weeks)
    dev = test - timedelta(weeks=settings.dev_weeks)
    queries: dict[str, Query] = {}
    qrels: dict[str, Qrels] = {"train": {}, "dev": {}, "test": {}}
    for q, when in sorted(times.items()):
        split = "test" if when > test else "dev" if when > dev else "train"
        copies = settings.new_weight if split == "train" else 1
        for copy in range(copies):
            id_ = f"g{number}/{q}" + (f"#{copy + 1}" if copy else "")
            metadata = {**new.queries[q].metadata, "generation": number} | ({"exam": NEWEST} if split == "test" else {})
            queries[id_] = Query(id_, new.queries[q].text, metadata)
            qrels[split][id_] = new.qrels["train"][q]
    if empty := [split for split, judged in qrels.items() if not judged]:
        first, last = min(times.values()), max(times.values())
        raise DataError(
            f"the new log, {len(times)} queries from {first:%Y-%m-%d} to {last:%Y-%m-%d}, leaves none for {empty[0]} with "
            f"{settings.dev_weeks} weeks for dev and the newest {settings.newest_weeks} for the exam: pass a longer log, or "
            "fewer weeks"
        )
    return replace(new, queries=queries, qrels=qrels)


def _drawn(old: Qrels, share: float, seed: int) -> Qrels:
    ids = sorted(old)
    order = np.random.default_rng(seed).permutation(len(ids))[: round(share * len(ids))]
    return {ids[n]: old[ids[n]] for n in sorted(order)}


def _marked(queries: Mapping[str, Query], of_exam: Collection[str], exam: str) -> dict[str, Query]:
    """Return the queries, those of an exam marked so, and no other."""
    marked = {}
    for q, query in queries.items():
        metadata = {k: v for k, v in query.metadata.items() if k != "exam"}
        marked[q] = replace(query, metadata={**metadata, "exam": exam} if q in of_exam else metadata)
    return marked
