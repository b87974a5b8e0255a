"""Exports of a help desk as files: which column holds what, rows streamed from CSV, JSONL or Parquet, times, articles.

Columns are found by name, as a mapping says, so that an export of any help desk works without being rewritten.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import parser as dateutil_parser

from tutorial_lib.dataset import Article, DataError
from tutorial_lib.text import has_words

_SLASHED = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2\d{2,4}(?!\d)")


@dataclass(frozen=True)
class TicketColumns:
    """Which columns of a ticket export hold what; None: the export has no such column.

    Attributes:
        ticket_id: Id of the ticket.
        created_at: When it was opened.
        message: What the customer wrote.
        resolved_by: Id (or link) of the article that solved it; empty if none did.
        subject: Subject line.
        reopened: Whether the customer came back because it was not solved (true/false).
    """

    ticket_id: str = "ticket_id"
    created_at: str = "created_at"
    message: str = "message"
    resolved_by: str = "resolved_by"
    subject: str | None = "subject"
    reopened: str | None = "reopened"


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

    def __post_init__(self) -> None:
        """Refuse what cannot work on any row."""
        if not self.separator:
            raise DataError('separator = "" under [format]: pass the character between several ids in one cell')
        try:
            re.compile(self.article_pattern or "")
        except re.error as error:
            raise DataError(f"article_pattern = {self.article_pattern!r} under [format] is no regular expression: {error}"
                            ) from None


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
            absent = {f.name: None for f in fields(kinds[name]) if "None" in str(f.type) and f.name not in given}
            for key, value in given.items():
                kind, hint = (bool, "true or false") if key in ("dayfirst", "skip_broken_rows") else (str, "text in quotes")
                if not isinstance(value, kind):
                    raise DataError(f"{path}: {key} in [{name}] is {value!r}: write {hint}")
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
    try:
        codecs.lookup(options.encoding)
    except LookupError:
        raise DataError(f"encoding = {options.encoding!r} under [format] is not known: name one such as 'cp1252'") from None
    readers = {".csv": _csv_rows, ".tsv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows, ".parquet": _parquet_rows}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: a file ending in {path.suffix or 'nothing'}: pass one of {', '.join(readers)}")
    try:
        yield from readers[path.suffix.lower()](path, options, Counter() if broken is None else broken)
    except UnicodeDecodeError as error:
        shown = error.object[max(0, error.start - 20): error.end + 20]
        raise DataError(f"{path}: not {options.encoding} (byte 0x{error.object[error.start]:02x} in {shown!r}): name the "
                        'encoding in the mapping, e.g. encoding = "cp1252" under [format]') from None


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
                    raise DataError(f"{path} line {number}: {error}: write one JSON object a line, or set skip_broken_rows = "
                                    "true under [format] to leave such rows out and count them") from None
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


def checked_rows(path: Path, rows: Iterable[tuple[int, dict[str, Any]]], wanted: Mapping[str, str | None], table: str
             ) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``rows``, refusing a file whose first row lacks a column that the mapping names."""
    first = True
    for number, row in rows:
        if first:
            for role, column in wanted.items():
                if column is not None and column not in row:
                    raise DataError(f"{path}: no column {column!r} (wanted for {role}); the file has "
                                    f"{', '.join(map(str, row))}: set {role} under [{table}] in the mapping (--columns)")
        first = False
        yield number, row
    if first:
        raise DataError(f"{path}: no rows")


def cell_text(value: Any) -> str:
    """Return a cell as stripped text; empty for None and NaN, and without ".0" for whole numbers."""
    if value is None or value != value:  # NaN is unequal to itself
        return ""
    if isinstance(value, float) and value.is_integer():  # ids in a Parquet column with gaps
        value = int(value)
    return str(value).strip()


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
        when = _parsed(cell_text(value), options)
    if when.tzinfo is None:
        try:
            when = when.replace(tzinfo=ZoneInfo(options.timezone))
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder of zones
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
    slashed = _SLASHED.search(text)
    if slashed and options.dayfirst is None:
        first, second = int(slashed[1]), int(slashed[3])
        if first <= 12 and second <= 12 and first != second:
            raise DataError(f"the date {text!r} can be read both ways: set dayfirst = true or false under [format]")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # What is missing is taken from a default: "14:05" or "March" is no date, and comes out as two.
            one, other = (dateutil_parser.parse(text, dayfirst=bool(options.dayfirst and slashed), default=d)
                          for d in (datetime(2000, 1, 1), datetime(2001, 2, 2)))
    except (ValueError, OverflowError):
        one, other = datetime.min, datetime.max
    except Warning:
        raise DataError(f"{text!r} names a time zone that is not known: write an offset such as +01:00") from None
    if one != other:
        raise DataError(f"{text!r} is not a time: expected e.g. 2026-03-04T09:30:00+01:00")
    return one


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
    for line, row in checked_rows(path, read_rows(path, columns.format), wanted, "articles"):
        id_, title, body = (cell_text(row.get(c)) for c in (names.article_id, names.title, names.body))
        if not id_ or id_ in articles:
            raise DataError(f"{path} line {line}: {'no ' + names.article_id if not id_ else f'{id_!r} stands twice'}: "
                            "every article needs an id of its own")
        if not has_words(title + body):
            raise DataError(f"{path} line {line}: article {id_!r} has neither title nor text")
        roles = {*wanted.values(), "created_at", "superseded_by"}  # columns of these names count only if they are mapped
        metadata = {k: v for k, v in row.items() if k not in roles
                    and isinstance(v, str | int | float | bool) and v == v and v != ""}
        created, successor = (row.get(c or "") for c in (names.created_at, names.superseded_by))
        if cell_text(created):
            metadata["created_at"] = located_time(path, line, created, columns.format)
        if cell_text(successor):
            metadata["superseded_by"] = cell_text(successor)
        if "area" in metadata:
            metadata.setdefault("family", metadata["area"])
        articles[id_] = Article(id_, title, body, metadata)
    return dict(sorted(articles.items()))


def located_time(path: Path, line: int, value: Any, options: ExportFormat) -> str:
    """Return a cell's time as ISO 8601 in UTC; a ``DataError`` names file and line."""
    try:
        return parse_time(value, options).isoformat()
    except DataError as error:
        raise DataError(f"{path} line {line}: {error}") from None
