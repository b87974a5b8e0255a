"""support_desk, the written help centre of the course, read from the files that come with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tutorial_lib.data.dataset import DataError, Qrels, Query, RetrievalDataset
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.data.ticket_log import MAX_TICKETS
from tutorial_lib.files import course_folder, plain

SUPPORT_DESK_FILES = course_folder("support_desk")
"""Folder of articles, tickets, search log and judged queries; see ``data/README.md``."""

SUPPORT_DESK_ANSWERS = SUPPORT_DESK_FILES / "answers.jsonl"
"""What an answer to each golden query must contain, for ``tutorial_lib.rag.read_facts``."""


def support_desk(*, clicks: ClickSettings | None = None, max_tickets: int = MAX_TICKETS) -> RetrievalDataset:
    """Read the written help centre with its ticket log, search log and golden queries; see ``data/README.md``.

    Args:
        clicks: When a click on an article counts.
        max_tickets: Most different tickets kept, the newest.

    Returns:
        The dataset as logged, not cleaned: train is every solved ticket and clicked or failed search, test is the golden
        set, and dev a smaller set written in the same way; both are graded 2 (answers) and 1 (helps).

    Raises:
        DataError: The files of the course are not where the package expects them.
    """
    folder = SUPPORT_DESK_FILES
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: install the package from a clone with pip install --editable .")
    desk = HelpDesk(folder / "tickets.csv", folder / "articles.jsonl", folder / "search_log.jsonl")
    logged = desk.read(clicks=clicks, max_tickets=max_tickets, divide=False)
    queries, qrels = dict(logged.queries), dict(logged.qrels)
    for split, name in (("dev", "dev.jsonl"), ("test", "golden.jsonl")):
        asked, qrels[split] = read_judged(folder / name)
        queries.update(asked)
    card = {**logged.card, "licence": "MIT, as this repository"}
    return replace(logged, queries=dict(sorted(queries.items())), qrels=qrels, card=card)


def read_judged(path: Path) -> tuple[dict[str, Query], Qrels]:
    """Return the queries of ``golden.jsonl``, ``dev.jsonl`` or a file like them, and their grades: 2 answers, 1 helps."""
    rows = [json.loads(line) for line in plain(path).read_text(encoding="utf-8").splitlines()]
    queries = {row["query_id"]: Query(row["query_id"], row["query"], {"source": path.stem}) for row in rows}
    return queries, {row["query_id"]: row["grades"] for row in rows}
