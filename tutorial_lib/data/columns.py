"""Which column of a help desk's export holds what, read from a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.encoding import check_encoding
from tutorial_lib.data.paths import is_there


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How one file of the export is written, where that differs from [format].

    Attributes:
        encoding: Encoding of this CSV or TSV file.
        html: Whether its texts are HTML; None: they are if a third of a column's cells hold tags.
    """

    encoding: str | None = None
    html: bool | None = None

    def __post_init__(self) -> None:
        """Refuse an encoding that is none."""
        if self.encoding is not None:
            check_encoding(self.encoding, "in a table of the mapping")

    def roles(self) -> dict[str, str | None]:
        """Return which column plays each role; None where the export has none."""
        own = {f.name for f in fields(TableOptions)}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in own}


@dataclass(frozen=True)
class TicketColumns(TableOptions):
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
class ArticleColumns(TableOptions):
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
class SearchColumns(TableOptions):
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
        encoding: Encoding of CSV and TSV files. A byte order mark goes before it, and JSONL is always UTF-8.
        timezone: Zone of times that name none.
        dayfirst: Whether 03/04/2026 is the 3rd of April; needed only where no date of the file shows it.
        yearfirst: Whether 25/01/04 is the 4th of January 2025; needed only where no date of the file shows it.
        separator: Between several article ids in one cell.
        article_pattern: Regular expression whose first group is the article id within a link.
        skip_broken_rows: Leave out rows that cannot be read, and count them, instead of refusing the file.
    """

    encoding: str = "utf-8-sig"
    timezone: str = "UTC"
    dayfirst: bool | None = None
    yearfirst: bool | None = None
    separator: str = ";"
    article_pattern: str | None = None
    skip_broken_rows: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work on any row."""
        check_encoding(self.encoding, "under [format]")
        if self.dayfirst and self.yearfirst:
            raise DataError("dayfirst and yearfirst are both true under [format]: pass the one that comes first")
        if not self.separator:
            raise DataError('separator = "" under [format]: pass the character between several ids in one cell')
        try:
            re.compile(self.article_pattern or "")
        except re.error as error:
            raise DataError(
                f"article_pattern = {self.article_pattern!r} under [format] is no regular expression: {error}"
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
        if not is_there(Path(path)):
            raise DataError(f"{path}: no such file: pass a TOML file with the tables [tickets] and [articles]")
        try:
            found = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: not TOML ({error})") from None
        except RecursionError:
            raise DataError(f"{path}: not TOML (nested too deeply)") from None
        kinds: dict[str, Any] = get_type_hints(cls)
        unknown = sorted(set(found) - set(kinds))
        if unknown:
            raise DataError(f"{path}: unknown table [{unknown[0]}]: there are {', '.join(f'[{k}]' for k in kinds)}")
        return cls(**{name: _table(path, name, given, kinds[name]) for name, given in found.items()})

    def options(self, table: str) -> ExportFormat:
        """Return how the file of ``table`` ("tickets", "articles" or "search") is written."""
        own: TableOptions = getattr(self, table)
        return replace(self.format, encoding=own.encoding or self.format.encoding)

    def record(self) -> dict[str, Any]:
        """Return the mapping as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Columns:
        """Return the mapping that ``record`` describes."""
        return cls(
            TicketColumns(**record["tickets"]),
            ArticleColumns(**record["articles"]),
            SearchColumns(**record["search"]),
            ExportFormat(**record["format"]),
        )


def _is_general(key: str) -> bool:
    """Return whether every table of the mapping may hold a key; such keys are named last."""
    return key in {f.name for f in fields(TableOptions)}


def _table(path: str | Path, name: str, given: Any, kind: Any) -> Any:
    """Return the settings of class ``kind`` that one table of the mapping gives; an optional key not named is None."""
    if not isinstance(given, dict):
        raise DataError(f"{path}: {name} is {given!r:.60}: write a table, [{name}] with a key = value a line")
    types = {key: get_args(hint) or (hint,) for key, hint in get_type_hints(kind).items()}
    wrong = sorted(set(given) - set(types))
    if wrong:
        raise DataError(
            f"{path}: unknown key {wrong[0]!r} in [{name}]: there are {', '.join(sorted(types, key=_is_general))}"
        )
    for key, value in given.items():
        wanted, hint = (bool, "true or false") if bool in types[key] else (str, "text in quotes")
        if not isinstance(value, wanted):
            raise DataError(f"{path}: {key} in [{name}] is {value!r}: write {hint}")
    absent = {key: None for key, allowed in types.items() if NoneType in allowed}
    try:
        return kind(**{**absent, **given})
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
