"""What a workspace is of, noted in its folder: a folder holds the run of one dataset, one model and one set of settings."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tutorial_lib.checksums import SEAL, DamagedError, read_sealed, write_sealed
from tutorial_lib.data.dataset import DataError
from tutorial_lib.files import held, obstacle
from tutorial_lib.run_settings import RunSettings, from_record

NOTE = "workspace.json"
"""In a workspace's folder: what it is of."""


@dataclass(frozen=True)
class Marker:
    """What is noted in ``workspace.json``.

    Attributes:
        dataset: The dataset as it was named: "aws_docs", "support_desk", or an absolute path.
        model: The base model as it was named.
        help_desk: Files and mapping of the help desk, if the dataset is one.
        settings: ``RunSettings.record()``.
    """

    dataset: str
    model: str
    help_desk: dict[str, Any] | None
    settings: dict[str, Any]


def folder_of(root: str | Path) -> Path:
    """Return the folder of the workspace at ``root``: the variable TUTORIAL_WORKSPACE, where set, replaces its parent."""
    elsewhere = os.environ.get("TUTORIAL_WORKSPACE")
    return Path(elsewhere, Path(root).name) if elsewhere else Path(root)


def noted_in(root: Path, *, told: bool = False) -> Marker | None:
    """Return what ``root`` is the workspace of; None if there is nothing yet.

    Args:
        root: Folder of a workspace.
        told: Whether the settings were told, so that a damaged note can be written anew: None is returned then.

    Raises:
        DataError: It holds files that are no workspace, or one of another version of this package, or a damaged note.
    """
    if found := obstacle(root / NOTE):
        raise DataError(f"{root / NOTE} is {found}: remove it, and give the command that made {root} again")
    try:
        noted = read_sealed(root / NOTE)
    except DamagedError as error:
        _refuse_damaged(root, error, told=told)
        return None
    if noted is not None:
        return _as_marker(root, noted)
    if root.exists() and not (root.is_dir() and all(map(_is_left, root.iterdir()))):
        raise DataError(f"{root} exists and is no workspace: pass a new or empty folder")
    return None


def _as_marker(root: Path, noted: dict[str, Any]) -> Marker:
    try:
        marker = Marker(**noted)
        from_record(RunSettings, marker.settings)
    except (TypeError, ValueError):
        raise _of_another_version(root) from None
    return marker


def _of_another_version(root: Path) -> DataError:
    return DataError(f"{root} was made by another version of this package: pass another folder, or delete this one")


def _refuse_damaged(root: Path, error: DamagedError, *, told: bool) -> None:
    try:
        unsealed = SEAL not in json.loads((root / NOTE).read_text(encoding="utf-8"))
    except (ValueError, RecursionError, TypeError):
        unsealed = False
    if unsealed:  # as it was noted before notes were sealed
        raise _of_another_version(root)
    if not told:
        raise DataError(f"{error}: give the command that made {root} again, with all its options, and it is noted anew")


def _is_left(path: Path) -> bool:
    """Return whether a file is what a kill or a full disk leaves of a run that had only begun: a lock, or half a note."""
    return path.match(".*.lock") or path.match(f"{NOTE}.*.part")


def claim(root: Path, marker: Marker, *, told: bool = False) -> None:
    """Note in ``root`` what it is the workspace of.

    Args:
        root: Folder of a workspace, made if need be.
        marker: What to note.
        told: As for ``noted_in``; that a damaged note is written anew is said on stderr.

    Raises:
        DataError: It is that of something else, or was trained with other settings; every difference is named.
    """
    noted = noted_in(root, told=told)
    if noted == marker:
        return
    if noted:
        _check_same_run(root, noted, marker)
    elif (root / NOTE).exists():
        print(f"{root / NOTE} was damaged: it is noted anew", file=sys.stderr, flush=True)  # noqa: T201
    root.mkdir(parents=True, exist_ok=True)
    write_sealed(root / NOTE, asdict(marker))
    for left in root.glob(f"{NOTE}.*.part"):
        left.unlink(missing_ok=True)


@contextmanager
def alone_in(root: Path) -> Iterator[None]:
    """Within the block this is the only run in ``root``. If nothing was made in a new folder, it is gone afterwards.

    Raises:
        DataError: Another run is at work there, or it holds something that is no workspace.
    """
    noted_in(root, told=True)
    fresh = [folder for folder in (root, *root.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    with held(root / ".run.lock", DataError(f"another run is at work in {root}: wait for it, or pass another folder")):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps what is open
                (root / ".run.lock").unlink()
            if fresh and not any(root.glob("*/stage.json")) and not any(root.glob("checkpoints.*/*")):
                _remove(fresh)


def _remove(fresh: list[Path]) -> None:
    """Delete a run's folder, and those above it that were made with it and hold nothing else."""
    shutil.rmtree(fresh[0], ignore_errors=True)
    with suppress(OSError):
        for folder in fresh[1:]:
            folder.rmdir()


def _check_same_run(root: Path, noted: Marker, marker: Marker) -> None:
    if noted.help_desk != marker.help_desk:
        raise DataError(f"{root} holds a run of other files or another mapping: pass another folder, or delete this one")
    for what in ("dataset", "model"):
        there, here = getattr(noted, what), getattr(marker, what)
        if there != here:
            raise DataError(f"{root} holds a run of {what} {there}, not {here}: pass another folder, or delete this one")
    mine, theirs = from_record(RunSettings, marker.settings), from_record(RunSettings, noted.settings)
    trained = (root / "adapter").is_dir() or any(root.glob("checkpoints.*/checkpoint-*"))
    if trained and (differing := mine.differences(theirs)):
        listed = ", ".join(differing)
        raise DataError(f"{root} holds a run with other settings: {listed}; pass the same, or another folder")
