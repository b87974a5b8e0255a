"""A service in a process of its own, asked over a socket byte by byte: what no client library would send."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "a-key-that-must-never-be-shown"


class Process:
    """``python -m tutorial_lib serve`` on a free port, which asks for KEY."""

    def __init__(self, run, index, log):
        self.flat, self.log, self.events, self.port = index, log, log.with_name("events"), 0
        self.arguments = [str(run), "--index", str(index), "--body-seconds", "2", "--events", str(self.events)]

    def start(self):
        command = [
            sys.executable,
            "-m",
            "tutorial_lib",
            "serve",
            *self.arguments,
            "--port",
            str(self.port),
            "--body-seconds",
            "2",
        ]
        environment = {**os.environ, "TUTORIAL_API_KEYS": KEY}
        environment.pop("TUTORIAL_WORKSPACE", None)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)
        self.port = self.port or self._said_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.wait(lambda: httpx.get(f"{self.url}/readyz").status_code == 200)
        return self

    def _said_port(self):
        found = []
        self.wait(lambda: found.append(re.search(r"http://127\.0\.0\.1:(\d+)", self.log.read_text())) or found[-1])
        return int(found[-1][1])

    def wait(self, condition):
        for _ in range(6000):
            try:
                if condition():
                    return
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(60)

    def client(self):
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)

    def send(self, content):
        """Send bytes and return all that comes back until the other side is done."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link:
            with suppress(OSError):  # it has hung up already
                link.sendall(content)
            parts = []
            with suppress(OSError):
                while part := link.recv(65536):
                    parts.append(part)
        return b"".join(parts)


def request(path, body=None, *, method=None, headers=()):
    """The bytes of a request with the right key: a POST of JSON if there is a body."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    first = f"{method or ('GET' if body is None else 'POST')} ".encode() + (
        path if isinstance(path, bytes) else path.encode()
    )
    lines = [first + b" HTTP/1.1", b"Host: localhost", b"Connection: close", f"Authorization: Bearer {KEY}".encode()]
    if body is not None:
        lines += [b"Content-Type: application/json", f"Content-Length: {len(content)}".encode()]
    return b"\r\n".join([*lines, *headers, b"", content])
