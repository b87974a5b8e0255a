"""The process around the application: its address, uvicorn's settings, and an end without a broken answer."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from tutorial_lib.data.dataset import DataError
from tutorial_lib.serving.guards import HEADER_BYTES
from tutorial_lib.serving.keys import VARIABLE, Keys

CONNECTIONS = 1000
"""Open at a time; who comes then is told to come again."""

KEEP_ALIVE_SECONDS = 75
"""That a connection stays open without a request: longer than proxies keep theirs, which else ask into a closed one."""


def check_address(host: str, keys: Keys) -> None:
    """Refuse an address that others reach, where no key is asked for.

    Raises:
        DataError: It is one.
    """
    if not is_local(host) and not keys:
        raise DataError(
            f"--host {host} lets others reach the service, and no key is asked for: set {VARIABLE} to one or several keys "
            "(openssl rand -hex 24 makes one), or leave --host out"
        )


def is_local(host: str) -> bool:
    """Return whether only this machine reaches ``host``.

    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def names_of(host: str) -> tuple[str, ...]:
    """Return by what names requests may call a service at ``host``: any, where others reach it."""
    return ("localhost", "127.0.0.1", "[::1]", host.lower()) if is_local(host) else ("*",)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket at ``host`` and ``port``; with port 0 at a free one.

    Raises:
        DataError: Another program has the port, or the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once (TCP_NODELAY) only where a socket names its protocol; else each waits some 40 ms.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise DataError(f"port {port} of {host} is in use: pass another --port, or stop what listens there") from None
        raise DataError(f"{host}, port {port}, cannot be listened at ({error}): pass another --host or --port") from None
    return made


def configured(app: FastAPI, seconds: float) -> uvicorn.Config:
    """Return uvicorn's settings; ``seconds`` is how long requests may take that are being answered at the end."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=round(seconds),
    )


def run(app: FastAPI, listening: socket.socket, seconds: float) -> None:
    """Serve until Ctrl-C or SIGTERM, then answer what has been asked already.

    Args:
        app: The application.
        listening: What ``bound`` returned.
        seconds: That the last answers may take.
    """
    with _ended_by_uvicorn():
        uvicorn.Server(configured(app, seconds)).run(sockets=[listening])


@contextmanager
def _ended_by_uvicorn() -> Iterator[None]:
    """Within the block the signals that uvicorn has heeded do nothing more: it raises them once more when it is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    done: Callable[..., None] = lambda *_: None  # noqa: E731
    before = {number: signal.signal(number, done) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
