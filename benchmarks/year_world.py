"""The second year of support_desk month by month: what is known at the end of a month, and what is asked in the next.

Months are counted as its datasheet does: 19 is July 2026, 30 is June 2027.
"""

from __future__ import annotations

import calendar
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tutorial_lib.cleaning.report import clean
from tutorial_lib.data.copies import query_copies
from tutorial_lib.data.dataset import Document, Qrels, Query, RetrievalDataset
from tutorial_lib.data.splits import find_leaks
from tutorial_lib.data.support_desk_files import read_judged
from tutorial_lib.data.support_desk_year2 import (
    SUPPORT_DESK_YEAR2_FILES,
    articles_on,
    first_year_regraded,
    support_desk_year2,
)
from tutorial_lib.monitoring.log_files import STEPS, LogFiles

FIRST, LAST = 19, 30
MONTHS = range(FIRST, LAST + 1)
CHANGES = {"new": "added in the year", "changed": "changed in the year", "same": "as in the first year"}
"""What became of the article that answers a query."""


def last_day(month: int) -> date:
    """Return the last day of a month.

    >>> last_day(19), last_day(30)
    (datetime.date(2026, 7, 31), datetime.date(2027, 6, 30))
    """
    year, of_year = 2026 + (month - 13) // 12, (month - 13) % 12 + 1
    return date(year, of_year, calendar.monthrange(year, of_year)[1])


def month_of(when: str) -> int:
    """Return the month of a time in ISO 8601.

    >>> month_of("2027-01-31T23:59:59+00:00")
    25
    """
    return (int(when[:4]) - 2025) * 12 + int(when[5:7])


def known_at_the_end_of(month: int, folder: Path) -> LogFiles:
    """Write into ``folder`` the tickets and searches of the year until the end of a month, and the articles of that day."""
    end, source = last_day(month).isoformat(), SUPPORT_DESK_YEAR2_FILES
    folder.mkdir(parents=True, exist_ok=True)
    with (source / "tickets.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, names = [row for row in reader if row["created_at"][:10] <= end], list(reader.fieldnames or ())
    with (folder / "tickets.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows(rows)
    searches = (source / "search_log.jsonl").read_text(encoding="utf-8").splitlines()
    _lines(folder / "search_log.jsonl", [s for s in map(json.loads, searches) if s["created_at"][:10] <= end])
    articles = articles_on(last_day(month)).values()
    _lines(
        folder / "articles.jsonl",
        [{"article_id": a.document_id, "title": a.title, "body": a.text, **a.metadata} for a in articles],
    )
    return LogFiles(*(folder / name for name in ("search_log.jsonl", "tickets.csv", "articles.jsonl")))


def _lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@dataclass(frozen=True)
class Part:
    """Queries that are asked of one state of the help centre.

    Attributes:
        corpus: Article id -> text.
        queries: Query id -> text.
        qrels: Their judgments.
    """

    corpus: dict[str, str]
    queries: dict[str, str]
    qrels: Qrels


def exams() -> dict[str, Part]:
    """Return the first year's golden set as it is graded now, and that of the new world, over the articles of June 2027."""
    documents = _standing(articles_on(last_day(LAST)))
    sets = {"old": first_year_regraded("golden"), "new": read_judged(SUPPORT_DESK_YEAR2_FILES / "golden.jsonl")}
    return {name: _part(documents, *judged) for name, judged in sets.items()}


def months(first_year: RetrievalDataset) -> dict[str, Part]:
    """Return what is asked in each month, over the articles of its last day.

    Tickets are judged by what truly answers them (``planted.jsonl``), searches by their clicks and the tickets that followed.
    Left out is what copies a query of the first year, or one of an earlier month: a model may have been trained on it.

    Args:
        first_year: The dataset that the first model was trained on.
    """
    raw = support_desk_year2()
    log = RetrievalDataset(raw.name, raw.corpus, raw.queries, {"train": raw.qrels["train"], "dev": {}, "test": {}}).restrict()
    cleaned = clean(log, STEPS).dataset
    planted = map(json.loads, (SUPPORT_DESK_YEAR2_FILES / "planted.jsonl").read_text(encoding="utf-8").splitlines())
    true = {f"ticket/{row['ticket_id']}": dict.fromkeys(row["answers"], 1) for row in planted}
    judged = {q: true.get(q, log.qrels["train"][q]) for q in cleaned.qrels["train"]}
    unseen = _unseen(cleaned, first_year)
    parts = {}
    for month in MONTHS:
        asked = {q: cleaned.queries[q] for q in unseen if month_of(cleaned.queries[q].metadata["created_at"]) == month}
        documents = articles_on(last_day(month))
        successors = {a: str(d.metadata["superseded_by"]) for a, d in documents.items() if d.metadata.get("superseded_by")}
        of_month = {q: {successors.get(a, a): g for a, g in judged[q].items()} for q in asked}
        parts[str(month)] = _part(_standing(documents), asked, of_month)
    return parts


def _standing(documents: Mapping[str, Document]) -> dict[str, Document]:
    return {a: d for a, d in documents.items() if not d.metadata.get("superseded_by")}


def _part(documents: Mapping[str, Document], queries: Mapping[str, Query], judged: Qrels) -> Part:
    qrels = {q: {a: g for a, g in judged[q].items() if a in documents} for q in sorted(queries)}
    kept = {q: grades for q, grades in qrels.items() if any(grades.values())}
    return Part({a: d.full_text for a, d in documents.items()}, {q: queries[q].text for q in kept}, kept)


def _unseen(cleaned: RetrievalDataset, first_year: RetrievalDataset) -> list[str]:
    """Return the queries of the year that copy none before them."""
    before = {f"first/{q}": query for q, query in first_year.queries.items()}
    judged = {f"first/{q}": g for split in first_year.qrels.values() for q, g in split.items()}
    corpus = {**first_year.corpus, **cleaned.corpus}
    both = RetrievalDataset(
        "both", corpus, {**before, **cleaned.queries}, {"train": judged, "dev": {}, "test": cleaned.qrels["train"]}
    )
    copies = query_copies(both)
    seen = {held for _, held, _ in find_leaks(both, copies)}
    for group in copies.groups(set(cleaned.qrels["train"])):
        seen |= set(sorted(group, key=lambda q: (cleaned.queries[q].metadata["created_at"], q))[1:])
    return sorted(set(cleaned.qrels["train"]) - seen)


def changes_of(part: Part) -> dict[str, str]:
    """Return for each query of a part what became of its best article: a key of ``CHANGES``."""
    before = {a: d.full_text for a, d in articles_on(date(2026, 6, 30)).items()}
    found = {}
    for q, grades in part.qrels.items():
        best = min(grades, key=lambda a: (-grades[a], a))
        found[q] = "new" if best not in before else "same" if before[best] == part.corpus[best] else "changed"
    return found
