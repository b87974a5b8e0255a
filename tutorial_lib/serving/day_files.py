"""Lines appended to one file a day, whole or not at all, whatever becomes of the process and the disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import FileIO
from pathlib import Path

from tutorial_lib.files import plain

MOST_BYTES = 256_000_000
"""Of one file; the next of the same day has a number."""


@dataclass
class _Open:
    day: date
    file: FileIO


class DayFiles:
    """Files ``<kind>-<day>.jsonl`` in a folder, to which one process appends."""

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        """Open nothing yet.

        Args:
            folder: Where the files are; made again if it is gone.
            most: Bytes of a file after which a further one of the day is begun.
        """
        self.folder, self.most = folder, most
        self._open: dict[str, _Open] = {}

    def append(self, kind: str, day: date, lines: Sequence[str]) -> None:
        """Append lines to the file of a kind and day; after a failure none of them is there.

        Args:
            kind: First part of the file's name.
            day: The other part; may lie before that of earlier lines, where a clock went back.
            lines: Without line breaks.

        Raises:
            OSError: They cannot be written: the disk is full, say.
        """
        file = self._file(kind, day)
        before = file.seek(0, os.SEEK_END)
        content = memoryview("".join(f"{line}\n" for line in lines).encode())
        try:
            while content:
                content = content[file.write(content) or 0 :]
        except OSError:
            file.truncate(before)
            raise

    def sync(self) -> None:
        """Have the disk hold what was appended.

        Raises:
            OSError: It cannot.
        """
        for opened in self._open.values():
            os.fsync(opened.file.fileno())

    def close(self) -> None:
        """Close the files."""
        for opened in self._open.values():
            opened.file.close()
        self._open.clear()

    def _file(self, kind: str, day: date) -> FileIO:
        opened = self._open.get(kind)
        if opened and opened.day == day and self._takes_more(opened.file):
            return opened.file
        if opened:
            os.fsync(opened.file.fileno())
            opened.file.close()
            del self._open[kind]
        self._open[kind] = _Open(day, self._begun(kind, day))
        return self._open[kind].file

    def _takes_more(self, file: FileIO) -> bool:
        found = os.fstat(file.fileno())
        return found.st_nlink > 0 and found.st_size < self.most  # without a name it was deleted under us

    def _begun(self, kind: str, day: date) -> FileIO:
        """Open the newest file of a day; where its last line was cut, lines to come begin on a new one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number, path = 1, self.folder / f"{kind}-{day}.jsonl"
        while path.exists() and path.stat().st_size >= self.most:
            number += 1
            path = self.folder / f"{kind}-{day}.{number}.jsonl"
        file = FileIO(plain(path), "ab+")
        try:
            if file.seek(0, os.SEEK_END) and _last_byte(file) != b"\n":
                file.write(b"\n")
        except OSError:
            file.close()
            raise
        return file


def _last_byte(file: FileIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
