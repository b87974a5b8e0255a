"""Stages as a table: each artifact made when first asked for, after what it stands on, and remade when that has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from tutorial_lib.data.dataset import DataError
from tutorial_lib.run_marker import Marker, folder_of, noted_in
from tutorial_lib.run_settings import RunSettings, as_record, from_record
from tutorial_lib.stage import Stage, Wanted, artifact, damage_of, noted_seconds, record_of, timed


class Staged:
    """A folder of artifacts, one a stage; ``Workspace`` says which stages there are.

    Attributes:
        stages: Every stage by name, in the order they are made in.
        root: Folder of the artifacts.
        settings: Settings of all stages.
    """

    stages: ClassVar[Mapping[str, Stage]] = {}

    def __init__(self, root: Path, settings: RunSettings, *, told: bool) -> None:
        """Open the folder.

        Args:
            root: Folder of the artifacts.
            settings: Settings of all stages.
            told: Whether somebody asked for these settings: what was made with other ones is then made again.
        """
        self.root, self.settings, self._told = root, settings, told
        self._read: dict[str, tuple[str, Any]] = {}
        self._kept: dict[Hashable, tuple[list[str | None], Any]] = {}

    def need(self, stage: str, **settings: Any) -> Path:
        """Return the folder of ``stage`` (one of ``stages``), making it and what it stands on if need be.

        Args:
            stage: Name of the stage.
            settings: Settings to make it with, by the names of ``RunSettings``' parts. Without any, an artifact made with
                any settings is taken as it is; with some it is remade if they differ from those that made it.

        Raises:
            ValueError: There is no such stage, or it has no such settings.
        """
        if stage not in self.stages:
            raise ValueError(f"no stage {stage!r}: there are {', '.join(self.stages)}")
        made_by, given = self.stages[stage], {part: value for part, value in settings.items() if value is not None}
        if unknown := sorted(set(given) - set(made_by.settings)):
            raise ValueError(f"{stage} has no settings {unknown[0]!r}: there are {', '.join(made_by.settings) or 'none'}")
        used = self._used(stage, given) if made_by.settings else {}
        inputs = {name: self._key(name) for name in made_by.inputs}
        wanted = Wanted(stage, inputs, {part: as_record(value) for part, value in used.items()}, made_by.together)
        return artifact(self.root, wanted, lambda folder: made_by.make(self, folder, **used))

    def _used(self, stage: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings to make a stage with: those given or told; else those it was made with; else the defaults."""
        parts = {part: getattr(self.settings, part) for part in self.stages[stage].settings}
        record = self.record(stage)
        told = self._told and set(parts) <= set(as_record(self.settings))
        if record and not given and not told:
            try:
                return {part: from_record(type(own), record["settings"][part]) for part, own in parts.items()}
            except (KeyError, TypeError, ValueError):  # an older version made it, with settings that are no more
                pass
        return {**parts, **given}

    def record(self, stage: str) -> dict[str, Any] | None:
        """Return what is noted about a stage's artifact (settings, inputs, version, seconds), or None."""
        return record_of(self.root, stage)

    def _key(self, name: str) -> str:
        """Return what a stage's record says of its input ``name``, made if need be: equal as long as it is the same."""
        if name not in self.stages:
            return self.outside(name)
        self.need(name)
        return str((self.record(name) or {})["key"])

    def outside(self, name: str) -> str:
        """Return what a stage's record says of an input that is no stage: "source" (the data), "encoder" (the base model)."""
        raise NotImplementedError

    def _once(self, stage: str, read: Callable[[Path], Any]) -> Any:
        """Return what ``read`` makes of the folder of ``stage``, kept as long as that is the same."""
        folder, key, name = self.need(stage), self._key(stage), read.__qualname__
        if self._read.get(name, ("",))[0] != key:
            self._read[name] = (key, read(folder))
        return self._read[name][1]

    def while_unchanged(self, what: Hashable, make: Callable[[], Any]) -> Any:
        """Return what ``make`` gives, kept under the name ``what`` as long as no stage changes."""
        if what not in self._kept or self._kept[what][0] != self._state():
            made = make()  # which may make stages
            self._kept[what] = (self._state(), made)
        return self._kept[what][1]

    def _state(self) -> list[str | None]:
        return [record["key"] if (record := self.record(stage)) else None for stage in self.stages]

    def _told_by(self, stage: str) -> Any:
        """Return what the JSON file holds that is named as its stage, which is made if need be."""
        return json.loads((self.need(stage) / f"{stage}.json").read_text(encoding="utf-8"))

    def seconds(self) -> dict[str, float]:
        """Return the seconds each stage took when it was made, and those noted by ``timed``."""
        return {**{s: r["seconds"] for s in self.stages if (r := self.record(s))}, **noted_seconds(self.root)}

    def timed(self, name: str) -> AbstractContextManager[None]:
        """Note the seconds a block takes under ``name``."""
        return timed(self.root, name)


def finished_run(root: str | Path, stages: Iterable[str]) -> tuple[Path, Marker]:
    """Return the folder of a run that has these stages, and what it is a run of.

    Raises:
        DataError: There is no run, or it lacks one of them, or one is damaged; says what to do.
    """
    folder = folder_of(root)
    noted = noted_in(folder)
    if noted is None:
        raise DataError(f"there is no run in {root}: pass the folder that --out of run or train named")
    check_made(folder, stages)
    return folder, noted


def check_made(folder: Path, stages: Iterable[str]) -> None:
    """Refuse a run that lacks one of these stages, or whose files of it are damaged.

    Raises:
        DataError: Names the stage, and what to do.
    """
    for stage in stages:
        if damage := damage_of(folder, stage):
            raise DataError(f"{damage}: give the command that made {folder} again")
        if record_of(folder, stage) is None:
            raise DataError(f"the run in {folder} has no {stage} yet: give its command (run or train) again, it goes on")
