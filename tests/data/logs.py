"""Small ticket and search logs: ten articles named after one word each, one ticket or search a day."""

import csv
import json
from datetime import UTC, datetime, timedelta

from tutorial_lib.data.columns import Columns, SearchColumns
from tutorial_lib.data.dataset import SPLITS
from tutorial_lib.data.search_log import from_search_log
from tutorial_lib.data.ticket_log import from_ticket_log

WORDS = ("refund", "router", "password", "invoice", "coupon", "backup", "printer", "webhook", "domain", "camera")
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(n):
    """Return the n-th day of the log as exports write it."""
    return (START + timedelta(days=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


def table(file, rows):
    """Write dicts of equal keys as CSV."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def ticket(n, message=None, resolved_by=None, **changes):
    """Return ticket n: of day n, about word n (from 0), solved with that word's article."""
    word = WORDS[n % 10]
    return {
        "ticket_id": f"T{n}",
        "created_at": day(n),
        "subject": "",
        "message": message or f"question {n} on the {word}",
        "resolved_by": word if resolved_by is None else resolved_by,
        "reopened": "false",
        **changes,
    }


def read_tickets(articles, rows, **options):
    return from_ticket_log(table(articles.with_name("tickets.csv"), rows), articles, **options)


def days(dataset, split):
    return [int(q.split("T")[1]) for q in sorted(dataset.qrels[split], key=lambda q: int(q.split("T")[1]))]


COLUMNS = Columns(search=SearchColumns(clicks=None))


def click(article_id, rank=1, dwell=60):
    return {"article_id": article_id, "rank": rank, "dwell_seconds": dwell}


def search(n, query, *clicks, ticket_followed=None):
    return {
        "session_id": f"s{n}",
        "created_at": day(n),
        "query": query,
        "clicks": list(clicks),
        "ticket_followed": ticket_followed,
    }


def twice(n, query, *clicks):
    """Two visitors do the same on day n: at rank 1 just enough for a pair."""
    return [search(n, query, *clicks), {**search(n, query, *clicks), "session_id": f"z{n}"}]


def read_searches(articles, rows, **options):
    """Read rows that follow on ten pairs of plain searches, one a day from day 0, enough for three splits."""
    plain = [row for n in range(10) for row in twice(n, f"plain {WORDS[n]}", click(WORDS[n]))]
    return from_search_log(lines(articles.with_name("searches.jsonl"), [*plain, *rows]), articles, **options)


def learnt(dataset):
    """Return query text -> article ids, without the plain searches."""
    return {
        dataset.queries[q].text: sorted(grades)
        for s in SPLITS
        for q, grades in dataset.qrels[s].items()
        if not dataset.queries[q].text.startswith("plain")
    }
