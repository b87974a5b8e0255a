"""Logs of a help desk become pairs: solved tickets, clicked and failed searches, divided by time.

Rows are streamed; what cannot become a pair is counted with its reason. Cleaning what was read is the work of ``tickets``.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

from tqdm.auto import tqdm

from tutorial_lib.dataset import SPLITS, DataError, Qrels, Query, RetrievalDataset
from tutorial_lib.exports import (
    Columns,
    ExportFormat,
    SearchColumns,
    cell_text,
    checked_rows,
    located_time,
    parse_time,
    read_articles,
    read_rows,
)
from tutorial_lib.text import has_words, normal_form

_Ticket: TypeAlias = tuple[datetime, str, str, tuple[str, ...], bool]
"""When, id, text, answers, reopened."""


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
        tickets = from_ticket_log(self.tickets, self.articles, self.columns, dev_from=dev_from, test_from=test_from,
                                  divide=divide)
        if self.searches is None:
            return tickets
        if divide and dev_from is None:  # both logs are divided on the same days
            starts = tickets.card["starts"]
            dev_from, test_from = starts["dev"], starts["test"]
        return combine(tickets, from_search_log(self.searches, self.articles, self.columns, solved=solved_tickets(tickets),
                                                dev_from=dev_from, test_from=test_from, divide=divide))

    def record(self) -> dict[str, Any]:
        """Return paths and mapping as plain JSON values."""
        return {"tickets": str(self.tickets), "articles": str(self.articles),
                "searches": str(self.searches) if self.searches else None, "columns": self.columns.record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Export:
        """Return the export that ``record`` describes."""
        searches = Path(record["searches"]) if record["searches"] else None
        return cls(Path(record["tickets"]), Path(record["articles"]), searches, Columns.from_record(record["columns"]))


# --- tickets ------------------------------------------------------------------------------------------------------


def from_ticket_log(
    tickets: str | Path, articles: str | Path, columns: Columns | None = None, *, dev_from: str | None = None,
    test_from: str | None = None, max_tickets: int = 200_000, divide: bool = True,
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
        raise DataError(f"{path}: none of {count['rows']} tickets ({why}) names an article of {articles} (ids such as "
                        f"{', '.join(list(corpus)[:3])}){seen}: check resolved_by under [tickets], or set article_pattern "
                        "under [format] to take the id out of a link")
    tickets_kept = sorted(_newest(newest, max_tickets).values())
    count["exact repeat" + (f", or older than the newest {max_tickets:,}" if too_many else "")] = solved - len(tickets_kept)
    count["kept"] = len(tickets_kept)
    queries: dict[str, Query] = {}
    judged: Qrels = {}
    for when, id_, text, answers, reopened in tickets_kept:
        query_id = f"ticket/{id_}" if f"ticket/{id_}" not in queries else f"ticket/{id_}#{len(queries)}"
        queries[query_id] = Query(query_id, text, {"source": "ticket", "ticket_id": id_, "created_at": when.isoformat(),
                                                       "reopened": reopened})
        judged[query_id] = dict.fromkeys(answers, 1)
    card = {"source": f"{path.name} (tickets) and {Path(articles).name} (articles)", "read": dict(count),
            "unknown_articles": dict(unknown.most_common(50)), "notes": _read_notes(count, unknown, path.name)}
    dataset = RetrievalDataset(path.parent.name or path.stem, corpus, dict(sorted(queries.items())),
                               {"train": judged, "dev": {}, "test": {}}, card)
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
        notes.append("articles named by tickets but not in the help centre: "
                     + ", ".join(f"{a} ({n})" for a, n in unknown.most_common(5)) + (", …" if len(unknown) > 5 else ""))
    return notes


def split_by_time(
    dataset: RetrievalDataset, *, dev_from: str | None = None, test_from: str | None = None, allow_empty: bool = False
) -> RetrievalDataset:
    """Divide queries by ``created_at``: train before dev before test; without dates 70, 10 and 20 % of the queries.

    Raises:
        DataError: The dates leave a split empty, which ``allow_empty`` allows.
    """
    judged = {q: grades for split in dataset.qrels.values() for q, grades in split.items()}
    order = sorted(judged, key=lambda q: (dataset.queries[q].metadata["created_at"], q))
    times = [dataset.queries[q].metadata["created_at"] for q in order]
    starts = [parse_time(given).isoformat() if given else times[min(len(times) - 1, int(len(times) * share))]
              for given, share in ((dev_from, 0.7), (test_from, 0.8))]
    if test_from is None and dev_from is not None:
        starts[1] = "9999"  # everything from dev_from on is dev
    if starts[0] > starts[1]:
        raise DataError(f"{dataset.name}: dev starts on {starts[0][:10]}, after test on {starts[1][:10]}: pass an earlier "
                        "dev_from")
    ends = [("train", "", starts[0]), ("dev", starts[0], starts[1]), ("test", starts[1], "9999")]
    qrels: dict[str, Qrels] = {split: {q: judged[q] for q, t in zip(order, times, strict=True) if low <= t < high}
                               for split, low, high in ends}
    empty = [s for s in SPLITS if not qrels[s] and not (s == "test" and starts[1] == "9999")]
    if empty and not allow_empty:
        raise DataError(f"{dataset.name}: no query falls into {empty[0]} (dev from {starts[0][:10]}, test from "
                        f"{starts[1][:10]}; {len(order)} queries from {times[0][:10]} to {times[-1][:10]}): pass other "
                        "dates, or a longer log")
    corpus = {a: replace(v, metadata={**v.metadata, "new_in_test": True})
              if starts[1] <= str(v.metadata.get("created_at", "")) else v for a, v in dataset.corpus.items()}
    card = {**dataset.card, "starts": {"dev": starts[0], "test": starts[1]}}
    return replace(dataset, corpus=corpus, qrels=qrels, card=card)


# --- searches -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClickSettings:
    """When a click counts as "this article answers this query".

    Attributes:
        min_dwell: Seconds that the reader must have stayed.
        position_bias: A click at rank r counts r ** position_bias: people look at low places less, so a click there
            says more (Joachims et al. 2017, arXiv:1608.04468, equation 8 with its usual form of the propensity).
        min_weight: Least sum of such counts over all sessions. At 2, one click on the first place is not enough, since
            the first place is clicked for being first; two clicks are, or one further down.
    """

    min_dwell: float = 30.0
    position_bias: float = 0.7
    min_weight: float = 2.0


def from_search_log(
    searches: str | Path, articles: str | Path, columns: Columns | None = None, *, settings: ClickSettings | None = None,
    solved: Mapping[str, Collection[str]] | None = None, dev_from: str | None = None, test_from: str | None = None,
    divide: bool = True,
) -> RetrievalDataset:
    """Return searches as queries, each with the articles that its satisfied clicks point to, divided by time.

    A click is satisfied if it was the last of its search, the reader stayed, and no ticket followed; satisfied clicks are
    weighted against position bias and summed per (query, article). Clicks can only confirm what the old search found.
    Where it failed, and a ticket followed, the article that solved the ticket is the answer: these searches are worth the
    most, for they show the words that the help centre does not use. Spellings that differ only in case, punctuation or
    a/an/the are one query.

    Args:
        searches: The search log: JSONL or Parquet with a list of clicks a row, or any table with one click a row.
        articles: Export of the help centre.
        columns: Which column holds what.
        settings: When a click counts.
        solved: For each ticket id the articles that solved it (see ``solved_tickets``), to learn from failed searches.
        dev_from: As for ``from_ticket_log``.
        test_from: As for ``from_ticket_log``.
        divide: As for ``from_ticket_log``.

    Returns:
        The dataset; ``card["read"]`` counts clicks by what became of them, metadata holds ``source`` ("search"),
        ``created_at`` (of the first satisfied click, or failed search) and ``click_weight``.

    Raises:
        DataError: A file, a column or a value cannot be used, or no query keeps an article.
    """
    columns, settings = columns or Columns(), settings or ClickSettings()
    path, names = Path(searches), columns.search
    corpus = read_articles(articles, columns)
    count: Counter = Counter()
    found: dict[str, _Clicked] = {}
    flat = ("article_id", "rank", "dwell_seconds")
    wanted = {f.name: getattr(names, f.name) for f in fields(names) if not (names.clicks and f.name in flat)}
    rows = checked_rows(path, read_rows(path, columns.format, count), wanted, "search")
    for line, row in tqdm(_searches(rows, names), desc="read searches", unit=" searches", mininterval=1, delay=3):
        count["searches"] += 1
        text = cell_text(row.get(names.query))
        if not isinstance(row["clicks"], list):
            raise DataError(f"{path} line {line}: {names.clicks} is {row['clicks']!r}, not a list: where a row is one click, "
                            "leave clicks out of [search]")
        count["clicks"] += len(row["clicks"])
        ticket = cell_text(row.get(names.ticket_followed or ""))
        if not has_words(text):
            count["empty searches"] += 1
            continue
        gained: dict[str, float] = {}
        if _true(ticket):
            count["a ticket followed"] += 1
            gained = {a: settings.min_weight for a in (solved or {}).get(ticket, ()) if a in corpus}
            count["failed, answered by the ticket"] += bool(gained)
        elif row["clicks"]:
            count["clicks before the last"] += len(row["clicks"]) - 1
            article, rank, dwell = _click(path, line, row["clicks"][-1], names)
            reason = (f"left within {settings.min_dwell:.0f} s" if dwell < settings.min_dwell else
                      "article not in the help centre" if article not in corpus else "satisfied")
            count[reason] += 1
            gained = {article: max(1.0, rank) ** settings.position_bias} if reason == "satisfied" else {}
        else:
            count["given up without a click"] += 1
        if gained:
            when = located_time(path, line, row.get(names.created_at), columns.format)
            clicked = found.setdefault(normal_form(text), _Clicked(text, when, {}))
            clicked.when = min(clicked.when, when)
            for a, weight in gained.items():
                clicked.weight[a] = clicked.weight.get(a, 0.0) + weight
    queries: dict[str, Query] = {}
    judged: Qrels = {}
    for n, (_, clicked) in enumerate(sorted(found.items())):
        kept = {a: w for a, w in clicked.weight.items() if w >= settings.min_weight}
        count["(query, article) too weak"] += len(clicked.weight) - len(kept)
        if kept:
            id_ = f"search/{n:05d}"
            queries[id_] = Query(id_, clicked.text, {"source": "search", "created_at": clicked.when,
                                                     "click_weight": round(max(kept.values()), 3)})
            judged[id_] = dict.fromkeys(sorted(kept), 1)
    if not judged:
        raise DataError(f"{path}: no search keeps an article ({dict(count)}): lower min_weight or min_dwell, or check "
                        "[search] in the mapping")
    card = {"source": f"{path.name} (searches) and {Path(articles).name} (articles)", "read": dict(count),
            "notes": [_search_note(path.name, count, len(judged))]}
    dataset = RetrievalDataset(path.parent.name or path.stem, corpus, queries, {"train": judged, "dev": {}, "test": {}}, card)
    if not divide:
        return dataset
    return split_by_time(dataset, dev_from=dev_from, test_from=test_from, allow_empty=dev_from is not None)


def _search_note(name: str, count: Counter, kept: int) -> str:
    return (f"{name}: {count['searches']:,} searches with {count['clicks']:,} clicks, {count['satisfied']:,} of them "
            f"satisfied; {count['failed, answered by the ticket']:,} failed and were answered by a ticket; {kept:,} queries "
            "keep an article")


def _click(path: Path, line: int, click: Any, names: SearchColumns) -> tuple[str, float, float]:
    try:
        return cell_text(click[names.article_id]), float(click[names.rank]), float(click[names.dwell_seconds])
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{path} line {line}: a click needs {names.article_id}, {names.rank} and {names.dwell_seconds}, "
                        f"found {click}") from None


def solved_tickets(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Return for each ticket id of ``from_ticket_log``'s dataset the articles that solved it."""
    return {dataset.queries[q].metadata["ticket_id"]: list(grades) for judged in dataset.qrels.values()
            for q, grades in judged.items() if dataset.queries[q].metadata.get("source") == "ticket"}


@dataclass
class _Clicked:
    text: str
    when: str
    weight: dict[str, float]


def _searches(rows: Iterable[tuple[int, dict[str, Any]]], names: SearchColumns) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield one row a search with its clicks in order; rows of one click are put together while they follow each other."""
    if names.clicks:
        for line, row in rows:
            yield line, {**row, "clicks": row.get(names.clicks) or []}
        return
    current: dict[str, Any] | None = None
    start = 0
    for line, row in rows:
        same = current and all(current.get(c) == row.get(c) for c in (names.session_id, names.query))
        if current and same:
            current["clicks"].append(row)
            continue
        if current:
            yield start, current
        start, current = line, {**row, "clicks": [row] if cell_text(row.get(names.article_id)) else []}
    if current:
        yield start, current


def _true(value: Any) -> bool:
    return cell_text(value).lower() not in ("", "false", "0", "no", "none", "null")


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
    card = {**first.card, "source": "; ".join(str(d.card.get("source", d.name)) for d in datasets), "notes": notes,
            "read": [d.card.get("read", {}) for d in datasets]}
    return replace(first, queries=dict(sorted(queries.items())), qrels={s: dict(sorted(q.items())) for s, q in qrels.items()},
                   card=card)
