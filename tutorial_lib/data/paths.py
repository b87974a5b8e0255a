"""Paths that strangers pass: resolved, and checked to be what will be read, before anything opens them."""

from __future__ import annotations

from pathlib import Path

from tutorial_lib.data.dataset import DataError
from tutorial_lib.files import obstacle


def resolved(path: str | Path) -> Path:
    """Return ``path`` made absolute.

    Raises:
        DataError: It holds a character that no path can hold, or its links lead in a circle.
    """
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise DataError(f"{str(path)!r} is no path that can be read: {error}") from None


def is_there(path: Path) -> bool:
    """Return whether there is a plain file at ``path``.

    Raises:
        DataError: Something else is there: a folder, a pipe (which would be waited for without end), or a link that leads
            nowhere.
    """
    try:
        found = obstacle(path)
    except ValueError as error:
        raise DataError(f"{str(path)!r} is no path that can be read: {error}") from None
    if found:
        raise DataError(f"{path} is {found}: put a plain file there, or remove it")
    return path.exists()
