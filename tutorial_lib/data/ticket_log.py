"""Solved tickets as queries, each with the article that solved it."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

from tqdm.auto import tqdm

from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import Columns, ExportFormat
from tutorial_lib.data.dataset import DataError, Qrels, Query, RetrievalDataset
from tutorial_lib.data.rows import cell_text, checked_rows, read_rows
from tutorial_lib.data.search_log import _true
from tutorial_lib.data.splits import split_by_time
from tutorial_lib.data.times import located_time
from tutorial_lib.text import has_words, normal_form

_Ticket: TypeAlias = tuple[datetime, str, str, tuple[str, ...], bool]
"""When, id, text, answers, reopened."""


def from_ticket_log(
    tickets: str | Path,
    articles: str | Path,
    columns: Columns | None = None,
    *,
    dev_from: str | None = None,
    test_from: str | None = None,
    max_tickets: int = 200_000,
    divide: bool = True,
) -> RetrievalDataset:
    """Return solved tickets as queries, each with the article that solved it, divided by time.

    The oldest 70 % of the tickets are train, the next 10 % dev, the newest 20 % test, or as ``dev_from`` and
    ``test_from`` say: a model is always judged on what came after it. Tickets are read one at a time; of exact repeats the
    newest is held, and only the newest ``max_tickets`` different ones, so memory stays bounded.

    Args:
        tickets: Export of the tickets: CSV, TSV, JSONL or Parquet.
        articles: Export of the help centre, in any of these.
        columns: Which column holds what.
        dev_from: Date on which dev starts, e.g. "2026-03-01".
        test_from: Date on which test starts.
        max_tickets: Most different tickets kept; twice as many are held while reading.
        divide: Without it all is train, for a log whose dev and test come from elsewhere.

    Returns:
        The dataset as it stands in the log, not cleaned. ``card["read"]`` counts the rows by what became of them; a
        query's metadata holds ``source`` ("ticket") and ``created_at``; an article's ``new_in_test`` says that it was
        published only when test had begun.

    Raises:
        DataError: A file, a column or a date cannot be used, or no ticket names a known article.
    """
    columns = columns or Columns()
    path, names = Path(tickets), columns.tickets
    corpus = read_articles(articles, columns)
    count: Counter = Counter()
    unknown: Counter = Counter()
    newest: dict[bytes, _Ticket] = {}
    too_many, solved = False, 0
    wanted = {f.name: getattr(names, f.name) for f in fields(names)}
    rows = checked_rows(path, read_rows(path, columns.format, count), wanted, "tickets")
    for line, row in tqdm(rows, desc="read tickets", unit=" rows", mininterval=1, delay=3):
        count["rows"] += 1
        text = "\n".join(filter(None, (cell_text(row.get(c)) for c in (names.subject, names.message) if c)))
        named = _article_ids(row.get(names.resolved_by), columns.format)
        answers = tuple(a for a in named if a in corpus)
        if not has_words(text):
            count["empty message"] += 1
        elif not named:
            count["not solved with an article"] += 1
        elif not answers:
            count["article not in the help centre"] += 1
            unknown.update(named)
        else:
            when = datetime.fromisoformat(located_time(path, line, row.get(names.created_at), columns.format))
            reopened = _true(row.get(names.reopened or ""))
            id_ = cell_text(row.get(names.ticket_id)) or f"line {line}"
            ticket = (when, id_, text, answers, reopened)
            digest = blake2b("\0".join([normal_form(text), *answers]).encode(), digest_size=16).digest()
            newest[digest] = max(ticket, newest.get(digest, ticket))
            solved += 1
            if len(newest) > 2 * max_tickets:  # what is dropped here is older than max_tickets others: it cannot come back
                newest = _newest(newest, max_tickets)
                too_many = True
    count["rows"] += count["broken row"]
    too_many = too_many or len(newest) > max_tickets
    if not newest:
        why = ", ".join(f"{n:,} {reason}" for reason, n in count.most_common() if reason != "rows")
        seen = f"; named there: {', '.join(a for a, _ in unknown.most_common(3))}" if unknown else ""
        raise DataError(
            f"{path}: none of {count['rows']} tickets ({why}) names an article of {articles} (ids such as "
            f"{', '.join(list(corpus)[:3])}){seen}: check resolved_by under [tickets], or set article_pattern "
            "under [format] to take the id out of a link"
        )
    tickets_kept = sorted(_newest(newest, max_tickets).values())
    count["exact repeat" + (f", or older than the newest {max_tickets:,}" if too_many else "")] = solved - len(tickets_kept)
    count["kept"] = len(tickets_kept)
    queries: dict[str, Query] = {}
    judged: Qrels = {}
    for when, id_, text, answers, reopened in tickets_kept:
        query_id = f"ticket/{id_}" if f"ticket/{id_}" not in queries else f"ticket/{id_}#{len(queries)}"
        queries[query_id] = Query(
            query_id, text, {"source": "ticket", "ticket_id": id_, "created_at": when.isoformat(), "reopened": reopened}
        )
        judged[query_id] = dict.fromkeys(answers, 1)
    card = {
        "source": f"{path.name} (tickets) and {Path(articles).name} (articles)",
        "read": dict(count),
        "unknown_articles": dict(unknown.most_common(50)),
        "notes": _read_notes(count, unknown, path.name),
    }
    dataset = RetrievalDataset(
        path.parent.name or path.stem, corpus, dict(sorted(queries.items())), {"train": judged, "dev": {}, "test": {}}, card
    )
    return split_by_time(dataset, dev_from=dev_from, test_from=test_from) if divide else dataset


def _newest(held: dict[bytes, _Ticket], count: int) -> dict[bytes, _Ticket]:
    """Return the ``count`` newest tickets of ``held``."""
    return dict(heapq.nlargest(count, held.items(), key=lambda item: item[1]))


def _article_ids(value: Any, options: ExportFormat) -> list[str]:
    """Return the article ids of one cell: a list, or ids or links between separators."""
    parts = value if isinstance(value, list) else cell_text(value).split(options.separator)
    found = []
    for part in map(cell_text, parts):
        match = re.search(options.article_pattern, part) if options.article_pattern else None
        found.append((match[1] if match.groups() else match[0]) if match else part)
    return list(dict.fromkeys(filter(None, found)))


def _read_notes(count: Counter, unknown: Counter, name: str) -> list[str]:
    dropped = [f"{n:,} {reason}" for reason, n in count.most_common() if reason not in ("rows", "kept") and n]
    left_out = f"; left out: {', '.join(dropped)}" if dropped else ""
    notes = [f"{name}: {count['rows']:,} rows, {count['kept']:,} kept{left_out}"]
    if unknown:
        notes.append(
            "articles named by tickets but not in the help centre: "
            + ", ".join(f"{a} ({n})" for a, n in unknown.most_common(5))
            + (", …" if len(unknown) > 5 else "")
        )
    return notes
