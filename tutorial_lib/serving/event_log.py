"""The log of searches and of what became of them: what chapter 1 reads as training data.

Twice a second a thread takes what has been noted, takes out personal data, appends and syncs: no search waits for a disk.
kill -9 loses what is not written by then: the last second at most, or more where searches come faster than personal data is
found, some milliseconds each (benchmarks/serving_faults.py). While the disk is full the notes wait in memory and are written
when there is room; what finds no place to wait is counted. Of one folder one process is the writer.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.ubi import UbiQuery, UbiRecord, records
from tutorial_lib.serving.batching import BusyError
from tutorial_lib.serving.day_files import DayFiles
from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.events_contract import EventRequest, EventResponse, event_record, query_record, stamp
from tutorial_lib.serving.redaction import Redact
from tutorial_lib.serving.searching import Searched
from tutorial_lib.serving.shown import Shown

EVERY = 0.5
"""Seconds from the beginning of a write to that of the next."""

WAITING = 20_000
"""Notes of each kind that may wait to be written."""

TOGETHER = 16
"""Queries that are searched for personal data at a time, and then written: more would be no faster, and be lost together."""

_QUERIES, _EVENTS = "queries", "events"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Note:
    """What is to be written: the record, without its query's text, which is made ready when it is written."""

    day: date
    record: Callable[[str], Mapping[str, Any]]
    text: str = ""


class EventLog:
    """Records searches and events as JSON lines, a file a day and kind, in the User Behavior Insights schema."""

    def __init__(self, folder: Path, redact: Redact, *, waiting: int = WAITING, every: float = EVERY) -> None:
        """Claim ``folder`` and read which documents its last searches have shown.

        Args:
            folder: Where the files are; made if it is not there.
            redact: Takes personal data out of queries.
            waiting: Notes of each kind that may wait to be written.
            every: Seconds from the beginning of a write to that of the next.

        Raises:
            DataError: The folder cannot be written to, or another process records there.
        """
        self.folder, self.waiting, self.every = folder, waiting, every
        self._redact = redact
        self._lock = _claimed(folder)
        self._files, self._shown = DayFiles(folder), _shown_lately(folder)
        self._notes: dict[str, deque[_Note]] = {_QUERIES: deque(), _EVENTS: deque()}
        self._changing = threading.Lock()
        self._ended = threading.Event()
        self._writer = threading.Thread(target=self._follow, name="event log", daemon=True)
        self._lost: Callable[[float], None] = lambda number: None
        self._said = ""

    def start(self, lost: Callable[[float], None]) -> None:
        """Begin to write; ``lost`` is told how many notes could not be."""
        self._lost = lost
        self._writer.start()

    def __call__(self, searched: Searched) -> None:
        """Note a search.

        Raises:
            BusyError: Too many notes wait; this one is lost.
        """
        asked, answer, when, teams = searched.asked, searched.answer, searched.when, searched.teams
        self._add(_QUERIES, _Note(when.date(), lambda text: query_record(when, asked, answer, text, teams), asked.query))
        self._shown.add(answer.query_id, asked.client_id, [hit.id for hit in answer.results])

    def event(self, asked: EventRequest) -> EventResponse:
        """Note what became of a search.

        Raises:
            ApiError: A field is missing, or the search is unknown, has not shown the document, or has too many events.
            BusyError: Too many notes wait: send it again.
        """
        client = asked.client_id or self._shown.client_of(asked.query_id)
        place = None if asked.action_name == "ticket" else self._place(asked)
        self._shown.count(asked.query_id)
        when = datetime.now(UTC)
        record = event_record(when, asked, place, client)
        self._add(_EVENTS, _Note(when.date(), lambda _: record))
        return EventResponse(
            query_id=asked.query_id,
            action_name=asked.action_name,
            object_id=asked.object_id if place else None,
            position=place,
            timestamp=stamp(when),
        )

    def _place(self, asked: EventRequest) -> int:
        needed = {"object_id": asked.object_id} | (
            {"dwell_seconds": asked.dwell_seconds} if asked.action_name == "leave" else {}
        )
        missing = next((name for name, value in needed.items() if value is None), None)
        if missing:
            said = f"{missing}: it is missing, and {asked.action_name!r} needs it"
            raise ApiError(400, said, param=missing, code="invalid_value")
        return self._shown.place(asked.query_id, asked.object_id or "")

    def _add(self, kind: str, note: _Note) -> None:
        with self._changing:
            waiting = len(self._notes[kind])  # a flood of events loses no search
            if waiting >= self.waiting or self._ended.is_set():
                raise BusyError(waiting, self.every)
            self._notes[kind].append(note)

    def close(self) -> None:
        """Write what waits, and let go of the folder."""
        self._ended.set()
        if self._writer.is_alive():
            self._writer.join()
        else:
            self._write_all()
        if left := sum(map(len, self._notes.values())):
            self._lost(left)
            _LOG.error("not recorded", extra={"notes": left, "reason": self._said})
        self._files.close()
        self._lock.release()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        began = time.monotonic()
        while not self._ended.wait(max(0.0, began + self.every - time.monotonic())):
            began = time.monotonic()
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        """Write what waits, as far as the disk takes it."""
        try:
            wrote = [self._write(kind) for kind in self._notes]
            if any(wrote):
                self._files.sync()
            said = ""
        except OSError as error:
            said = str(error)
        if said and said != self._said:
            _LOG.error("the event log cannot be written", extra={"reason": said})
        self._said = said

    def _write(self, kind: str) -> int:
        """Append the notes of a kind that wait now, and return how many there were."""
        notes, wrote = self._notes[kind], 0
        waiting = len(notes)
        while wrote < waiting:
            with self._changing:
                batch = _of_one_day(notes)
            try:
                self._files.append(kind, batch[0].day, self._lines(batch))
            except OSError:
                raise
            except Exception:
                self._lost(len(batch))
                _LOG.exception("not recorded", extra={"notes": len(batch)})
            with self._changing:
                for _ in batch:
                    notes.popleft()
            wrote += len(batch)
        return wrote

    def _lines(self, notes: list[_Note]) -> list[str]:
        private = [note.text for note in notes if note.text]
        texts = dict(zip(private, self._redact(private), strict=True)) if private else {}
        return [json.dumps(note.record(texts.get(note.text, ""))) for note in notes]


def _of_one_day(notes: deque[_Note]) -> list[_Note]:
    """Return the first notes, all of one day and not too many."""
    day = notes[0].day
    return list(takewhile(lambda note: note.day == day, islice(notes, TOGETHER)))


def _claimed(folder: Path) -> FileLock:
    """Return the lock of a folder, held."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", thread_local=False)  # another thread lets go of it
        lock.acquire(timeout=0)
    except Timeout:
        said = f"another service records in {folder}: pass another --events, or --no-events"
        raise DataError(said) from None
    except OSError as error:
        said = f"searches cannot be recorded in {folder} ({error}): pass another --events, or --no-events"
        raise DataError(said) from None
    return lock


def _shown_lately(folder: Path) -> Shown:
    """Return which documents the searches of the last two files have shown: their pages may still be open."""
    shown = Shown()
    files = [file for file in folder.glob(f"{_QUERIES}-*.jsonl") if file.is_file()]
    for file in sorted(files, key=lambda file: file.stat().st_mtime)[-2:]:
        try:
            _add_all(file, shown)
        except DataError as error:  # what somebody else has written there keeps no service from starting
            _LOG.warning("a day's searches cannot be read", extra={"reason": str(error)})
    return shown


def _add_all(file: Path, shown: Shown) -> None:
    for line, fields in records(file):
        read = UbiRecord(file, line, fields, ExportFormat()).read() if isinstance(fields, dict) else None
        if isinstance(read, UbiQuery):
            shown.add(read.query_id, read.client or None, read.hits)
