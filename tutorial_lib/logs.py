"""Raw exports of a help desk, read as they are: tickets, site searches and articles in CSV, JSONL or Parquet.

Columns are found by name, as a mapping says, so that an export of any help desk works without being rewritten. Rows are
streamed; what cannot become a pair is counted with its reason. Cleaning what was read is the work of ``tickets``.
"""

from __future__ import annotations

import csv
import heapq
import json
import re
import tomllib
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import parser as dateutil_parser
from tqdm.auto import tqdm

from tutorial_lib.dataset import SPLITS, Article, DataError, Qrels, Query, RetrievalDataset
from tutorial_lib.text import has_words, normal_form

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_SLASHED = re.compile(r"\s*(\d{1,2})[/-](\d{1,2})[/-]\d{2,4}\b")


@dataclass(frozen=True)
class TicketColumns:
    """Which columns of a ticket export hold what; None: the export has no such column.

    Attributes:
        ticket_id: Id of the ticket.
        created_at: When it was opened.
        message: What the customer wrote.
        resolved_by: Id (or link) of the article that solved it; empty if none did.
        subject: Subject line.
    """

    ticket_id: str = "ticket_id"
    created_at: str = "created_at"
    message: str = "message"
    resolved_by: str = "resolved_by"
    subject: str | None = "subject"


@dataclass(frozen=True)
class ArticleColumns:
    """Which columns of an article export hold what; None: the export has no such column.

    Attributes:
        article_id: Id that tickets and searches refer to.
        title: Title.
        body: Text.
        created_at: When it was first published; marks articles new in the test period.
        superseded_by: Id of the article that took its place; empty while it is valid.
    """

    article_id: str = "article_id"
    title: str = "title"
    body: str = "body"
    created_at: str | None = "created_at"
    superseded_by: str | None = "superseded_by"


@dataclass(frozen=True)
class SearchColumns:
    """Which fields of a search log hold what: one row a search with a list of clicks, or one row a click.

    Attributes:
        session_id: Visitor's session.
        created_at: When the search was made.
        query: What was typed.
        clicks: Field with a list of clicks, each with ``article_id``, ``rank`` and ``dwell_seconds``; None where a
            row is one click and these three are columns of it.
        article_id: Id of the clicked article.
        rank: Its place in the list shown, from 1.
        dwell_seconds: Time spent on it.
        ticket_followed: Whether the visitor opened a ticket afterwards: the ticket's id, or true/false.
    """

    session_id: str = "session_id"
    created_at: str = "created_at"
    query: str = "query"
    clicks: str | None = "clicks"
    article_id: str = "article_id"
    rank: str = "rank"
    dwell_seconds: str = "dwell_seconds"
    ticket_followed: str | None = "ticket_followed"


@dataclass(frozen=True)
class ExportFormat:
    """How values are written.

    Attributes:
        encoding: Encoding of CSV and JSONL files.
        timezone: Zone of times that name none.
        dayfirst: Whether 03/04/2026 is the 3rd of April; needed only where a date can be read both ways.
        separator: Between several article ids in one cell.
        article_pattern: Regular expression whose first group is the article id within a link.
        skip_broken_rows: Leave out rows that cannot be read, and count them, instead of refusing the file.
    """

    encoding: str = "utf-8-sig"
    timezone: str = "UTC"
    dayfirst: bool | None = None
    separator: str = ";"
    article_pattern: str | None = None
    skip_broken_rows: bool = False


@dataclass(frozen=True)
class Columns:
    """The whole mapping, one table a file of the export. The defaults are the names that ``support_desk`` uses."""

    tickets: TicketColumns = field(default_factory=TicketColumns)
    articles: ArticleColumns = field(default_factory=ArticleColumns)
    search: SearchColumns = field(default_factory=SearchColumns)
    format: ExportFormat = field(default_factory=ExportFormat)

    @classmethod
    def read(cls, path: str | Path) -> Columns:
        """Read a TOML file with the tables [tickets], [articles], [search] and [format]; absent ones keep the defaults.

        In a table that is there, an optional column that is not named counts as absent from the export.

        Raises:
            DataError: The file is no TOML, or names a table or key that does not exist.
        """
        try:
            found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: not TOML ({error})") from None
        except FileNotFoundError:
            raise DataError(f"{path}: no such file: pass a TOML file with the tables [tickets] and [articles]") from None
        kinds = {"tickets": TicketColumns, "articles": ArticleColumns, "search": SearchColumns, "format": ExportFormat}
        unknown = sorted(set(found) - set(kinds))
        if unknown:
            raise DataError(f"{path}: unknown table [{unknown[0]}]: there are {', '.join(f'[{k}]' for k in kinds)}")
        tables: dict[str, Any] = {}
        for name, given in found.items():
            known = {f.name: f.default for f in fields(kinds[name])}
            wrong = sorted(set(given) - set(known))
            if wrong:
                raise DataError(f"{path}: unknown key {wrong[0]!r} in [{name}]: there are {', '.join(known)}")
            optional = {"subject", "superseded_by", "created_at", "clicks", "ticket_followed"} - {
                f for f in known if name in ("tickets", "search") and f == "created_at"}
            absent = {k: None for k in known if k in optional and k not in given}
            tables[name] = kinds[name](**{**absent, **given})
        return cls(**tables)

    def record(self) -> dict[str, Any]:
        """Return the mapping as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Columns:
        """Return the mapping that ``record`` describes."""
        return cls(TicketColumns(**record["tickets"]), ArticleColumns(**record["articles"]),
                   SearchColumns(**record["search"]), ExportFormat(**record["format"]))


# --- rows ---------------------------------------------------------------------------------------------------------


def read_rows(path: str | Path, options: ExportFormat | None = None, broken: Counter | None = None
              ) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line or row number from 1, row) of a CSV, TSV, JSONL or Parquet file, one at a time.

    Args:
        path: The file; its ending says what it is.
        options: Encoding, and whether broken rows are skipped.
        broken: Counts the rows skipped, under "broken row".

    Raises:
        DataError: The file is missing, of another kind, empty, wrongly encoded, or a row is broken; names the line.
    """
    path, options = Path(path), options or ExportFormat()
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    readers = {".csv": _csv_rows, ".tsv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows, ".parquet": _parquet_rows}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: a file ending in {path.suffix or 'nothing'}: pass one of {', '.join(SUFFIXES)}")
    try:
        yield from readers[path.suffix.lower()](path, options, Counter() if broken is None else broken)
    except UnicodeDecodeError as error:
        shown = error.object[max(0, error.start - 20): error.end + 20]
        raise DataError(f"{path}: not {options.encoding} (byte 0x{error.object[error.start]:02x} in {shown!r}): name the encoding "
                        'in the mapping, e.g. encoding = "cp1252" under [format]') from None


def _csv_rows(path: Path, options: ExportFormat, broken: Counter) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding=options.encoding, newline="") as file:
        head = file.readline()
        if not head.strip():
            raise DataError(f"{path}: the first line is empty: it must name the columns")
        delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        columns = next(reader)
        while True:
            start = reader.line_num + 1
            problem = None
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = str(error)
            else:
                if not row:
                    continue
                if len(row) == len(columns):
                    yield start, dict(zip(columns, row, strict=True))
                    continue
                problem = f"{len(row)} fields, the header has {len(columns)}"
            if not options.skip_broken_rows:
                raise DataError(f"{path} line {start}: {problem}: a quote is missing or not doubled; mend the line, or set "
                                "skip_broken_rows = true under [format] to leave such rows out and count them")
            broken["broken row"] += 1


def _json_rows(path: Path, options: ExportFormat, broken: Counter) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding=options.encoding) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"a JSON {type(row).__name__}, not an object")
            except ValueError as error:
                if not options.skip_broken_rows:
                    raise DataError(f"{path} line {number}: {error}: write one JSON object a line, or set skip_broken_rows = true "
                                    "under [format] to leave such rows out and count them") from None
                broken["broken row"] += 1
                continue
            yield number, row


def _parquet_rows(path: Path, options: ExportFormat, broken: Counter) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file ({error})") from None
    number = 0
    for batch in file.iter_batches(batch_size=10_000):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _checked(path: Path, rows: Iterable[tuple[int, dict[str, Any]]], wanted: Mapping[str, str | None], table: str
             ) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``rows``, refusing a file whose first row lacks a column that the mapping names."""
    number = 0
    for number, row in rows:
        if number <= 2:  # the first row of a CSV file is line 2
            for role, column in wanted.items():
                if column is not None and column not in row:
                    raise DataError(f"{path}: no column {column!r} (wanted for {role}); the file has {', '.join(map(str, row))}: "
                                    f"set {role} under [{table}] in the mapping (--columns)")
        yield number, row
    if not number:
        raise DataError(f"{path}: no rows")


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()  # NaN is unequal to itself


def parse_time(value: Any, options: ExportFormat | None = None) -> datetime:
    """Return a time in UTC: from ISO 8601, seconds since 1970, or what dateutil reads.

    Raises:
        DataError: It is no time, or a date such as 03/04/2026 that reads both ways while ``dayfirst`` is not set, or it
            names a zone that is not known.
    """
    options = options or ExportFormat()
    if isinstance(value, datetime):
        when = value
    elif isinstance(value, date):
        when = datetime(value.year, value.month, value.day)
    else:
        when = _parsed(_text(value), options)
    if when.tzinfo is None:
        try:
            when = when.replace(tzinfo=ZoneInfo(options.timezone))
        except (ZoneInfoNotFoundError, ValueError):
            raise DataError(f"timezone = {options.timezone!r} under [format] is not known: name one such as 'Europe/Berlin'"
                            ) from None
    return when.astimezone(UTC)


def _parsed(text: str, options: ExportFormat) -> datetime:
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    slashed = _SLASHED.match(text)
    if slashed and options.dayfirst is None:
        one, two = int(slashed[1]), int(slashed[2])
        if one <= 12 and two <= 12 and one != two:
            raise DataError(f"the date {text!r} can be read both ways: set dayfirst = true or false under [format]")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return dateutil_parser.parse(text, dayfirst=bool(options.dayfirst))
    except (ValueError, OverflowError):
        raise DataError(f"{text!r} is not a time: expected e.g. 2026-03-04T09:30:00+01:00") from None
    except Warning:
        raise DataError(f"{text!r} names a time zone that is not known: write an offset such as +01:00") from None


# --- articles -----------------------------------------------------------------------------------------------------


def read_articles(path: str | Path, columns: Columns | None = None) -> dict[str, Article]:
    """Return the articles of an export by ascending id; ``superseded_by`` and ``created_at`` stand in the metadata.

    Other columns with plain values are kept in the metadata under their own names; "area" also as "family".

    Raises:
        DataError: A column is missing, an id is empty or stands twice, a text is empty, or no article is there.
    """
    columns = columns or Columns()
    names, path = columns.articles, Path(path)
    articles: dict[str, Article] = {}
    wanted = {f.name: getattr(names, f.name) for f in fields(names)}
    for line, row in _checked(path, read_rows(path, columns.format), wanted, "articles"):
        id_, title, body = (_text(row.get(c)) for c in (names.article_id, names.title, names.body))
        if not id_ or id_ in articles:
            raise DataError(f"{path} line {line}: {'no ' + names.article_id if not id_ else f'{id_!r} stands twice'}: "
                            "every article needs an id of its own")
        if not has_words(title + body):
            raise DataError(f"{path} line {line}: article {id_!r} has neither title nor text")
        metadata = {k: v for k, v in row.items() if k not in (names.article_id, names.title, names.body)
                    and isinstance(v, str | int | float | bool) and v == v and v != ""}
        for role in ("created_at", "superseded_by"):
            column = getattr(names, role)
            value = metadata.pop(column, None) if column else None
            if value is not None:
                metadata[role] = _located(path, line, value, columns.format) if role == "created_at" else str(value)
        if "area" in metadata:
            metadata.setdefault("family", metadata["area"])
        articles[id_] = Article(id_, title, body, metadata)
    return dict(sorted(articles.items()))


def _located(path: Path, line: int, value: Any, options: ExportFormat) -> str:
    try:
        return parse_time(value, options).isoformat()
    except DataError as error:
        raise DataError(f"{path} line {line}: {error}") from None


# --- tickets ------------------------------------------------------------------------------------------------------


def from_ticket_log(
    tickets: str | Path, articles: str | Path, columns: Columns | None = None, *, dev_from: str | None = None,
    test_from: str | None = None, max_tickets: int = 200_000,
) -> RetrievalDataset:
    """Return solved tickets as queries, each with the article that solved it, divided by time.

    The oldest 70 % of the tickets are train, the next 10 % dev, the newest 20 % test, or as ``dev_from`` and
    ``test_from`` say: a model is always judged on what came after it. Tickets are read one at a time; exact repeats are
    counted and dropped on the way, and only the newest ``max_tickets`` others are held, so memory stays bounded.

    Args:
        tickets: Export of the tickets: CSV, TSV, JSONL or Parquet.
        articles: Export of the help centre, in any of these.
        columns: Which column holds what.
        dev_from: Date on which dev starts, e.g. "2026-03-01".
        test_from: Date on which test starts.
        max_tickets: Most tickets held.

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
    newest: list[tuple[datetime, str, str, tuple[str, ...], bytes]] = []
    held: dict[bytes, None] = {}
    wanted = {f.name: getattr(names, f.name) for f in fields(names)}
    rows = _checked(path, read_rows(path, columns.format, count), wanted, "tickets")
    for line, row in tqdm(rows, desc="read tickets", unit=" rows", mininterval=1, delay=3):
        count["rows"] += 1
        text = "\n".join(filter(None, (_text(row.get(c)) for c in (names.subject, names.message) if c)))
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
            digest = blake2b("\0".join([normal_form(text), *answers]).encode(), digest_size=16).digest()
            if digest in held:
                count["exact repeat"] += 1
                continue
            held[digest] = None
            when = datetime.fromisoformat(_located(path, line, row[names.created_at], columns.format))
            heapq.heappush(newest, (when, _text(row[names.ticket_id]) or f"line {line}", text, answers, digest))
            if len(newest) > max_tickets:
                del held[heapq.heappop(newest)[-1]]
                count["older than the newest held"] += 1
    if not newest:
        seen = f"; named there: {', '.join(a for a, _ in unknown.most_common(3))}" if unknown else ""
        raise DataError(f"{path}: none of {count['rows']} tickets names an article of {articles} (ids such as "
                        f"{', '.join(list(corpus)[:3])}){seen}: check resolved_by under [tickets], or set article_pattern under "
                        "[format] to take the id out of a link")
    count["kept"] = len(newest)
    ordered = sorted(newest, key=lambda ticket: ticket[:2])
    queries: dict[str, Query] = {}
    judged: Qrels = {}
    for when, id_, text, answers, _ in ordered:
        query_id = f"ticket/{id_}" if f"ticket/{id_}" not in queries else f"ticket/{id_}#{len(queries)}"
        queries[query_id] = Query(query_id, text, {"source": "ticket", "ticket_id": id_, "created_at": when.isoformat()})
        judged[query_id] = dict.fromkeys(answers, 1)
    card = {"source": f"{path.name} (tickets) and {Path(articles).name} (articles)", "read": dict(count),
            "unknown_articles": dict(unknown.most_common(50)), "notes": _read_notes(count, unknown, path.name)}
    dataset = RetrievalDataset(path.parent.name or path.stem, corpus, dict(sorted(queries.items())),
                               {"train": judged, "dev": {}, "test": {}}, card)
    return split_by_time(dataset, dev_from=dev_from, test_from=test_from)


def _article_ids(value: Any, options: ExportFormat) -> list[str]:
    """Return the article ids of one cell: a list, or ids or links between separators."""
    parts = value if isinstance(value, list) else _text(value).split(options.separator)
    found = []
    for part in map(_text, parts):
        match = re.search(options.article_pattern, part) if options.article_pattern else None
        found.append((match[1] if match.groups() else match[0]) if match else part)
    return list(dict.fromkeys(filter(None, found)))


def _read_notes(count: Counter, unknown: Counter, name: str) -> list[str]:
    dropped = [f"{n:,} {reason}" for reason, n in count.most_common() if reason not in ("rows", "kept") and n]
    notes = [f"{name}: {count['rows']:,} rows, {count['kept']:,} kept" + (f"; left out: {', '.join(dropped)}" if dropped else "")]
    if unknown:
        notes.append("articles named by tickets but not in the help centre: "
                     + ", ".join(f"{a} ({n})" for a, n in unknown.most_common(5)) + (", …" if len(unknown) > 5 else ""))
    return notes


def split_by_time(dataset: RetrievalDataset, *, dev_from: str | None = None, test_from: str | None = None) -> RetrievalDataset:
    """Divide queries by ``created_at``: train before dev before test; without dates 70, 10 and 20 % of the queries.

    Raises:
        DataError: The dates leave a split empty, or do not come in order.
    """
    judged = {q: grades for split in dataset.qrels.values() for q, grades in split.items()}
    order = sorted(judged, key=lambda q: (dataset.queries[q].metadata["created_at"], q))
    times = [dataset.queries[q].metadata["created_at"] for q in order]
    starts = [parse_time(given).isoformat() if given else times[min(len(times) - 1, int(len(times) * share))]
              for given, share in ((dev_from, 0.7), (test_from, 0.8))]
    if test_from is None and dev_from is not None:
        starts[1] = "9999"  # everything from dev_from on is dev
    ends = [("train", "", starts[0]), ("dev", starts[0], starts[1]), ("test", starts[1], "9999")]
    qrels: dict[str, Qrels] = {split: {q: judged[q] for q, t in zip(order, times, strict=True) if low <= t < high}
                               for split, low, high in ends}
    empty = [s for s in SPLITS if not qrels[s] and not (s == "test" and starts[1] == "9999")]
    if empty:
        raise DataError(f"{dataset.name}: no query falls into {empty[0]} (dev from {starts[0][:10]}, test from {starts[1][:10]}; "
                        f"{len(order)} queries from {times[0][:10]} to {times[-1][:10]}): pass other dates, or a longer log")
    corpus = {a: replace(v, metadata={**v.metadata, "new_in_test": True})
              if starts[1] <= str(v.metadata.get("created_at", "")) else v for a, v in dataset.corpus.items()}
    return replace(dataset, corpus=corpus, qrels=qrels, card={**dataset.card, "starts": {"dev": starts[0], "test": starts[1]}})


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
    rows = _checked(path, read_rows(path, columns.format, count), wanted, "search")
    for line, row in tqdm(_searches(rows, names), desc="read searches", unit=" searches", mininterval=1, delay=3):
        count["searches"] += 1
        text = _text(row[names.query])
        count["clicks"] += len(row["clicks"])
        ticket = _text(row.get(names.ticket_followed or ""))
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
            when = _located(path, line, row[names.created_at], columns.format)
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
        raise DataError(f"{path}: no search keeps an article ({dict(count)}): lower min_weight or min_dwell, or check [search]")
    card = {"source": f"{path.name} (searches) and {Path(articles).name} (articles)", "read": dict(count),
            "notes": [f"{path.name}: {count['searches']:,} searches with {count['clicks']:,} clicks, {count['satisfied']:,} of them "
                      f"satisfied; {count['failed, answered by the ticket']:,} failed and were answered by a ticket; "
                      f"{len(judged):,} queries keep an article"]}
    dataset = RetrievalDataset(path.parent.name or path.stem, corpus, queries, {"train": judged, "dev": {}, "test": {}}, card)
    return split_by_time(dataset, dev_from=dev_from, test_from=test_from)


def _click(path: Path, line: int, click: Any, names: SearchColumns) -> tuple[str, float, float]:
    try:
        return _text(click[names.article_id]), float(click[names.rank]), float(click[names.dwell_seconds])
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
    """Yield one row a search with its clicks in order; rows of one click each are put together while they follow each other."""
    if names.clicks:
        for line, row in rows:
            yield line, {**row, "clicks": row.get(names.clicks) or []}
        return
    current: dict[str, Any] | None = None
    start = 0
    for line, row in rows:
        same = current and all(current[c] == row[c] for c in (names.session_id, names.query))
        if current and same:
            current["clicks"].append(row)
            continue
        if current:
            yield start, current
        start, current = line, {**row, "clicks": [row] if _text(row[names.article_id]) else []}
    if current:
        yield start, current


def _true(value: Any) -> bool:
    return _text(value).lower() not in ("", "false", "0", "no", "none", "null")


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
