"""support_desk a year later: a help centre that moved on, the year's tickets and searches, and an exam of the new world."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.dataset import DataError, Document, Qrels, Query, RetrievalDataset
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_FILES, read_judged
from tutorial_lib.data.ticket_log import MAX_TICKETS
from tutorial_lib.files import course_folder, plain

SUPPORT_DESK_YEAR2_FILES = course_folder("support_desk_year2")
"""Folder of the second year, July 2026 to June 2027; see ``data/README.md``."""

SUPPORT_DESK_YEAR2_ANSWERS = SUPPORT_DESK_YEAR2_FILES / "answers.jsonl"
"""What an answer to each golden query of the second year must contain, for ``tutorial_lib.rag.read_facts``."""


def support_desk_year2(*, clicks: ClickSettings | None = None, max_tickets: int = MAX_TICKETS) -> RetrievalDataset:
    """Read the second year of the written help centre; see ``data/README.md``.

    Args:
        clicks: When a click on an article counts.
        max_tickets: Most different tickets kept, the newest.

    Returns:
        The dataset as logged, not cleaned, over the articles of June 2027: train is every solved ticket and clicked or
        failed search of the year, test the golden set of the new world, dev the first year's as it is graded now.

    Raises:
        DataError: The files of the course are not where the package expects them.
    """
    folder = SUPPORT_DESK_YEAR2_FILES
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: install the package from a clone with pip install --editable .")
    desk = HelpDesk(folder / "tickets.csv", folder / "articles.jsonl", folder / "search_log.jsonl")
    logged = desk.read(clicks=clicks, max_tickets=max_tickets, divide=False)
    golden, judged = read_judged(folder / "golden.jsonl")
    dev, judged_dev = first_year_regraded("dev")
    queries = dict(sorted({**logged.queries, **dev, **golden}.items()))
    card = {**logged.card, "licence": "MIT, as this repository"}
    return replace(logged, queries=queries, qrels={**logged.qrels, "dev": judged_dev, "test": judged}, card=card)


def first_year_regraded(name: str = "golden") -> tuple[dict[str, Query], Qrels]:
    """Return the first year's "golden" or "dev" queries with their grades as of June 2027 (``regrades.jsonl``).

    Raises:
        DataError: A regrade does not fit the grade that the first year gave.
    """
    queries, judged = read_judged(SUPPORT_DESK_FILES / f"{name}.jsonl")
    for row in regrades():
        query, article, before, after = (row[k] for k in ("query_id", "article_id", "old_grade", "new_grade"))
        if query not in judged:
            continue
        if judged[query].get(article, 0) != before:
            raise DataError(f"regrades.jsonl: {article} of {query} was graded {judged[query].get(article, 0)}, not {before}")
        judged[query] = {a: g for a, g in {**judged[query], article: after}.items() if g}
    return queries, judged


def regrades() -> list[dict[str, Any]]:
    """Return the changes of the first year's grades: query_id, article_id, old_grade, new_grade (0: none), since, why."""
    lines = plain(SUPPORT_DESK_YEAR2_FILES / "regrades.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def articles_on(day: date) -> dict[str, Document]:
    """Return the help centre as it stood at the end of ``day``, by ascending article id; superseded ones are still in it.

    An article that the second year changed has its first text until the day of its change, and one that it added is there
    from the day it was created, in the wording of June 2027. Days before July 2026 give the articles created by then as
    they read at the end of the first year.

    >>> len(articles_on(date(2026, 6, 30))), len(articles_on(date(2027, 6, 30)))
    (273, 298)
    """
    first = read_articles(SUPPORT_DESK_FILES / "articles.jsonl").corpus
    last = read_articles(SUPPORT_DESK_YEAR2_FILES / "articles.jsonl").corpus
    there = {a: d for a, d in last.items() if d.metadata["created_at"][:10] <= day.isoformat()}
    return {a: first[a] if a in first and d.metadata["updated_at"] > day.isoformat() else d for a, d in there.items()}
