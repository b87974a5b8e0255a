"""Which of two interleaved versions is preferred, read from the event log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.ubi import ANSWERED, CLICKS, UbiEvent, UbiQuery, UbiRecord, records, ubi_files
from tutorial_lib.serving.interleave import credit
from tutorial_lib.serving.preference import Preference


@dataclass
class _Search:
    """An interleaved search: which two versions, whose document is whose, who asked, what was clicked."""

    pair: tuple[str, str]
    teams: dict[str, str]
    client: str
    clicked: set[str] = field(default_factory=set)

    @property
    def won(self) -> int:
        live, candidate = self.pair
        counts = credit(self.teams, self.clicked)
        return int(np.sign(counts.get(candidate, 0) - counts.get(live, 0)))


def preferences(log: str | Path, *, planned: int | None = None) -> list[Preference]:
    """Return for each pair of versions that searches have interleaved which one is preferred, in the order of the log.

    A document counts for its version if it was clicked, or said to answer.

    Args:
        log: Folder of an event log in the User Behavior Insights schema, or one of its files.
        planned: Searches that were decided upon before the comparison began, if any were.

    Raises:
        DataError: There is no such log, a record of it is wrong (names file and line), or no search in it was interleaved.
    """
    path = Path(log)
    files = ubi_files(path) if path.exists() else []
    if not files:
        raise DataError(f"there is no event log in {log}: pass the folder that serve --events names")
    searches, clicks = _read(files)
    for query_id, documents in clicks.items():
        if query_id in searches:
            searches[query_id].clicked |= documents
    pairs: dict[tuple[str, str], list[_Search]] = defaultdict(list)
    for search in searches.values():
        pairs[search.pair].append(search)
    if not pairs:
        raise DataError(f"no search in {log} was interleaved: serve the run with --candidate and the number of a version")
    return [
        Preference(live, candidate, np.array([s.won for s in found]), [s.client for s in found], planned)
        for (live, candidate), found in pairs.items()
    ]


def _read(files: list[Path]) -> tuple[dict[str, _Search], dict[str, set[str]]]:
    """Return the interleaved searches by query id, and what was clicked; a line that a kill has cut is passed over."""
    searches: dict[str, _Search] = {}
    clicks: dict[str, set[str]] = defaultdict(set)
    options = ExportFormat()
    for file in files:
        for line, fields in records(file):
            read = UbiRecord(file, line, fields, options).read() if isinstance(fields, dict) else None
            if isinstance(read, UbiEvent) and read.action in {*CLICKS, ANSWERED}:
                clicks[read.query_id].add(read.document)
            elif isinstance(read, UbiQuery) and (found := _interleaved(fields, read, f"{file} line {line}")):
                searches[read.query_id] = found
    return searches, clicks


def _interleaved(fields: Any, query: UbiQuery, where: str) -> _Search | None:
    attributes = fields.get("query_attributes")
    if not isinstance(attributes, dict) or attributes.get("teams") is None:
        return None
    teams = attributes["teams"]
    if not isinstance(teams, dict) or not all(isinstance(team, str) for team in teams.values()):
        raise DataError(f"{where}: query_attributes.teams is {teams!r:.60}, not an object of texts")
    numbers = {number for team in teams.values() for number in team.split("+")}
    live = str(attributes.get("version"))
    if len(numbers) != 2 or live not in numbers:
        raise DataError(f"{where}: query_attributes.teams names the versions {sorted(numbers)}, not {live} and one other")
    return _Search((live, (numbers - {live}).pop()), teams, query.client or query.query_id)
