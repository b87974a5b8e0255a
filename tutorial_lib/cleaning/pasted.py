"""Articles that agents paste into whatever ticket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tutorial_lib.cleaning.report import CleaningStep, table_of
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.ticket_texts import ticket_texts
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.scorer import Scorer


class _Pair(NamedTuple):
    """A ticket solved with an article, and the rank at which the scorer puts that article for it."""

    split: str
    query_id: str
    rank: int


def pasted_everywhere(
    dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS, scorer: Scorer | None = None
) -> CleaningStep:
    """Weigh down articles that agents paste into whatever ticket: only the plausible pairs are kept.

    An article is suspect if ``pasted_share`` of all training tickets (and at least ``pasted_tickets``) were solved with it,
    and ``lost_share`` of these have so little to do with it that BM25 puts it below ``lost_rank`` (or the middle of a small
    corpus). Being lost to BM25 alone proves little: customers and articles may just use other words. Of a suspect article
    the pairs within ``lost_rank`` are kept, the others leave train and dev. Test tickets stay: they report.

    Args:
        dataset: The dataset.
        settings: The four thresholds.
        scorer: What ranks the articles; BM25 by default.
    """
    tickets = ticket_texts(dataset)
    limit = min(settings.lost_rank, len(dataset.corpus) // 2)
    enough = max(settings.pasted_tickets, settings.pasted_share * sum(q in tickets for q in dataset.qrels["train"]))
    drop: dict[str, set[str]] = {}
    records = []
    solved = Counter(a for q, a in dataset.pairs("train") if q in tickets)
    often = {a for a, count in solved.items() if count >= enough}
    for a, pairs in sorted(_ranked_pairs(dataset, tickets, often, scorer).items()):
        train = [pair.rank for pair in pairs if pair.split == "train"]
        if np.mean([rank > limit for rank in train]) < settings.lost_share:
            continue
        for _, q, rank in pairs:
            if rank > limit:
                drop.setdefault(q, set()).add(a)
                records.append((q, tickets[q], f"{a} is pasted everywhere; here BM25 puts it at {rank}"))
    rule = f"articles pasted into anything keep the pairs within BM25 rank {limit}"
    return CleaningStep("pasted everywhere", "ticket", rule, _without(dataset, drop), table_of(records))


def _without(dataset: RetrievalDataset, drop: Mapping[str, set[str]]) -> RetrievalDataset:
    """Return the dataset without these articles of these queries, test aside."""
    qrels = {
        s: {q: {a: g for a, g in grades.items() if s == "test" or a not in drop.get(q, ())} for q, grades in judged.items()}
        for s, judged in dataset.qrels.items()
    }
    return replace(dataset, qrels=qrels).restrict()


def _ranked_pairs(
    dataset: RetrievalDataset, tickets: Mapping[str, str], among: Collection[str], scorer: Scorer | None
) -> dict[str, list[_Pair]]:
    """Return the train and dev pairs of some articles that tickets were solved with.

    Every pair takes a search of all articles: only those of a few articles can be afforded where there are many.
    """
    if not among:
        return {}
    scorer = scorer or BM25(dataset.document_texts())
    position = {a: n for n, a in enumerate(scorer.ids)}
    pairs: dict[str, list[_Pair]] = {}
    for split in ("train", "dev"):
        for q, a in dataset.pairs(split):
            if q in tickets and a in among:
                scores = scorer.scores([tickets[q]])[0]
                pairs.setdefault(a, []).append(_Pair(split, q, int(np.sum(scores > scores[position[a]])) + 1))
    return pairs
