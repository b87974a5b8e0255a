"""Hard negatives: articles that BM25 ranks high for a training query and that are, most likely, not its answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import RetrievalDataset, relevant
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.runs import top_k

REASONS = {
    "positive": "judged relevant in training",
    "near_duplicate": "near-duplicate of a judged article",
    "likely_positive": "both scorers put it close to, or above, the positive: perhaps an answer nobody recorded",
    "surplus": "passed every filter, but enough were found already",
    "kept": "hard negative",
}
"""Reason code of every candidate, in the order the checks are made."""


@dataclass(frozen=True)
class MiningSettings:
    """How candidates are chosen and filtered.

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
        """Refuse windows and counts that can give nothing."""
        if not 1 <= self.range_min <= self.range_max:
            raise ValueError(f"BM25 ranks {self.range_min} to {self.range_max}: pass 1 <= range_min <= range_max")
        if self.per_query < 1:
            raise ValueError(f"per_query is {self.per_query}: pass at least 1")


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
    dataset: RetrievalDataset,
    bm25: BM25,
    query_vectors: NDArray[np.float32],
    document_vectors: NDArray[np.float32],
    settings: MiningSettings | None = None,
) -> MinedNegatives:
    """Return hard negatives for every training query.

    Candidates are the articles at BM25 ranks ``range_min`` to ``range_max``. A judged article of the query or a
    near-duplicate of one never becomes a negative; nor does one that both scorers find too close to the positive,
    since it may well be an answer that nobody recorded (a false negative).

    Args:
        dataset: Dataset; only its training judgments and its near-duplicates are used for choosing.
        bm25: Index over the dataset's articles.
        query_vectors: Base-model vectors of ``dataset.query_texts("train")`` in that order: float32, (Q, D).
        document_vectors: Base-model vectors of ``dataset.document_texts()`` in that order: float32, (N, D).
        settings: Window, filters and how many to keep.

    Raises:
        ValueError: Vectors, queries and articles differ in number.

    Reference: Karpukhin et al. 2020, arXiv:2004.04906, section 3.2 (BM25 negatives); Moreira et al. 2024,
        arXiv:2407.15831 (positive-aware filtering).
    """
    settings = settings or MiningSettings()
    queries, documents = dataset.query_texts("train"), list(dataset.corpus)
    if (len(query_vectors), len(document_vectors)) != (len(queries), len(documents)):
        raise ValueError(
            f"{len(query_vectors)} query and {len(document_vectors)} article vectors for {len(queries)} "
            f"training queries and {len(documents)} articles: pass one vector each, in id order"
        )
    if bm25.ids != documents:
        raise ValueError(
            f"the BM25 index holds {len(bm25.ids)} articles, not the dataset's {len(documents)}: "
            "index dataset.document_texts()"
        )
    position = {a: n for n, a in enumerate(documents)}
    twins = near_duplicates_of(dataset)
    columns: dict[str, list] = {
        c: []
        for c in (
            "query_id",
            "article_id",
            "bm25_rank",
            "bm25_score",
            "bm25_positive",
            "model_score",
            "model_positive",
            "reason",
        )
    }
    negatives: dict[str, list[str]] = {}
    progress = tqdm(list(queries.items()), desc="mine", unit="query", disable=len(queries) < 2000)
    for (q, text), vector in zip(progress, query_vectors, strict=True):
        bm25_scores, model_scores = bm25.scores([text])[0], document_vectors @ vector
        judged = dataset.qrels["train"][q]
        positives = relevant(judged)
        at = [position[a] for a in positives]
        window = top_k(bm25_scores, settings.range_max)[settings.range_min - 1 :]
        window = window[bm25_scores[window] != 0]
        near = {twin for a in positives for twin in twins.get(a, ())}
        best = float(bm25_scores[at].max()), float(model_scores[at].max())
        reasons = _reasons(
            [documents[i] for i in window], bm25_scores[window], model_scores[window], best, judged, near, settings
        )
        negatives[q] = [documents[i] for i, r in zip(window, reasons, strict=True) if r == "kept"]
        size = len(window)
        for column, values in zip(
            columns,
            (
                [q] * size,
                [documents[i] for i in window],
                range(settings.range_min, settings.range_min + size),
                bm25_scores[window],
                [best[0]] * size,
                model_scores[window],
                [best[1]] * size,
                reasons,
            ),
            strict=True,
        ):
            columns[column].extend(values)
    held_out = {a for split in ("dev", "test") for _, a in dataset.pairs(split)}
    count = sum(a in held_out for kept in negatives.values() for a in kept)
    return MinedNegatives(negatives, pd.DataFrame(columns), settings, count)


def _reasons(
    window: Sequence[str],
    bm25_scores: NDArray[np.float64],
    model_scores: NDArray[np.float32],
    best: tuple[float, float],
    judged: Mapping[str, int],
    near: set[str],
    settings: MiningSettings,
) -> list[str]:
    """Return the reason code of each candidate of one query, in BM25 order."""
    reasons: list[str] = []
    for a, bm25_score, model_score in zip(window, bm25_scores, model_scores, strict=True):
        if a in judged:
            reasons.append("positive")
        elif a in near:
            reasons.append("near_duplicate")
        elif _likely_positive(bm25_score, model_score, best, settings):
            reasons.append("likely_positive")
        else:
            reasons.append("kept" if reasons.count("kept") < settings.per_query else "surplus")
    return reasons


def _likely_positive(bm25_score: float, model_score: float, best: tuple[float, float], settings: MiningSettings) -> bool:
    """Return whether every scorer that has a share set finds the candidate closer to the positive than it allows."""
    checks = [(bm25_score, best[0], settings.max_bm25_share), (model_score, best[1], settings.max_model_share)]
    # A share of a score below 0 would lie above it, hence the plain comparison there.
    suspect = [
        score > (positive * share if positive > 0 else positive) for score, positive, share in checks if share is not None
    ]
    return bool(suspect) and all(suspect)


def near_duplicates_of(dataset: RetrievalDataset) -> Mapping[str, set[str]]:
    """Return for each article of a near-duplicate group the other articles of its group."""
    return dataset.twins()
