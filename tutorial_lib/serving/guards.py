"""What every request passes before it is read: the right host, a key, JSON, not too large, not too slow."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.keys import Keys
from tutorial_lib.serving.limits import Limits
from tutorial_lib.serving.page import FILES

_PORT = re.compile(r"(?<![\[:]):\d*$")
"""The port behind a name, or behind an address in brackets."""

HEADER_BYTES = 32_768
"""Of a request's line and headers together."""

OPEN = ("/healthz", "/readyz", "/docs", "/openapi.json", *FILES)
"""Paths that ask for no key: they show nothing of anybody's data."""


class Guards:
    """An ASGI application around another that refuses what must not reach it."""

    def __init__(self, app: ASGIApp, *, limits: Limits, keys: Keys, hosts: Sequence[str] = ("*",)) -> None:
        """Guard ``app``.

        Args:
            app: The application.
            limits: Of bodies.
            keys: Of which a request must bring one.
            hosts: Names that the service may be called by, or "*": a page of elsewhere whose name was made to lead to this
                machine calls it by another.
        """
        self.app, self.limits, self.keys, self.hosts = app, limits, keys, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the refusal, or let the request through with its body read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            _check_head(scope)
            self._check_host(headers)
            if scope["path"] not in OPEN:
                self.keys.check(headers.get("authorization"))
            if scope["method"] == "POST" and _has_body(headers):
                receive = await self._read(headers, receive)
        except ApiError as error:
            # What is left of the body is not waited for.
            await error.response({"Connection": "close"} if error.status in (408, 413, 431) else None)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        name = _PORT.sub("", headers.get("host", ""))
        if "*" not in self.hosts and name.lower() not in self.hosts:
            raise ApiError(400, "the Host of this request is no name of this service: see --hosts", code="invalid_host")

    async def _read(self, headers: Headers, receive: Receive) -> Receive:
        """Return a ``receive`` that gives the whole body.

        Raises:
            ApiError: It is no JSON by its type, too large, or too slow.
        """
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ApiError(415, f"the Content-Type is {kind or 'missing'}: send application/json", code="unsupported_type")
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and len(declared) < 20:
            self._check_size(int(declared))
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                body = await self._body(receive)
        except TimeoutError:
            limit = self.limits.body_seconds
            raise ApiError(408, f"the body has not come within {limit:g} s: send it again", code="timeout") from None
        return _replay(body, receive)

    async def _body(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            self._check_size(len(body))
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return bytes(body)

    def _check_size(self, size: int) -> None:
        if size > (most := self.limits.body_bytes):
            raise ApiError(413, f"the body has {size:,} bytes or more: send at most {most:,}", code="too_large")


def _check_head(scope: Scope) -> None:
    # The server's own limit is of what has not come whole: what comes at once passes it.
    address = (scope.get("raw_path") or b"", scope.get("query_string", b""))
    size = sum(map(len, address)) + sum(len(name) + len(value) for name, value in scope["headers"])
    if size > HEADER_BYTES:
        said = f"address and headers have {size:,} bytes: send at most {HEADER_BYTES:,}"
        raise ApiError(431, said, code="too_large")


def _has_body(headers: Headers) -> bool:
    return any(name in headers and headers[name] != "0" for name in ("content-length", "transfer-encoding", "content-type"))


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives ``body`` first."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
