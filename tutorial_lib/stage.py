"""One stage of a run: an artifact in a folder of its own, made under a lock, recorded, and renamed when it is complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from tutorial_lib.checksums import DamagedError, difference, read_sealed, sums_of, write_sealed
from tutorial_lib.files import new_folder, told_as_os_errors


@dataclass(frozen=True)
class Stage:
    """A stage of a run.

    Attributes:
        make: Fills a folder: (workspace, folder, **settings).
        inputs: What it is made from: other stages, "source" (the data), "encoder" (the base model).
        settings: Parts of ``RunSettings`` that it is made with.
        together: Whether all processes of a torchrun take part.
    """

    make: Callable[..., None]
    inputs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    together: bool = False


LOOK_EVERY = 0.2
"""Seconds between two looks of a process that waits for what another one makes."""
RECORD = "stage.json"
"""In each artifact's folder: what it was made from, and the sums of its files."""
_CHECKED: dict[Path, tuple[tuple[Any, ...], str | None]] = {}
"""Folder -> dates and sizes of its files when this process last looked at them, and what was wrong with one."""
Make = Callable[[Path], None]
"""Fills a folder that is empty yet."""


@dataclass(frozen=True)
class Wanted:
    """What a stage's artifact must have been made from.

    Attributes:
        name: Name of the stage and of its folder.
        inputs: Keys of what it is made from, by name.
        settings: Settings to make it with, as plain JSON values.
        together: Whether all processes of a torchrun take part in making it; otherwise the first one makes it.
    """

    name: str
    inputs: Mapping[str, str]
    settings: Mapping[str, Any]
    together: bool = False

    @property
    def key(self) -> str:
        """Hash of the name, the inputs, the settings and this package's version."""
        made_from = [self.name, dict(self.inputs), dict(self.settings), package_version()]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]


def package_version() -> str:
    """Return the version of this package, which is part of every record."""
    return version("tutorial-lib")


def record_of(root: Path, name: str) -> dict[str, Any] | None:
    """Return what is noted about a stage's artifact (settings, inputs, version, seconds, files), or None."""
    try:
        return read_sealed(root / name / RECORD)
    except DamagedError:
        return None


def artifact(root: Path, wanted: Wanted, make: Make) -> Path:
    """Return the folder of a stage's artifact; ``make`` fills it if it is missing, damaged, or was made from something else.

    What breaks off leaves nothing behind, and an older artifact as it was. Of several processes the first one makes and
    writes; the others wait until its record says that it is there, having taken part if that was wanted. Whether the files
    are those that were written is asked at the first use in a process, and again when one of them has another date or size.
    """
    if Processes.of_this_run().first:
        with FileLock(root / f".{wanted.name}.lock"):
            if damage := damage_of(root, wanted.name):
                _say(f"{wanted.name} is damaged: {damage}")
            if damage or not _is_current(record_of(root, wanted.name), wanted):
                _make(root, wanted, make)
        return root / wanted.name
    if wanted.together and not _is_whole(root, wanted):
        make(_part(root, wanted))
    while not _is_whole(root, wanted):
        time.sleep(LOOK_EVERY)
    return root / wanted.name


def damage_of(root: Path, name: str) -> str | None:
    """Return what is wrong with a stage's artifact: a file that is gone, cut short or changed; None if it is as written."""
    folder = root / name
    try:
        record = read_sealed(folder / RECORD)
    except DamagedError as error:
        return str(error)
    if record is None or record.get("version") != package_version():
        return None  # there is none, or it is made again anyway
    state = _state(folder, record["files"])
    looked = _CHECKED.get(folder.resolve())
    if looked is None or looked[0] != state:
        looked = _CHECKED[folder.resolve()] = (state, difference(folder, record["files"]))
    return looked[1]


def _state(folder: Path, names: Iterable[str]) -> tuple[Any, ...]:
    """Return dates and sizes of files: hashing is for what has changed since the last look."""
    found = [(folder / name) for name in names]
    return tuple((p.stat().st_mtime_ns, p.stat().st_size) if p.is_file() else None for p in found)


def _part(root: Path, wanted: Wanted) -> Path:
    """Return where the artifact is while it is being made."""
    return root / f"{wanted.name}.{wanted.key}.part"


def _is_whole(root: Path, wanted: Wanted) -> bool:
    return _is_current(record_of(root, wanted.name), wanted) and damage_of(root, wanted.name) is None


def _is_current(record: Mapping[str, Any] | None, wanted: Wanted) -> bool:
    made_from = (wanted.inputs, wanted.settings, package_version())
    return record is not None and (record["inputs"], record["settings"], record["version"]) == made_from


def _make(root: Path, wanted: Wanted, make: Make) -> None:
    _say(f"making {wanted.name} …")
    for left in root.glob(f"{wanted.name}.*.part"):  # of a kill, perhaps with other settings
        shutil.rmtree(left, ignore_errors=True)
    started = time.monotonic()
    with new_folder(root / wanted.name, _part(root, wanted)) as part, told_as_os_errors(root):
        make(part)
        _note(part, wanted, time.monotonic() - started)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _note(folder: Path, wanted: Wanted, seconds: float) -> None:
    record = {
        "stage": wanted.name,
        "key": wanted.key,
        "inputs": dict(wanted.inputs),
        "settings": dict(wanted.settings),
        "version": package_version(),
        "seconds": round(seconds, 3),  # a digit more or less of a long fraction may be the same number to the seal
        "files": sums_of(folder),
    }
    write_sealed(folder / RECORD, record)


def noted_seconds(root: Path) -> dict[str, float]:
    """Return what ``timed`` noted in ``root``; a damaged note counts as none, and that is said on stderr."""
    try:
        return read_sealed(root / "seconds.json") or {}
    except DamagedError as error:
        _say(f"{error}; the times in it are left out")
        return {}


@contextmanager
def timed(root: Path, name: str) -> Iterator[None]:
    """Note in ``root`` the seconds that the block takes under ``name``."""
    started = time.monotonic()
    yield
    write_sealed(root / "seconds.json", {**noted_seconds(root), name: round(time.monotonic() - started, 3)})


@dataclass(frozen=True)
class Processes:
    """The processes that torchrun has started for one run; by default this one alone.

    Attributes:
        first: Whether this is the one that makes and writes what needs only one.
        leave: Ends their group.
    """

    first: bool = True
    leave: Callable[[], None] = lambda: None

    @classmethod
    def of_this_run(cls, *, on_cpu: bool | None = None) -> Processes:
        """Return the processes of this run.

        Args:
            on_cpu: Whether they compute on the CPU; to be said by the first call.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        from accelerate import PartialState

        backend = {"backend": "gloo"} if on_cpu else {}
        # Whoever is through with its part waits for the others within a step, and for the first as long as mining may take.
        state = PartialState(cpu=bool(on_cpu), timeout=timedelta(hours=12), **backend)
        return cls(state.is_main_process, state.destroy_process_group)
