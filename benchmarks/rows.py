"""A record that grows row by row: what it holds already is not measured again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from tutorial_lib.files import write_text


class Rows:
    """The rows of a JSON file of figures, written anew, whole, whenever some are added.

    Attributes:
        rows: Those of the file, and those added.
    """

    def __init__(self, file: Path, command: str) -> None:
        """Read what an earlier call has left in ``file``; ``command`` is noted with it."""
        self.file, self.command = file, command
        self.rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"] if file.exists() else []

    def __contains__(self, job: dict[str, Any]) -> bool:
        """Return whether there is a row with these fields."""
        return any(job.items() <= row.items() for row in self.rows)

    def missing(self, folders: Sequence[str]) -> Iterator[tuple[str, Path]]:
        """Yield name and folder of each ``NAME=FOLDER`` that has no row when its turn comes."""
        for name, folder in (f.split("=", 1) for f in folders):
            if {"dataset": name} not in self:
                yield name, Path(folder)

    def add(self, *rows: dict[str, Any], **summaries: Any) -> None:
        """Add rows and write all of them, behind the machine and ``summaries``."""
        self.rows += rows
        record = {"command": self.command, "machine": description(), **summaries, "rows": self.rows}
        write_text(self.file, json.dumps(record, indent=1))
