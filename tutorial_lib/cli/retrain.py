"""``retrain``: a new generation of a run's model from the log, live only if it passes the gates."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from tutorial_lib.cli.options import Flat
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.paths import resolved
from tutorial_lib.monitoring.lineage import Generation, Line
from tutorial_lib.monitoring.log_files import LogFiles
from tutorial_lib.monitoring.settings import RetrainSettings
from tutorial_lib.run_marker import noted_in

KEPT_BACK = 3
"""Exit status where a gate failed: the old model stays live. ``run --gate`` has the same for "do not ship"."""


@dataclass(frozen=True)
class Retrain:
    """Make a new generation from the log beside the run, and put it live if it passes the gates.

    The exit status is 0 if it is live, 3 if a gate failed and the old model stays, 2 if nothing is new or something cannot be
    used. The same command goes on after an interruption.

    Attributes:
        folder: Folder of a run that has a model, or of any generation after it.
        log: Search log, or events of the service.
        tickets: Ticket export, if there is a new one.
        articles: Articles as they are now; without it those of the generation before.
        golden: Judged queries as they are graded now, JSON Lines (query_id, query, grades): those that the exam has get these
            grades, the others are the new exam.
        columns: TOML file that says which column holds what; by default that of the first run.
        index: A Milvus file (.db) or address, or the folder of a flat index; by default MILVUS_URI, else the first run's own
            file, made if need be. A file is one process's alone: stop the service first, or serve from one of the others.
        index_name: Name of the index there.
        settings: How.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    log: str | None = None
    tickets: str | None = None
    articles: str | None = None
    golden: str | None = None
    columns: str | None = None
    index: str | None = None
    index_name: str = "articles"
    settings: Annotated[RetrainSettings, Flat] = field(default_factory=RetrainSettings)

    def run(self) -> int:
        """Do what is left to do and print what came of it; return the exit status.

        Raises:
            DataError: There is no run, nothing is new, or something cannot be used.
            ModelError: A model cannot be used.
        """
        files = self._files()  # what is missing is told before torch is loaded
        first = Line(self.folder).first
        from tutorial_lib.cli.served_run import open_index, place_of
        from tutorial_lib.monitoring.retraining import retrain

        place = place_of(first, self.index)
        generation = retrain(self.folder, files, self.settings, partial(open_index, place, self.index_name))
        print(result_lines(generation))
        return 0 if generation.shipped else KEPT_BACK

    def _files(self) -> LogFiles:
        paths = {
            "searches": self.log,
            "tickets": self.tickets,
            "articles": self.articles,
            "golden": self.golden,
        }
        return LogFiles(**{what: resolved(path) if path else None for what, path in paths.items()}, columns=self._columns())

    def _columns(self) -> Columns:
        if self.columns:
            return Columns.read(self.columns)
        noted = noted_in(Line(self.folder).first)
        desk = noted.help_desk if noted else None
        return Columns.from_record(desk["columns"]) if desk else Columns()


def result_lines(generation: Generation) -> str:
    """Return what a generation's exams and gates say, and what became of it."""
    lines = [
        f"{exam:8}{f['before']:.3f} -> {f['after']:.3f}  ({f['low']:+.3f} to {f['high']:+.3f}, {f['queries']} queries)"
        for exam, f in generation.figures.items()
    ]
    lines += generation.gates
    told = f"generation {generation.number} ({generation.folder}): {generation.decision}"
    if generation.index:
        version, before = generation.index["version"], generation.index["before"]
        told += f", version {version} of the index is live" + (f"; rollback goes back to version {before}" if before else "")
    return "\n".join([*lines, told])
