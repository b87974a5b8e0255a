"""Solved tickets as queries, each with the article that solved it."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from tqdm.auto import tqdm

from tutorial_lib.data.articles import Articles, read_articles
from tutorial_lib.data.cells import Repeated, cell_text
from tutorial_lib.data.columns import Columns, ExportFormat
from tutorial_lib.data.dataset import DataError, Document, Qrels, Query, RetrievalDataset
from tutorial_lib.data.splits import SplitSettings, split_by_time
from tutorial_lib.data.table import NO_DATE, Table, open_table
from tutorial_lib.text import has_words, normal_form

MAX_TICKETS = 200_000


class _Ticket(NamedTuple):
    """One solved ticket; the order of tickets is that of time."""

    when: datetime
    ticket_id: str
    text: str
    answers: tuple[str, ...]
    reopened: bool


@dataclass
class _Log:
    """A ticket log while it is read: its file, what it may name, and what became of its rows."""

    table: Table
    corpus: Mapping[str, Document]
    notes: tuple[str, ...]
    repeats: dict[bytes, list[_Ticket]] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


def from_ticket_log(
    tickets: str | Path,
    articles: str | Path,
    columns: Columns | None = None,
    *,
    corpus: dict[str, Document] | None = None,
    split: SplitSettings | None = None,
    max_tickets: int = MAX_TICKETS,
    divide: bool = True,
) -> RetrievalDataset:
    """Return solved tickets as queries, each with the article that solved it, divided by time.

    The oldest 70 % of the tickets are train, the next 10 % dev, the newest 20 % test, or as the dates of ``split`` say: a
    model is always judged on what came after it. Tickets are read one at a time; of exact repeats the newest is held, and
    only the newest ``max_tickets`` different ones, so memory stays bounded.

    Args:
        tickets: Export of the tickets: CSV, TSV, JSONL or Parquet.
        articles: Export of the help centre, in any of these.
        columns: Which column holds what.
        corpus: The articles, where ``articles`` has been read already.
        split: Dates on which dev and test start.
        max_tickets: Most different tickets kept; twice as many are held while reading.
        divide: Without it all is train, for a log whose dev and test come from elsewhere.

    Returns:
        The dataset as it stands in the log, not cleaned. ``card["read"]`` counts the rows by what became of them; a
        query's metadata holds ``source`` ("ticket"), ``created_at`` and, if it stands for exact repeats, their ids under
        ``repeats``; an article's ``new_in_test`` says that it was published only when test had begun.

    Raises:
        DataError: A file, a column or a date cannot be used, or no ticket names a known article.
        ValueError: ``max_tickets`` is below 1.
    """
    if max_tickets < 1:
        raise ValueError(f"max_tickets is {max_tickets}: pass how many tickets to keep, at least 1")
    columns = columns or Columns()
    read = read_articles(articles, columns) if corpus is None else Articles(corpus, ())
    log = _Log(open_table(tickets, "tickets", columns), *read)
    kept = _newest_of(log, max_tickets)
    if not kept:
        raise _nothing_solved(log, articles)
    dataset = _dataset_of(log, kept, Path(articles).name)
    return split_by_time(dataset, split) if divide else dataset


def _newest_of(log: _Log, most: int) -> list[_Ticket]:
    """Read the log and return its newest solved tickets, of exact repeats the newest, oldest first."""
    held: dict[bytes, _Ticket] = {}
    too_many, solved = False, 0
    for ticket in _solved(log):
        digest = _digest(ticket)
        if digest in held:
            log.repeats.setdefault(digest, [held[digest]]).append(ticket)
        held[digest] = max(ticket, held.get(digest, ticket))
        solved += 1
        if len(held) > 2 * most:  # what is dropped here is older than ``most`` others: it cannot come back
            held, too_many = _newest(held, most), True
    too_many = too_many or len(held) > most
    log.count["rows"] += log.count["broken row"]
    kept = sorted(_newest(held, most).values())
    if kept:
        log.count["exact repeat" + (f", or older than the newest {most:,}" if too_many else "")] = solved - len(kept)
        log.count["kept"] = len(kept)
    if too_many and kept:  # older repeats may have passed before their newest one: which, hangs on the order of the rows
        log.repeats = {d: [t for t in same if t >= kept[0]] for d, same in log.repeats.items()}
    return kept


def _digest(ticket: _Ticket) -> bytes:
    """Return what exact repeats have in common."""
    return blake2b("\0".join([normal_form(ticket.text), *ticket.answers]).encode(), digest_size=16).digest()


def _newest(held: dict[bytes, _Ticket], count: int) -> dict[bytes, _Ticket]:
    """Return the ``count`` newest tickets of ``held``."""
    return dict(heapq.nlargest(count, held.items(), key=lambda item: item[1]))


def _solved(log: _Log) -> Iterator[_Ticket]:
    """Yield the tickets that were solved with a known article, one at a time, and count the other rows."""
    for line, row in tqdm(log.table.rows(log.count), desc="read tickets", unit=" rows", mininterval=1, delay=3):
        log.count["rows"] += 1
        ticket = _ticket(log, line, row)
        if ticket:
            yield ticket


def _ticket(log: _Log, line: int, row: Mapping[str, Any]) -> _Ticket | None:
    """Return the ticket of one row; None, and the reason counted, if it gives no pair."""
    table, wanted = log.table, log.table.wanted
    text = "\n".join(filter(None, (cell_text(row.get(wanted[role] or "")) for role in ("subject", "message"))))
    named = _article_ids(row.get(wanted["resolved_by"] or ""), table.options)
    answers = tuple(a for a in named if a in log.corpus)
    if not has_words(text):
        log.count["empty message"] += 1
    elif not named:
        log.count["not solved with an article"] += 1
    elif not answers:
        log.count["article not in the help centre"] += 1
        log.unknown.update(named)
    elif when := table.time(line, row):
        id_ = cell_text(row.get(wanted["ticket_id"] or "")) or f"line {line}"
        return _Ticket(when, id_, text, answers, table.flag(line, row, "reopened"))
    else:
        log.count[NO_DATE] += 1
    return None


def _article_ids(value: Any, options: ExportFormat) -> list[str]:
    """Return the article ids of one cell: a list, or ids or links between separators."""
    cells = value if isinstance(value, list) else [value]
    # Of repeated columns, unlike of a list, each cell may hold several ids itself.
    split = isinstance(value, Repeated) or cells is not value
    parts = [part for cell in cells for part in (cell_text(cell).split(options.separator) if split else [cell])]
    found = []
    for part in map(cell_text, parts):
        match = re.search(options.article_pattern, part) if options.article_pattern else None
        found.append((match[1] if match.groups() else match[0]) if match else part)
    return list(dict.fromkeys(filter(None, found)))


def _nothing_solved(log: _Log, articles: str | Path) -> DataError:
    """Return the error that shows both sides of a log that names no known article."""
    why = ", ".join(f"{n:,} {reason}" for reason, n in log.count.most_common() if reason != "rows")
    seen = f"; named there: {', '.join(a for a, _ in log.unknown.most_common(3))}" if log.unknown else ""
    return DataError(
        f"{log.table.path}: none of {log.count['rows']} tickets ({why}) names an article of {articles} (ids such as "
        f"{', '.join(list(log.corpus)[:3])}){seen}: check resolved_by under [tickets], or set article_pattern "
        "under [format] to take the id out of a link"
    )


def _dataset_of(log: _Log, tickets: list[_Ticket], articles: str) -> RetrievalDataset:
    """Return the dataset of ``tickets``, all in train; ``articles`` is the name of the articles' file."""
    queries: dict[str, Query] = {}
    judged: Qrels = {}
    for t in tickets:
        id_ = f"ticket/{t.ticket_id}"
        id_ = id_ if id_ not in queries else f"{id_}#{len(queries)}"
        metadata = {"source": "ticket", "ticket_id": t.ticket_id, "created_at": t.when.isoformat(), "reopened": t.reopened}
        repeats = sorted({same.ticket_id for same in log.repeats.get(_digest(t), ())} - {t.ticket_id})
        metadata.update({"repeats": repeats} if repeats else {})
        queries[id_] = Query(id_, t.text, metadata)
        judged[id_] = dict.fromkeys(t.answers, 1)
    card = {
        "source": f"{log.table.path.name} (tickets) and {articles} (articles)",
        "read": dict(log.count),
        "unknown_articles": dict(log.unknown.most_common(50)),
    }
    return RetrievalDataset(
        log.table.path.parent.name or log.table.path.stem,
        dict(log.corpus),
        dict(sorted(queries.items())),
        {"train": judged, "dev": {}, "test": {}},
        card,
        notes=_read_notes(log),
    )


def _read_notes(log: _Log) -> tuple[str, ...]:
    count, unknown = log.count, log.unknown
    dropped = [f"{n:,} {reason}" for reason, n in count.most_common() if reason not in ("rows", "kept") and n]
    left_out = f"; left out: {', '.join(dropped)}" if dropped else ""
    notes = [*log.notes, *log.table.notes, f"{log.table.path.name}: {count['rows']:,} rows, {count['kept']:,} kept{left_out}"]
    if unknown:
        shown = ", ".join(f"{a} ({n})" for a, n in unknown.most_common(5)) + (", …" if len(unknown) > 5 else "")
        notes.append(f"articles named by tickets but not in the help centre: {shown}")
    return tuple(notes)
