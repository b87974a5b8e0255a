"""The files of one help desk, read as one dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import SPLITS, DataError, Qrels, Query, RetrievalDataset
from tutorial_lib.data.search_log import ClickSettings, from_search_log
from tutorial_lib.data.splits import SplitSettings
from tutorial_lib.data.ticket_log import MAX_TICKETS, from_ticket_log


@dataclass(frozen=True)
class HelpDesk:
    """The files of one help desk: tickets and articles, if there is one a search log, and the mapping of their columns."""

    tickets: Path
    articles: Path
    searches: Path | None = None
    columns: Columns = field(default_factory=Columns)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that there are: tickets, articles, searches."""
        return tuple(p for p in (self.tickets, self.articles, self.searches) if p)

    def read(
        self,
        *,
        split: SplitSettings | None = None,
        clicks: ClickSettings | None = None,
        max_tickets: int = MAX_TICKETS,
        divide: bool = True,
    ) -> RetrievalDataset:
        """Return tickets and searches as one dataset, not cleaned.

        Args:
            split: Dates on which dev and test start; without them the newest 20 % of the tickets are test, the 10 % before
                these dev. Both logs are divided on the same days.
            clicks: When a click on an article counts.
            max_tickets: Most different tickets kept, the newest.
            divide: Without it all is train.

        Raises:
            DataError: A file, a column or a value cannot be used.
        """
        articles = read_articles(self.articles, self.columns)
        read: dict[str, Any] = {
            "articles": self.articles,
            "columns": self.columns,
            "corpus": articles.corpus,
            "divide": divide,
        }
        tickets = from_ticket_log(self.tickets, **read, split=split, max_tickets=max_tickets)
        tickets = replace(tickets, notes=(*articles.notes, *tickets.notes))
        if self.searches is None:
            return tickets
        starts = tickets.card["starts"] if divide else {"dev": None, "test": None}
        same_days = SplitSettings(starts["dev"], starts["test"])
        searches = from_search_log(self.searches, **read, clicks=clicks, solved=solved_tickets(tickets), split=same_days)
        return combine(tickets, searches)

    def record(self) -> dict[str, Any]:
        """Return paths and mapping as plain JSON values."""
        return {
            "tickets": str(self.tickets),
            "articles": str(self.articles),
            "searches": str(self.searches) if self.searches else None,
            "columns": self.columns.record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> HelpDesk:
        """Return the help desk that ``record`` describes."""
        searches = Path(record["searches"]) if record["searches"] else None
        return cls(Path(record["tickets"]), Path(record["articles"]), searches, Columns.from_record(record["columns"]))


def solved_tickets(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Return for each ticket id of ``from_ticket_log``'s dataset, those of exact repeats too, the articles that solved it."""
    solved: dict[str, list[str]] = {}
    for judged in dataset.qrels.values():
        for q, grades in judged.items():
            metadata = dataset.queries[q].metadata
            if metadata.get("source") == "ticket":
                solved.update({id_: list(grades) for id_ in (metadata["ticket_id"], *metadata.get("repeats", ()))})
    return solved


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
    card = {
        **first.card,
        "source": "; ".join(str(d.card.get("source", d.name)) for d in datasets),
        "read": [d.card.get("read", {}) for d in datasets],
    }
    return replace(
        first,
        queries=dict(sorted(queries.items())),
        qrels={s: dict(sorted(q.items())) for s, q in qrels.items()},
        card=card,
        notes=tuple(note for d in datasets for note in d.notes),
    )
