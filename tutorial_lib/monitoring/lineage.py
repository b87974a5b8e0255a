"""The line of generations: a run's folder and its successors beside it, each with a manifest of where it comes from.

desk/                       the first generation: any run with a model
desk-2/generation.json      the second: parent, data, settings, figures, gates, decision
desk-3/…
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tutorial_lib.checksums import DamagedError, read_sealed, write_sealed
from tutorial_lib.data.dataset import DataError
from tutorial_lib.run_marker import folder_of, noted_in
from tutorial_lib.staged import check_made

MANIFEST = "generation.json"
FINISHED = ("dataset", "model")
"""Stages that a generation can be the parent of another with."""
FIRST, SHIPPED, KEPT_BACK, UNDER_WAY = "first", "shipped", "kept back", "under way"
"""What became of a generation."""


@dataclass(frozen=True)
class Generation:
    """What is noted of one generation.

    Attributes:
        number: 1, 2, 3, …
        folder: Name of its folder, beside the first one.
        parent: Number of the generation it was gathered from, and judged against; 0 for the first.
        asked: Hash of everything it was asked for with: the same again goes on, or says what came of it.
        base: Base model of the line, which "start: base" trains from.
        since: The log was read from this time on, in ISO 8601.
        until: Up to this time.
        settings: ``RetrainSettings`` as JSON values.
        data: Path and SHA-256 of each file of the log.
        gathered: How many pairs are old, new, left out.
        space: Fingerprint of its model's documents, by which an index knows it.
        figures: Exam -> nDCG@10 of the live model and of this one, difference, interval, p, queries.
        gates: One line a requirement, failed ones first.
        decision: One of the four above.
        index: Where it went live, as which version, and which one ``rollback`` goes back to.
        begun: In UTC.
        ended: In UTC; "" while under way.
        cpu_seconds: Processor time of this process and those it waited for, over all attempts.
    """

    number: int
    folder: str
    parent: int = 0
    asked: str = ""
    base: str = ""
    since: str = ""
    until: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    gathered: Mapping[str, Any] = field(default_factory=dict)
    space: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[str, ...] = ()
    decision: str = UNDER_WAY
    index: Mapping[str, Any] = field(default_factory=dict)
    begun: str = ""
    ended: str = ""
    cpu_seconds: float = 0.0

    @property
    def shipped(self) -> bool:
        """Whether it is or was live."""
        return self.decision in (FIRST, SHIPPED)


class Line:
    """All generations that go back to one run.

    Attributes:
        first: Folder of the first generation.
    """

    def __init__(self, run: str | Path) -> None:
        """Find the line that a run's folder belongs to.

        Raises:
            DataError: There is no run, the first one has no model yet, or something is damaged; says what to do.
        """
        folder = folder_of(run)
        noted = _manifest(folder)
        self.first = folder.with_name(re.sub(r"-\d+$", "", folder.name)) if noted else folder
        marker = noted_in(self.first)
        if marker is None:
            raise DataError(
                f"there is no run in {self.first}: make one first, python -m tutorial_lib train --out {self.first}"
            )
        self._base = marker.model
        check_made(self.first, FINISHED)

    def folder(self, number: int) -> Path:
        """Return the folder of a generation, which need not be there yet."""
        return self.first if number == 1 else self.first.with_name(f"{self.first.name}-{number}")

    def generations(self) -> list[Generation]:
        """Return all generations by number.

        Raises:
            DataError: A manifest is damaged.
        """
        found = [Generation(1, self.first.name, base=self._base, decision=FIRST)]
        named = re.compile(rf"{re.escape(self.first.name)}-(\d+)")
        beside = (folder for folder in self.first.absolute().parent.iterdir() if named.fullmatch(folder.name))
        found += filter(None, map(_manifest, beside))
        return sorted(found, key=lambda generation: generation.number)

    def save(self, generation: Generation) -> Generation:
        """Write a generation's manifest into its folder, and return it."""
        write_sealed(self.folder(generation.number) / MANIFEST, asdict(generation))
        return generation


def history(run: str | Path) -> pd.DataFrame:
    """Return the generations that go back to a run, one row each: what it was made from, what was found, what became of it.

    Columns: folder, parent, start, log until, pairs (old + new), by exam nDCG@10 before -> after, decision, CPU minutes.

    Raises:
        DataError: There is no run, or a manifest is damaged.
    """
    rows = {}
    for g in Line(run).generations():
        exams = {exam: f"{f['before']:.3f} -> {f['after']:.3f}" for exam, f in g.figures.items()}
        pairs = f"{g.gathered['old']:,} + {g.gathered['new']:,}" if g.gathered else ""
        rows[g.number] = {
            "folder": g.folder,
            "parent": str(g.parent or ""),
            "start": g.settings.get("start", ""),
            "log until": g.until[:10],
            "pairs": pairs,
            **{exam: exams.get(exam, "") for exam in ("old", "new", "newest")},
            "decision": g.decision,
            "cpu min": f"{g.cpu_seconds / 60:.1f}" if g.cpu_seconds else "",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("generation")


def _manifest(folder: Path) -> Generation | None:
    try:
        record = read_sealed(folder / MANIFEST)
    except DamagedError as error:
        raise DataError(f"{error}: delete {folder}, and give the command that made it again") from None
    if record is None:
        return None
    return Generation(**{**record, "gates": tuple(record["gates"])})
