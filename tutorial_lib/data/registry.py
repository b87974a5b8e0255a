"""The one place that knows the sources: the collections of the course, a BEIR folder, a help desk's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from tutorial_lib.data.awscli_docs import AWSCLI_VERSION, aws_docs
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.parquet_rows import parquet_parts
from tutorial_lib.data.paths import is_there, resolved
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.data.splits import SplitSettings
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_FILES, support_desk
from tutorial_lib.data.support_desk_year2 import SUPPORT_DESK_YEAR2_FILES, support_desk_year2
from tutorial_lib.data.ticket_log import MAX_TICKETS
from tutorial_lib.data.ubi import ubi_files

AWS_DOCS = "aws_docs"
SUPPORT_DESK = "support_desk"
SUPPORT_DESK_YEAR2 = "support_desk_year2"
BUILT_IN = (AWS_DOCS, SUPPORT_DESK, SUPPORT_DESK_YEAR2)
"""The collections of the course; the second year is of use beside the first alone, in chapter 11."""


class Kind(StrEnum):
    """What a source holds, which decides how it is cleaned and divided."""

    DOCUMENTATION = "documentation"
    """Documents and queries that nobody has cleaned or divided."""
    TICKETS = "tickets"
    """What customers wrote, divided by time or by hand on reading."""
    JUDGED = "judged"
    """A collection with judgments: taken as it is, missing splits are drawn."""


@dataclass(frozen=True)
class ReadSettings:
    """How a source is read; each takes what concerns it.

    Attributes:
        drop_blank: Leave out articles and queries without a letter or digit (BEIR folders).
        max_tickets: Most different tickets kept, the newest (tickets).
        split: Dates on which dev and test start (a help desk's files).
        clicks: When a click on an article counts (search logs).
    """

    drop_blank: bool = False
    max_tickets: int = MAX_TICKETS
    split: SplitSettings = field(default_factory=SplitSettings)
    clicks: ClickSettings = field(default_factory=ClickSettings)

    def __post_init__(self) -> None:
        """Refuse a log of no tickets."""
        if self.max_tickets < 1:
            raise ValueError(f"max_tickets is {self.max_tickets}: pass how many tickets to keep, at least 1")


@dataclass(frozen=True)
class Source:
    """One place that data come from.

    Attributes:
        name: Name of a collection of the course, or the absolute path of a folder or of a ticket file.
        kind: What it holds.
        reader: Reads it.
        files: Returns the files it is read from; none for what an installed package holds.
        version: What else it hangs on: the version of that package, or the mapping of a help desk's columns.
        takes: The fields of ``ReadSettings`` that concern it.
    """

    name: str
    kind: Kind
    reader: Callable[[ReadSettings], RetrievalDataset]
    files: Callable[[], Iterable[Path]] = tuple
    version: str = ""
    takes: tuple[str, ...] = ()

    def key(self, settings: ReadSettings | None = None) -> str:
        """Return a hash of all that decides what ``read`` gives: files' names and bytes, version, settings that concern it.

        Raises:
            DataError: A file is not there.
        """
        self._check_files()
        given = asdict(settings or ReadSettings())
        digest = hashlib.sha256(json.dumps([self.kind, self.version, {k: given[k] for k in self.takes}]).encode())
        for path in self.files():
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]

    def read(self, settings: ReadSettings | None = None) -> RetrievalDataset:
        """Return the dataset as it stands there, not cleaned.

        Raises:
            DataError: The data cannot be used; the message says what was found, where, and what to pass.
        """
        self._check_files()
        return self.reader(settings or ReadSettings())

    def _check_files(self) -> None:
        missing = next((path for path in self.files() if not is_there(path)), None)
        if missing:
            raise DataError(f"{missing}: no such file")


def find_source(data: str | Path, help_desk: HelpDesk | None = None) -> Source:
    """Return the source that ``data`` names.

    Args:
        data: One of ``BUILT_IN``, a BEIR folder, or the ticket file of ``help_desk``.
        help_desk: The files of a help desk.

    Raises:
        DataError: It is none of these.

    >>> find_source("support_desk").kind
    <Kind.TICKETS: 'tickets'>
    """
    if str(data) == AWS_DOCS:
        return Source(AWS_DOCS, Kind.DOCUMENTATION, lambda _: aws_docs(), version=AWSCLI_VERSION)
    if help_desk:
        return _of_help_desk(str(resolved(data)), help_desk)
    if str(data) in _WRITTEN:
        return _written(str(data))
    folder = resolved(data)
    if not folder.is_dir():
        hint = " (a ticket export needs its articles too: --articles)" if folder.is_file() else ""
        raise DataError(
            f"{folder} is not a folder: pass {AWS_DOCS!r} or {SUPPORT_DESK!r}, a BEIR folder "
            f"(corpus.jsonl, queries.jsonl, qrels/train.tsv), or a ticket export{hint}"
        )
    return Source(
        str(folder),
        Kind.JUDGED,
        lambda settings: read_beir(folder, drop_blank=settings.drop_blank),
        lambda: _tables_in(folder),
        takes=("drop_blank",),
    )


_WRITTEN: dict[str, tuple[Callable[..., RetrievalDataset], tuple[Path, ...]]] = {
    SUPPORT_DESK: (support_desk, (SUPPORT_DESK_FILES,)),
    SUPPORT_DESK_YEAR2: (support_desk_year2, (SUPPORT_DESK_YEAR2_FILES, SUPPORT_DESK_FILES)),
}
"""Name of a help centre written for the course -> what reads it, and the folders that it is read from."""


def _written(name: str) -> Source:
    reader, folders = _WRITTEN[name]
    return Source(
        name,
        Kind.TICKETS,
        lambda settings: reader(clicks=settings.clicks, max_tickets=settings.max_tickets),
        lambda: [p for f in folders for p in _tables_in(f) if not p.name.startswith("answers")],  # facts train nothing
        takes=("clicks", "max_tickets"),
    )


def _of_help_desk(name: str, desk: HelpDesk) -> Source:
    mapping = json.dumps(desk.columns.record(), sort_keys=True)

    def read(settings: ReadSettings) -> RetrievalDataset:
        return desk.read(split=settings.split, clicks=settings.clicks, max_tickets=settings.max_tickets)

    def files() -> list[Path]:
        return [part for path in desk.files for part in (_parts(path) if path.is_dir() else [path])]

    return Source(name, Kind.TICKETS, read, files, mapping, takes=("split", "clicks", "max_tickets"))


def _parts(folder: Path) -> list[Path]:
    """Return the files of a folder that is one table: Parquet, or a search log as the service records it."""
    return ubi_files(folder) or parquet_parts(folder)


def _tables_in(folder: Path) -> list[Path]:
    """Return the files of a folder, and of folders in it, that hold data; a card names near-duplicates and notes."""
    tables = {".jsonl", ".tsv", ".csv"}
    return [p for p in sorted(folder.rglob("*")) if (p.suffix in tables or p.name == "card.json") and p.is_file()]
