"""The files of one help desk, read as one dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import SPLITS, DataError, Qrels, Query, RetrievalDataset
from tutorial_lib.data.search_log import from_search_log
from tutorial_lib.data.ticket_log import from_ticket_log


@dataclass(frozen=True)
class Export:
    """The files of one help desk: tickets and articles, if there is one a search log, and the mapping of their columns."""

    tickets: Path
    articles: Path
    searches: Path | None = None
    columns: Columns = field(default_factory=Columns)

    def read(self, *, dev_from: str | None = None, test_from: str | None = None, divide: bool = True) -> RetrievalDataset:
        """Return tickets and searches as one dataset, divided by time (or all train, without ``divide``), not cleaned.

        Raises:
            DataError: A file, a column or a value cannot be used.
        """
        tickets = from_ticket_log(
            self.tickets, self.articles, self.columns, dev_from=dev_from, test_from=test_from, divide=divide
        )
        if self.searches is None:
            return tickets
        if divide and dev_from is None:  # both logs are divided on the same days
            starts = tickets.card["starts"]
            dev_from, test_from = starts["dev"], starts["test"]
        return combine(
            tickets,
            from_search_log(
                self.searches,
                self.articles,
                self.columns,
                solved=solved_tickets(tickets),
                dev_from=dev_from,
                test_from=test_from,
                divide=divide,
            ),
        )

    def record(self) -> dict[str, Any]:
        """Return paths and mapping as plain JSON values."""
        return {
            "tickets": str(self.tickets),
            "articles": str(self.articles),
            "searches": str(self.searches) if self.searches else None,
            "columns": self.columns.record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Export:
        """Return the export that ``record`` describes."""
        searches = Path(record["searches"]) if record["searches"] else None
        return cls(Path(record["tickets"]), Path(record["articles"]), searches, Columns.from_record(record["columns"]))


def solved_tickets(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Return for each ticket id of ``from_ticket_log``'s dataset the articles that solved it."""
    return {
        dataset.queries[q].metadata["ticket_id"]: list(grades)
        for judged in dataset.qrels.values()
        for q, grades in judged.items()
        if dataset.queries[q].metadata.get("source") == "ticket"
    }


def combine(*datasets: RetrievalDataset) -> RetrievalDataset:
    """Return one dataset of several that share a corpus, e.g. tickets and searches; query ids must differ.

    Raises:
        DataError: The corpora differ, or a query id stands in two of them.
    """
    first = datasets[0]
    qrels: dict[str, Qrels] = {s: {} for s in SPLITS}
    queries: dict[str, Query] = {}
    for dataset in datasets:
        if list(dataset.corpus) != list(first.corpus):
            raise DataError(f"{len(first.corpus)} and {len(dataset.corpus)} articles: combine datasets of one corpus")
        shared = queries.keys() & dataset.queries.keys()
        if shared:
            raise DataError(f"query id {min(shared)!r} stands in two of the datasets")
        queries.update(dataset.queries)
        for s in SPLITS:
            qrels[s].update(dataset.qrels[s])
    notes = [note for d in datasets for note in d.card.get("notes", [])]
    card = {
        **first.card,
        "source": "; ".join(str(d.card.get("source", d.name)) for d in datasets),
        "notes": notes,
        "read": [d.card.get("read", {}) for d in datasets],
    }
    return replace(
        first, queries=dict(sorted(queries.items())), qrels={s: dict(sorted(q.items())) for s, q in qrels.items()}, card=card
    )
