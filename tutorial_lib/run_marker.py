"""What a workspace is of, noted in its folder: a folder holds the run of one dataset, one model and one set of settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tutorial_lib.data.dataset import DataError
from tutorial_lib.files import write_json
from tutorial_lib.run_settings import RunSettings, from_record


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


def noted_in(root: Path) -> Marker | None:
    """Return what ``root`` is the workspace of; None if there is nothing yet.

    Raises:
        DataError: It holds files that are no workspace, or one of another version of this package.
    """
    file = root / "workspace.json"
    if file.exists():
        try:
            marker = Marker(**json.loads(file.read_text(encoding="utf-8")))
            from_record(RunSettings, marker.settings)
        except (TypeError, ValueError):
            advice = "pass another folder, or delete this one"
            raise DataError(f"{root} was made by another version of this package: {advice}") from None
        return marker
    if root.is_file() or (root.is_dir() and any(root.iterdir())):
        raise DataError(f"{root} exists and is no workspace: pass a new or empty folder")
    return None


def claim(root: Path, marker: Marker) -> None:
    """Note in ``root`` what it is the workspace of.

    Raises:
        DataError: It is that of something else, or was trained with other settings; every difference is named.
    """
    noted = noted_in(root)
    if noted == marker:
        return
    if noted:
        _check_same_run(root, noted, marker)
    root.mkdir(parents=True, exist_ok=True)
    write_json(root / "workspace.json", asdict(marker))


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
