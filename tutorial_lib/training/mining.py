"""Hard negatives: articles that keyword search ranks high for a training query and that are, most likely, not its answer."""

from __future__ import annotations

import json
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.fields import check_share, check_whole
from tutorial_lib.retrieval.coverage import coverage_note
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.runs import top_k
from tutorial_lib.retrieval.scorer import Scorer
from tutorial_lib.training.candidates import CandidateTable

REASONS = {
    "positive": "judged relevant in training",
    "near_duplicate": "near-duplicate of an article judged relevant",
    "likely_positive": "both scorers put it close to, or above, the positive: perhaps an answer nobody recorded",
    "surplus": "passed every filter, but enough were found already",
    "kept": "hard negative",
}
"""Reason code of every candidate, in the order the checks are made."""


@dataclass(frozen=True)
class MiningSettings:
    """How candidates are chosen and filtered.

    >>> MiningSettings(range_max=20, per_query=2).max_model_share
    1.0
    >>> MiningSettings(per_query=0)
    Traceback (most recent call last):
    ValueError: per_query is 0: pass at least 1

    Attributes:
        range_min: First BM25 rank (from 1) that may become a negative.
        range_max: Last BM25 rank considered.
        per_query: Negatives kept for each query.
        max_bm25_share: A candidate whose BM25 score is above this share of the positive's is suspect; None: all are.
        max_model_share: The same for the base model's cosine. A candidate that both find suspect is dropped as a
            likely false negative; with both None nothing is.
    """

    range_min: int = 1
    range_max: int = 50
    per_query: int = 4
    max_bm25_share: float | None = 1.0
    max_model_share: float | None = 1.0

    def __post_init__(self) -> None:
        """Refuse windows and counts that can give nothing, and shares that are none.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_whole(self, range_min=None, range_max=None, per_query=1)
        if not 1 <= self.range_min <= self.range_max:
            raise ValueError(f"BM25 ranks {self.range_min} to {self.range_max}: pass 1 <= range_min <= range_max")
        check_share(self, "max_bm25_share", "max_model_share")


@dataclass(frozen=True)
class MinedNegatives:
    """Hard negatives and the story of every candidate.

    Attributes:
        negatives: Query id -> at most ``settings.per_query`` article ids, best BM25 rank first.
        candidates: One row per candidate: query_id, article_id, bm25_rank, bm25_score, bm25_positive, model_score,
            model_positive, reason (a key of ``REASONS``). Positive scores are those of the best-scored positive.
        settings: The settings used.
        held_out_positives: Mined (query, article) rows whose article is the answer of some dev or test query. Counted
            afterwards; held-out labels play no part in choosing.
    """

    negatives: dict[str, list[str]]
    candidates: pd.DataFrame
    settings: MiningSettings
    held_out_positives: int

    @property
    def short(self) -> dict[str, int]:
        """Queries for which fewer than ``per_query`` negatives were found, with the number found."""
        return {q: len(n) for q, n in self.negatives.items() if len(n) < self.settings.per_query}

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of them: that for most queries nothing was found, if so."""
        silent = len(self.negatives) - self.candidates["query_id"].nunique()
        note = coverage_note(silent, len(self.negatives)) if self.settings.range_min == 1 else None
        return (note,) if note else ()

    def statistics(self) -> pd.DataFrame:
        """Return the number and share of candidates per reason code, in checking order."""
        count = Counter(self.candidates["reason"])
        return pd.DataFrame(
            [
                {"reason": r, "candidates": count[r], "share": count[r] / max(1, len(self.candidates)), "meaning": meaning}
                for r, meaning in REASONS.items()
            ]
        )

    def save(self, folder: Path) -> None:
        """Write ``negatives.jsonl`` (one query a line) and ``candidates.parquet`` into ``folder``."""
        with (folder / "negatives.jsonl").open("w", encoding="utf-8", newline="\n") as file:
            for q, documents in self.negatives.items():
                file.write(json.dumps({"query_id": q, "negatives": documents}, ensure_ascii=False) + "\n")
        self.candidates.to_parquet(folder / "candidates.parquet", index=False)
        record = {"settings": vars(self.settings), "held_out_positives": self.held_out_positives}
        (folder / "mining.json").write_text(json.dumps(record, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> MinedNegatives:
        """Read what ``save`` wrote."""
        lines = (folder / "negatives.jsonl").read_text(encoding="utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
        record = json.loads((folder / "mining.json").read_text(encoding="utf-8"))
        return cls(
            {r["query_id"]: r["negatives"] for r in rows},
            pd.read_parquet(folder / "candidates.parquet"),
            MiningSettings(**record["settings"]),
            record["held_out_positives"],
        )


def mine_negatives(
    dataset: RetrievalDataset, scorer: Scorer, vectors: Vectors, settings: MiningSettings | None = None
) -> MinedNegatives:
    """Return hard negatives for every training query.

    Candidates are the articles at the scorer's ranks ``range_min`` to ``range_max``, without the query's own document. An
    article judged relevant or a near-duplicate of one never becomes a negative; nor does one that both scorer and vectors
    find too close to the positive, since it may well be an answer that nobody recorded (a false negative), unless it was
    judged 0: then it is known to be none. A note on stderr says so where most queries find nothing.

    Args:
        dataset: Dataset; only its training judgments and near-duplicates are used for choosing.
        scorer: What ranks the candidates: BM25 over the dataset's articles, or any other scorer of them.
        vectors: The base model's, of the articles and of the training queries (``Vectors.of(dataset, encoder)``).
        settings: Window, filters and how many to keep.

    Raises:
        DataError: The vectors are not those of the training queries and articles, or the scorer's articles not those of
            the dataset.

    Reference: Karpukhin et al. 2020, arXiv:2004.04906, section 3.2 (BM25 negatives); Moreira et al. 2024,
        arXiv:2407.15831 (positive-aware filtering).
    """
    settings = settings or MiningSettings()
    vectors.check(dataset, "train")
    _check_scorer(dataset, scorer)
    miner = _Miner(dataset, settings, list(dataset.corpus), dataset.twins())
    table = CandidateTable()
    negatives: dict[str, list[str]] = {}
    queries = dataset.query_texts("train")
    progress = tqdm(list(queries.items()), desc="mine", unit="query", disable=len(queries) < 2000)
    for (q, text), vector in zip(progress, vectors.queries["train"], strict=True):
        found = miner.candidates(q, scorer.scores([text])[0], vectors.documents @ vector)
        table.add(found)
        negatives[q] = [row[1] for row in found if row[-1] == "kept"]
    mined = MinedNegatives(negatives, table.whole(), settings, _held_out(dataset, negatives))
    for note in mined.notes:
        print(f"note: {note}", file=sys.stderr, flush=True)  # noqa: T201
    return mined


def _check_scorer(dataset: RetrievalDataset, scorer: Scorer) -> None:
    if list(scorer.ids) != list(dataset.corpus):
        raise DataError(
            f"the scorer holds {len(scorer.ids)} articles, not the dataset's {len(dataset.corpus)}: "
            "index dataset.document_texts()"
        )


def _held_out(dataset: RetrievalDataset, negatives: Mapping[str, Sequence[str]]) -> int:
    """Return how many of the negatives answer some dev or test query."""
    answers = {a for split in ("dev", "test") for _, a in dataset.pairs(split)}
    return sum(a in answers for mined in negatives.values() for a in mined)


@dataclass(frozen=True)
class _Miner:
    """What the candidates of any query are judged by."""

    dataset: RetrievalDataset
    settings: MiningSettings
    ids: list[str]
    twins: Mapping[str, frozenset[str]]

    def candidates(self, query_id: str, scores: NDArray[np.floating], cosines: NDArray[np.float32]) -> list[tuple]:
        """Return one row of ``COLUMNS`` for each candidate of a query, given both scores of all documents: (N,) each."""
        judged = self.dataset.qrels["train"][query_id]
        positives = relevant(judged)
        at = [bisect_left(self.ids, a) for a in positives]
        best = float(scores[at].max()), float(cosines[at].max())
        own = self.dataset.own_documents.get(query_id)
        ranked = [n for n in top_k(scores, self.settings.range_max + bool(own)).tolist() if self.ids[n] != own]
        window = np.array(ranked[self.settings.range_min - 1 : self.settings.range_max], dtype=np.int64)
        rows: list[tuple] = []
        kept = 0
        for rank, n in enumerate(window[scores[window] != 0], self.settings.range_min):
            suspect = self.ids[n] not in judged and _likely_positive(scores[n], cosines[n], best, self.settings)
            reason = self._reason(self.ids[n], positives, suspect=suspect, kept=kept)
            kept += reason == "kept"
            rows.append((query_id, self.ids[n], rank, scores[n], best[0], cosines[n], best[1], reason))
        return rows

    def _reason(self, candidate: str, positives: Sequence[str], *, suspect: bool, kept: int) -> str:
        """Return the reason code of one candidate, a key of ``REASONS``, when ``kept`` were found before it."""
        if candidate in positives:
            return "positive"
        if any(candidate in self.twins.get(a, ()) for a in positives):
            return "near_duplicate"
        if suspect:
            return "likely_positive"
        return "kept" if kept < self.settings.per_query else "surplus"


def _likely_positive(bm25_score: float, model_score: float, best: tuple[float, float], settings: MiningSettings) -> bool:
    """Return whether every scorer that has a share set finds the candidate closer to the positive than it allows."""
    checks = [(bm25_score, best[0], settings.max_bm25_share), (model_score, best[1], settings.max_model_share)]
    # A share of a score below 0 would lie above it, hence the plain comparison there.
    suspect = [
        score > (positive * share if positive > 0 else positive) for score, positive, share in checks if share is not None
    ]
    return bool(suspect) and all(suspect)
