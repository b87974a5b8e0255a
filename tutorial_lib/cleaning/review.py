"""A list of suspicious pairs for people to review, and the way back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tutorial_lib.cleaning.tables import restored, write_table
from tutorial_lib.data.dataset import SPLITS, DataError, Qrels, RetrievalDataset
from tutorial_lib.data.paths import is_there

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

    No cell is a formula to a spreadsheet (``tables.defused``).

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
    write_table(path, rows[REVIEW_COLUMNS])
    return path


def read_review(path: str | Path, dataset: RetrievalDataset) -> RetrievalDataset:
    """Return the dataset with the decisions of a reviewed CSV applied to its judgments; an empty decision means keep.

    Raises:
        DataError: A column is missing, a decision or an article is unknown, or a row names a pair that is not there;
            names the row. Nothing is applied then.
    """
    path = Path(path)
    qrels: dict[str, Qrels] = {s: {q: dict(g) for q, g in dataset.qrels[s].items()} for s in SPLITS}
    for n, row in _reviewed(path):
        q, a, decision, correct = (row.get(c, "").strip() for c in FILLED_IN)
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


def _reviewed(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the place of each row (the header is row 1) and its cells by column, as they were before ``defused``."""
    if not is_there(path):
        raise DataError(f"{path}: No such file or directory: pass the file that write_review wrote")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8: save it from the spreadsheet as 'CSV UTF-8'") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: pass the file that write_review wrote") from None
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","  # as spreadsheets save it in half of Europe
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        _check_header(path, header)
        for n, cells in enumerate(rows, 2):
            if any(cell.strip() for cell in cells):
                yield n, _row(f"{path} row {n}", header, cells)
    except csv.Error as error:
        raise DataError(
            f"{path} line {rows.line_num}: {error}: a quote is missing or not doubled: save it from a spreadsheet as CSV"
        ) from None


def _check_header(path: Path, header: list[str]) -> None:
    missing = [c for c in FILLED_IN if c not in header]
    twice = [c for c in FILLED_IN if header.count(c) > 1]
    if missing or twice:
        what = f"no column {missing[0]!r}" if missing else f"two columns {twice[0]!r}"
        raise DataError(
            f"{path}: {what}; the file has {', '.join(header) or 'no header'}: keep the columns that write_review wrote"
        )


def _row(where: str, header: list[str], cells: list[str]) -> dict[str, str]:
    """Return the cells by column; a cell beyond the header belongs to none, and nobody knows which the others are."""
    if any(cell.strip() for cell in cells[len(header) :]):
        raise DataError(
            f"{where}: {len(cells)} cells under {len(header)} columns, the last {cells[-1]!r}: "
            "give remarks a column with a name"
        )
    return dict(zip(header, map(restored, cells), strict=False))
