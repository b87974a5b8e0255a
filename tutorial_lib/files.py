"""Files and folders: read only where plain files stand, written whole or not at all, by one writer at a time.

And where the folders are that come with the course.
"""

from __future__ import annotations

import errno
import json
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

_CHECKOUT = {
    "notebooks": "notebooks",
    "support_desk": "data/support_desk",
    "results": "benchmarks/results",
    "support_desk_year2": "data/support_desk_year2",
    "docs/img": "docs/img",
}
"""Name of a folder of the course -> where it lies in a checkout."""


def course_folder(name: str) -> Path:
    """Return the folder ``name`` of the course: that of an installed package, else that of a checkout.

    The folder returned need not exist: a package built without it, outside a checkout, has none.

    Args:
        name: "notebooks", "support_desk" (the files of the written help centre), "support_desk_year2" (of its second year),
            "results" (of the benchmarks) or "docs/img" (the drawings; from the notebooks they are ../docs/img).

    Raises:
        ValueError: The course has no such folder.

    >>> course_folder("support_desk").name
    'support_desk'
    """
    if name not in _CHECKOUT:
        raise ValueError(f"no folder {name!r}: pass one of {', '.join(_CHECKOUT)}")
    package = Path(__file__).resolve().parent
    shipped = package / "_course" / name
    return shipped if shipped.is_dir() else package.parent / _CHECKOUT[name]


_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def obstacle(path: Path) -> str | None:
    """Return what stands at ``path`` in place of a plain file, "a pipe" say; None if it is one, or nothing is there.

    To be asked before anything is opened that others may have put there: a pipe is waited for, and some devices read, without
    end.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        return "a link that leads nowhere" if path.is_symlink() else None
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "a device")


def plain(path: Path) -> Path:
    """Return ``path``, at which there is a plain file or nothing.

    Raises:
        OSError: Something else is there (``obstacle``).
    """
    if found := obstacle(path):
        raise OSError(f"{path} is {found}: put a plain file there, or remove it")
    return path


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file under a temporary name and rename it: readers never see half of it.

    The name is no other writer's: of two that replace a file at the same moment, the one that is done last wins.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, a line a field, letters of any script as they are; whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False))


_OF_A_FILE = ("inline_container.cc", "iostream error", "PytorchStreamWriter")
"""What torch's errors hold when a file could not be written."""


@contextmanager
def told_as_os_errors(folder: Path) -> Iterator[None]:
    """Within the block, what torch and safetensors say of a full disk in errors of their own is told as an ``OSError``.

    Args:
        folder: Where files are written: the message says how much room is left there.

    Raises:
        OSError: A file could not be written.
    """
    try:
        yield
    except Exception as error:
        if type(error).__name__ != "SafetensorError" and not any(sign in str(error) for sign in _OF_A_FILE):
            raise
        free = shutil.disk_usage(folder).free / 1e6
        said = " ".join(str(error).split())
        raise OSError(f"a file could not be written to {folder}, where {free:,.1f} MB are free: {said}") from error


@contextmanager
def new_folder(path: Path, part: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, and rename it to ``path`` when the block ends.

    A folder that stands at ``path`` is replaced, but only then; if the block raises, it stays and nothing new is left.

    Args:
        path: Where the folder is to stand.
        part: The temporary folder, on the same disk, if it needs a name of its own; what stands there is deleted.

    Yields:
        An empty folder to write into.

    Raises:
        OSError: At ``path`` stands something that is no folder; nothing is written then.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise OSError(f"{path} is {obstacle(path) or 'a file or a link'}, and a folder is to stand there: remove it")
    part = part or path.with_name(path.name + ".part")
    if part.is_symlink():
        part.unlink()
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)
    part.rename(path)


@contextmanager
def held(path: str | Path, refusal: Exception) -> Iterator[None]:
    """Hold the lock file ``path`` within the block; where another process or thread does, raise ``refusal`` at once."""
    try:
        lock = FileLock(path).acquire(timeout=0)
    except Timeout:
        raise refusal from None
    with lock:
        yield
