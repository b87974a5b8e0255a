"""Who builds a version of the index."""

from __future__ import annotations

import socket

import psutil


def user() -> str:
    """Return the name of the user this process belongs to."""
    return psutil.Process().username()


def whoami() -> str:
    """Return user@host: who builds a version of the index."""
    return f"{user()}@{socket.gethostname()}"
