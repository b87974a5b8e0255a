"""Records of searches and of what became of them, in the User Behavior Insights schema 1.3.

The schema is published at https://o19s.github.io/ubi/schema/1.3.0/query.request.schema.json and …/event.schema.json; this
package's service writes it, and so do OpenSearch, Elasticsearch and Solr with their plugins. Of a **query** are read
``query_id``, ``user_query``, ``timestamp``, ``client_id`` and ``query_response_hit_ids``; of an **event** ``query_id``,
``action_name``, ``timestamp``, ``event_attributes.object.object_id``, ``event_attributes.position.ordinal`` (from 1; the
place among ``query_response_hit_ids`` goes before it), ``message`` (of a ticket: its id), and an attribute of ours,
``event_attributes.dwell_seconds``. An export may wrap each record as ``_source``, as OpenSearch's own do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeGuard

from tutorial_lib.data.cells import cell_text, what_it_holds
from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.json_rows import json_rows
from tutorial_lib.data.paths import is_there
from tutorial_lib.data.times import parse_time

CLICKS = frozenset({"click", "click_through"})
LEAVE, ANSWERED, TICKET = "leave", "answered", "ticket"
"""Actions: a document was opened; closed again; said to answer the query; a ticket followed."""

MAX_RANK = 1_000_000
"""No list of results is longer: a greater rank is a wrong column."""

_ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_LATEST_SECONDS = 1e11
"""A larger number counts milliseconds."""


def ubi_files(path: Path) -> list[Path]:
    """Return the files of JSON lines in a folder, by name, or ``path`` itself if it is one.

    Raises:
        DataError: Something of such a name is no plain file.
    """
    inside = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in inside if file.name.endswith(_ENDINGS) and not file.name.startswith(".") and is_there(file)]


def is_ubi(path: Path, query: str = "query") -> bool:
    """Return whether a search log is in this schema: a folder of JSON lines, or such a file with its names.

    Args:
        path: The log.
        query: What a mapping calls the query; a file with such a field is read by the mapping.

    Raises:
        DataError: Something of such a name is no plain file, or no UTF-8.
    """
    files = ubi_files(path)
    if not files or path.is_dir():
        return bool(files)
    first = next((record for _, record in records(path) if isinstance(record, dict)), {})
    return query not in first and bool({"user_query", "action_name"} & first.keys())


def records(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield (line, record) of one file, or (line, what is wrong with it): a line is cut where its writer was killed.

    Raises:
        DataError: The file is no UTF-8.
    """
    for line, row in json_rows(path):
        source = row.get("_source") if isinstance(row, dict) else None
        yield line, source if isinstance(source, dict) else row


@dataclass(frozen=True)
class UbiQuery:
    """What was asked and shown.

    Attributes:
        query_id: Empty where the record names none.
        text: As typed.
        when: In UTC; None where the record names no time.
        client: Whose; empty where nobody says.
        hits: Ids of the documents shown, best first, each once.
    """

    query_id: str
    text: str
    when: datetime | None
    client: str
    hits: tuple[str, ...]


@dataclass(frozen=True)
class UbiEvent:
    """What a visitor did.

    Attributes:
        action: By any name.
        query_id: Of the search it belongs to.
        when: In UTC; None where the record names no time.
        document: Id of the document; empty for none.
        ordinal: Its place from 1; 0 where the record names none that can be.
        seconds: For how long it was read; None where nobody measured.
        message: Of a ticket its id.
    """

    action: str
    query_id: str
    when: datetime | None
    document: str
    ordinal: int
    seconds: float | None
    message: str


@dataclass(frozen=True)
class UbiRecord:
    """One record, and where it stands."""

    file: Path
    line: int
    fields: Mapping[str, Any]
    options: ExportFormat

    def read(self) -> UbiQuery | UbiEvent | None:
        """Return the query or event that this is; None if it is neither.

        Raises:
            DataError: A field holds what it cannot; names file and line.
        """
        if "action_name" in self.fields:
            return self._event()
        return self._query() if "user_query" in self.fields else None

    def _query(self) -> UbiQuery:
        hits = self.fields.get("query_response_hit_ids") or []
        if not isinstance(hits, list):
            raise self._wrong("query_response_hit_ids", f"is {hits!r:.60}, not a list")
        shown = tuple(dict.fromkeys(cell_text(hit) for hit in hits))
        return UbiQuery(self._text("query_id"), self._text("user_query"), self._when(), self._text("client_id"), shown)

    def _event(self) -> UbiEvent:
        attributes = self._part("event_attributes", self.fields)
        document = self._text("object_id", self._part("object", attributes))
        ordinal = self._part("position", attributes).get("ordinal")
        place = int(ordinal) if _is_number(ordinal) and 1 <= ordinal <= MAX_RANK else 0
        seconds = attributes.get("dwell_seconds")
        measured = float(seconds) if _is_number(seconds) and 0 <= seconds < _LATEST_SECONDS else None
        action, query_id, message = (self._text(name) for name in ("action_name", "query_id", "message"))
        return UbiEvent(action, query_id, self._when(), document, place, measured, message)

    def _text(self, name: str, within: Mapping[str, Any] | None = None) -> str:
        value = (self.fields if within is None else within).get(name)
        if held := what_it_holds(value):
            raise self._wrong(name, f"holds {held}, not one value")
        return cell_text(value)

    def _part(self, name: str, within: Mapping[str, Any]) -> Mapping[str, Any]:
        value = within.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, f"is {value!r:.60}, not an object")
        return value or {}

    def _when(self) -> datetime | None:
        value = self.fields.get("timestamp")
        if not cell_text(value):
            return None
        try:
            if _is_number(value) and value > _LATEST_SECONDS:
                return datetime.fromtimestamp(value / 1000, UTC)
            return parse_time(value, self.options)
        except (DataError, ValueError, OverflowError, OSError) as error:
            raise self._wrong("timestamp", str(error)) from None

    def _wrong(self, name: str, said: str) -> DataError:
        return DataError(f"{self.file} line {self.line}: {name} {said}")


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
