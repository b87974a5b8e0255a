"""``watch``: a decision for each week of a search log, and the exit status that a scheduler reads."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from tutorial_lib.cli.options import Flat
from tutorial_lib.data.paths import resolved
from tutorial_lib.monitoring.watch_settings import WatchSettings
from tutorial_lib.monitoring.watched import Watched


@dataclass(frozen=True)
class Watch:
    """Compare a search log, week by week, with the searches that a run's model learned from.

    One line a week; what was found stays in the run's folder, as watch/watch.json and watch/watch.png. The exit status tells
    the newest week that had enough searches: 0 fine, 10 look, 20 retrain.

    Attributes:
        folder: Folder of a run, made by run or train.
        log: Search log since the model was made, in one of the forms that --searches of run takes.
        before: Search log of the time before; by default the one that the run learned from. Without either, the first weeks
            of --log say what is usual.
        columns: TOML file that says which column of the logs holds what; by default as the run read its own.
        device: cpu, cuda or cuda:N; by default a GPU if there is one.
        settings: How searches are watched.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    log: str
    before: str | None = None
    columns: str | None = None
    device: str | None = None
    settings: Annotated[WatchSettings, Flat] = field(default_factory=WatchSettings)

    def run(self) -> int:
        """Watch, print a line a week, save what was found, and return the exit status.

        Raises:
            DataError: The folder holds no run with a model, or a log cannot be used, or is not this run's.
            ModelError: The model cannot be read.
            OSError: What was found cannot be written.
        """
        from tutorial_lib.data.columns import Columns
        from tutorial_lib.models.hardware import named_device
        from tutorial_lib.monitoring.run import FOLDER, watch_run
        from tutorial_lib.run_marker import folder_of

        found = watch_run(
            self.folder,
            resolved(self.log),
            before=resolved(self.before) if self.before else None,
            columns=Columns.read(self.columns) if self.columns else None,
            settings=self.settings,
            device=named_device(self.device),
        )
        save(found, folder_of(self.folder) / FOLDER)
        for note in found.notes:
            print(note, file=sys.stderr)
        print("\n".join(lines(found)))
        return found.status


def save(found: Watched, folder: Path) -> None:
    """Write what was found and its figure into ``folder``, together or not at all."""
    from tutorial_lib import plots
    from tutorial_lib.files import new_folder

    with new_folder(folder) as part:
        found.save(part / "watch.json")
        plots.watched(found.readings()).savefig(part / "watch.png", dpi=150)


def lines(found: Watched) -> list[str]:
    """Return a line a week, the reasons of the newest decision, and the decision."""
    weeks = [f"{w.monday}  {w.searches:5,} searches  {w.decision:8}{', '.join(w.raised)}" for w in found.weeks]
    newest = found.newest
    reasons = [f"  {reason}" for reason in newest.reasons]
    return [*weeks, f"week of {newest.monday}: {newest.decision}", *reasons]
