"""A list of suspicious pairs for people to review, and the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from tutorial_lib.data.dataset import SPLITS, DataError, Qrels, RetrievalDataset
from tutorial_lib.files import write_text

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
FILLED_IN = ("query_id", "article_id", "decision", "correct_article")
"""The columns that a review needs."""


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
    qrels: dict[str, Qrels] = {s: {q: dict(g) for q, g in dataset.qrels[s].items()} for s in SPLITS}
    for n, row in enumerate(_reviewed(path).itertuples(index=False), 2):
        q, a, decision, correct = (str(getattr(row, c)).strip() for c in FILLED_IN)
        if decision.lower() not in DECISIONS:
            raise DataError(f"{path} row {n}: decision {decision!r}: write keep, drop or replace, or leave it empty")
        if decision.lower() in ("", "keep"):
            continue
        grades = next((qrels[s][q] for s in SPLITS if a in qrels[s].get(q, {})), None)
        if grades is None:
            raise DataError(
                f"{path} row {n}: the dataset holds no pair {q!r}, {a!r}: was the review written for another dataset?"
            )
        grade = grades.pop(a)
        if decision.lower() == "replace":
            if correct not in dataset.corpus:
                raise DataError(f"{path} row {n}: correct_article {correct!r} is not in the corpus: write an article's id")
            grades[correct] = grade
    return replace(dataset, qrels=qrels).restrict()


def _reviewed(path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8: save it from the spreadsheet as 'CSV UTF-8'") from None
    missing = [c for c in FILLED_IN if c not in rows]
    if missing:
        raise DataError(
            f"{path}: no column {missing[0]!r}; the file has {', '.join(map(str, rows))}: keep the columns that "
            "write_review wrote"
        )
    return rows
