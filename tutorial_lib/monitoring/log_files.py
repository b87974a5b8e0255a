"""The files that a help desk has filled since the last generation, read and cleaned as chapter 01 does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tutorial_lib.checksums import sha256_of
from tutorial_lib.cleaning.report import clean
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.cleaning.steps import remove_leaks
from tutorial_lib.cleaning.tickets import TICKET_STEPS
from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError, Document, Qrels, Query, RetrievalDataset
from tutorial_lib.data.help_desk import combine, solved_tickets
from tutorial_lib.data.paths import is_there
from tutorial_lib.data.search_log import ClickSettings, from_search_log
from tutorial_lib.data.support_desk_files import read_judged
from tutorial_lib.data.ticket_log import from_ticket_log

STEPS = tuple(step for step in TICKET_STEPS if step is not remove_leaks)
"""Leaks are taken out of all the pairs of a generation, old and new, when its dataset is made."""


@dataclass(frozen=True)
class LogFiles:
    """Where the log of a help desk is, and what else has changed.

    Attributes:
        searches: Search log, or events of the service.
        tickets: Ticket export, if there is one.
        articles: The articles as they are now; None: those of the generation before.
        golden: Judged queries, a JSON object a line (query_id, query, grades), as they are graded now: those that the exam
            has get these grades, the others are the new exam.
        columns: Which column holds what.
    """

    searches: Path | None = None
    tickets: Path | None = None
    articles: Path | None = None
    golden: Path | None = None
    columns: Columns = field(default_factory=Columns)

    def __post_init__(self) -> None:
        """Refuse no log at all, and files that are not there.

        Raises:
            DataError: Neither searches nor tickets are named, or a file is missing.
        """
        if self.searches is None and self.tickets is None:
            raise DataError("there is nothing new to learn from: pass a search log, a ticket export, or both")
        for path in self.named.values():
            if not path.is_dir() and not is_there(path):
                raise DataError(f"{path}: no such file")

    @property
    def named(self) -> dict[str, Path]:
        """The files that there are, by what they hold."""
        paths = {"searches": self.searches, "tickets": self.tickets, "articles": self.articles, "golden": self.golden}
        return {what: path for what, path in paths.items() if path}

    def record(self) -> dict[str, dict[str, str]]:
        """Return path and SHA-256 of each file; of a folder the hash of its files' names and hashes."""
        return {what: {"path": str(path), "sha256": _hash(path)} for what, path in self.named.items()}

    def corpus(self, before: Mapping[str, Document]) -> dict[str, Document]:
        """Return the articles as they are now, given those of the generation before."""
        return read_articles(self.articles, self.columns).corpus if self.articles else dict(before)

    def judged(self) -> tuple[dict[str, Query], Qrels]:
        """Return the golden queries and their grades; none if no file is named."""
        return read_judged(self.golden) if self.golden else ({}, {})

    def read(self, corpus: Mapping[str, Document], clicks: ClickSettings, since: str) -> RetrievalDataset:
        """Return what the log says about ``corpus`` since a time, all in train, not cleaned.

        Raises:
            DataError: A file cannot be used, or holds nothing that is newer.
        """
        options: dict[str, Any] = {
            "articles": self.articles or Path("the generation before"),
            "columns": self.columns,
            "corpus": dict(corpus),
            "divide": False,
        }
        parts = [from_ticket_log(self.tickets, **options)] if self.tickets else []
        if self.searches:
            solved = solved_tickets(parts[0]) if parts else {}
            parts.append(from_search_log(self.searches, **options, clicks=clicks, solved=solved))
        whole = combine(*parts)
        newer = {q for q, query in whole.queries.items() if query.metadata["created_at"] > since}
        if not newer:
            newest = max(query.metadata["created_at"] for query in whole.queries.values())
            raise DataError(f"the log ends on {newest[:10]}, and all until {since[:10]} is learnt: pass a newer log")
        return replace(whole.restrict(queries=newer), corpus=whole.corpus)

    def cleaned(
        self, corpus: Mapping[str, Document], clicks: ClickSettings, cleaning: CleaningSettings, since: str
    ) -> RetrievalDataset:
        """Return what ``read`` does, cleaned by the steps of chapter 01.

        Raises:
            DataError: A file cannot be used, it holds nothing that is newer, or cleaning leaves nothing of it.
        """
        raw = self.read(corpus, clicks, since)
        dataset = clean(raw, STEPS, cleaning).dataset
        if not dataset.qrels["train"]:
            raise DataError(f"cleaning leaves none of {len(raw.qrels['train'])} new queries: pass a longer log")
        return dataset


def _hash(path: Path) -> str:
    if not path.is_dir():
        return sha256_of(path)
    listed = [f"{p.relative_to(path).as_posix()} {sha256_of(p)}" for p in sorted(path.rglob("*")) if p.is_file()]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()
