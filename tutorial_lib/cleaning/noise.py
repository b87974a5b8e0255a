"""Noisy pairs: which recorded answers are probably wrong, a list for people to review, and the way back.

A pair is unlikely if scorers that never saw it put another article far above the recorded one. The first pass asks BM25 and
the base model; the second asks models fine-tuned on the *other* pairs (cross-fitting), which know the domain's words but
have not been taught this pair. Reference: Northcutt et al. 2021, "Confident Learning", arXiv:1911.00068.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_lib.data.dataset import SPLITS, DataError, Qrels, RetrievalDataset, relevant
from tutorial_lib.files import write_text
from tutorial_lib.retrieval.bm25 import BM25

DECISIONS = ("", "keep", "drop", "replace")


REVIEW_COLUMNS = [
    "query_id",
    "query",
    "article_id",
    "title",
    "suspicion",
    "suggested",
    "suggested_title",
    "decision",
    "correct_article",
]


def suspicious_pairs(
    dataset: RetrievalDataset,
    bm25: BM25,
    query_vectors: NDArray[np.float32],
    document_vectors: NDArray[np.float32],
    *,
    split: str = "train",
) -> pd.DataFrame:
    """Return every (query, article) pair of a split with its suspicion, most suspicious first.

    For each scorer the margin of a pair is how far the best *other* article lies above the recorded one, in standard
    deviations of that query's scores; other positives of the query are left out. Margins of different scorers are not
    comparable, their ranks among all pairs are: suspicion is the mean of both ranks, from 0 (least) to 1 (most). Where the
    log says which tickets were reopened (metadata ``reopened``), that is a third voice, heard in the same way.

    Args:
        dataset: The dataset.
        bm25: Index over its articles.
        query_vectors: Vectors of ``dataset.query_texts(split)`` in that order: float32, (Q, D), unit length.
        document_vectors: Vectors of ``dataset.document_texts()`` in that order: float32, (N, D), unit length.
        split: Which split's pairs.

    Returns:
        Columns query_id, article_id, bm25_rank, model_rank (1 is first), bm25_margin, model_margin, reopened, suggested
        (the article that both scorers together like best), suspicion.

    Raises:
        DataError: Vectors, queries and articles differ in number.
    """
    queries, documents = dataset.query_texts(split), list(dataset.corpus)
    if (len(query_vectors), len(document_vectors)) != (len(queries), len(documents)):
        raise DataError(
            f"{len(query_vectors)} query and {len(document_vectors)} article vectors for {len(queries)} {split} "
            f"queries and {len(documents)} articles: pass one vector each, in id order"
        )
    position = {a: n for n, a in enumerate(documents)}
    records = []
    for (q, text), vector in zip(queries.items(), query_vectors, strict=True):
        scores = [_standard(bm25.scores([text])[0]), _standard(document_vectors @ vector)]
        at = [position[a] for a in relevant(dataset.qrels[split][q])]
        others = [np.delete(s, at) for s in scores]
        suggested = documents[int(np.delete(np.arange(len(documents)), at)[np.argmax(others[0] + others[1])])]
        for n in at:
            ranks = [int(np.sum(o > s[n])) + 1 for s, o in zip(scores, others, strict=True)]
            margins = [float(o.max() - s[n]) for s, o in zip(scores, others, strict=True)]
            reopened = bool(dataset.queries[q].metadata.get("reopened", False))
            records.append((q, documents[n], *ranks, *margins, reopened, suggested))
    return by_suspicion(
        pd.DataFrame(
            records,
            columns=[
                "query_id",
                "article_id",
                "bm25_rank",
                "model_rank",
                "bm25_margin",
                "model_margin",
                "reopened",
                "suggested",
            ],
        )
    )


def by_suspicion(table: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with their suspicion, the mean of their ranks by each voice, most suspicious first."""
    voices = ["bm25_margin", "model_margin"] + (["reopened"] if table["reopened"].any() else [])
    table["suspicion"] = table[voices].rank(pct=True).mean(axis=1)
    return table.sort_values(["suspicion", "query_id", "article_id"], ascending=[False, True, True], ignore_index=True)


def _standard(scores: NDArray) -> NDArray[np.float64]:
    scores = np.asarray(scores, dtype=np.float64)
    return (scores - scores.mean()) / (scores.std() or 1.0)


def precision_recall(table: pd.DataFrame, wrong: Collection[tuple[str, str]]) -> pd.DataFrame:
    """Return precision and recall of calling the first n pairs of ``table`` wrong, for n = 1 to all.

    Args:
        table: Pairs, most suspicious first.
        wrong: The (query id, article id) pairs that are wrong, as planted or as people found out.

    Returns:
        Columns reviewed (n), share (n / all), precision, recall.
    """
    hits = np.array([pair in wrong for pair in zip(table["query_id"], table["article_id"], strict=True)], dtype=float)
    n = np.arange(1, len(hits) + 1)
    return pd.DataFrame(
        {"reviewed": n, "share": n / len(n), "precision": hits.cumsum() / n, "recall": hits.cumsum() / max(1.0, hits.sum())}
    )


def drop_pairs(dataset: RetrievalDataset, pairs: Collection[tuple[str, str]], *, split: str = "train") -> RetrievalDataset:
    """Return the dataset without these (query id, article id) judgments of one split; a query left with none goes."""
    gone = set(pairs)
    judged = {q: {a: g for a, g in grades.items() if (q, a) not in gone} for q, grades in dataset.qrels[split].items()}
    return replace(dataset, qrels={**dataset.qrels, split: judged}).restrict()


def drop_most_suspicious(dataset: RetrievalDataset, table: pd.DataFrame, share: float) -> RetrievalDataset:
    """Return the dataset without the most suspicious ``share`` (0 to 1) of its training pairs."""
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}: pass a share of the pairs, from 0 to below 1")
    worst = table.head(int(len(table) * share))
    return drop_pairs(dataset, set(zip(worst["query_id"], worst["article_id"], strict=True)))


def write_review(path: str | Path, dataset: RetrievalDataset, table: pd.DataFrame, *, worst: int = 200) -> Path:
    """Write the ``worst`` pairs as a CSV for people: fill in ``decision`` (keep, drop or replace) and ``correct_article``.

    Raises:
        DataError: The file exists: a review somebody may have worked on is never overwritten.
    """
    path = Path(path)
    if path.exists():
        raise DataError(f"{path} exists and may hold decisions: move it, or pass another path")
    rows = table.head(worst).assign(
        query=lambda t: [dataset.queries[q].text for q in t["query_id"]],
        title=lambda t: [dataset.corpus[a].title for a in t["article_id"]],
        suggested_title=lambda t: [dataset.corpus[a].title for a in t["suggested"]],
        suspicion=lambda t: t["suspicion"].round(3),
        decision="",
        correct_article="",
    )
    write_text(path, rows[REVIEW_COLUMNS].to_csv(index=False))
    return path


def read_review(path: str | Path, dataset: RetrievalDataset) -> RetrievalDataset:
    """Return the dataset with the decisions of a reviewed CSV applied to its judgments; an empty decision means keep.

    Raises:
        DataError: A column is missing, a decision or an article is unknown, or a row names a pair that is not there;
            names the row. Nothing is applied then.
    """
    path = Path(path)
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8: save it from the spreadsheet as 'CSV UTF-8'") from None
    missing = [c for c in ("query_id", "article_id", "decision", "correct_article") if c not in rows]
    if missing:
        raise DataError(
            f"{path}: no column {missing[0]!r}; the file has {', '.join(map(str, rows))}: keep the columns that "
            "write_review wrote"
        )
    qrels: dict[str, Qrels] = {s: {q: dict(g) for q, g in dataset.qrels[s].items()} for s in SPLITS}
    for n, row in enumerate(rows.itertuples(index=False), 2):
        q, a, decision, correct = (
            str(getattr(row, c)).strip() for c in ("query_id", "article_id", "decision", "correct_article")
        )
        split = next((s for s in SPLITS if a in qrels[s].get(q, {})), None)
        if decision.lower() not in DECISIONS:
            raise DataError(f"{path} row {n}: decision {decision!r}: write keep, drop or replace, or leave it empty")
        if decision.lower() in ("", "keep"):
            continue
        if split is None:
            raise DataError(
                f"{path} row {n}: the dataset holds no pair {q!r}, {a!r}: was the review written for another dataset?"
            )
        grade = qrels[split][q].pop(a)
        if decision.lower() == "replace":
            if correct not in dataset.corpus:
                raise DataError(f"{path} row {n}: correct_article {correct!r} is not in the corpus: write an article's id")
            qrels[split][q][correct] = grade
    return replace(dataset, qrels=qrels).restrict()
