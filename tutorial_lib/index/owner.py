"""One writer at a time: a lock that a kill lets go of, and who holds it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout


@contextmanager
def held(path: str | Path, refusal: Exception) -> Iterator[None]:
    """Hold the lock file ``path`` within the block; where another process or thread does, raise ``refusal`` at once."""
    try:
        lock = FileLock(path).acquire(timeout=0)
    except Timeout:
        raise refusal from None
    with lock:
        yield


def user() -> str:
    """Return the name of the user this process belongs to."""
    return psutil.Process().username()


def whoami() -> str:
    """Return user@host: who builds a version of the index."""
    return f"{user()}@{socket.gethostname()}"
