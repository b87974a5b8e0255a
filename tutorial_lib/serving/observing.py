"""Around every request: a number to speak of it by, its time and status counted and logged, no failure without an answer."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.metrics import Metrics

_LOG = logging.getLogger(__name__)
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Observed:
    """An ASGI application around another that counts, logs, and answers where the other fails."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        """Observe ``app``."""
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and note what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        sent = Headers(scope=scope).get("x-request-id", "")
        number = sent if _ID.fullmatch(sent) else uuid.uuid4().hex

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = number
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            _LOG.exception("failed", extra={"request_id": number})
            if not status:
                await _failure(number).response()(scope, receive, noting)
        finally:
            self._note(scope, status, time.monotonic() - began, number)

    def _note(self, scope: Scope, status: int, seconds: float, number: str) -> None:
        # The pattern of the path, not the path: that is what a stranger has typed, and there are endlessly many.
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.answered(route, method, status, seconds)
        note = {"request_id": number, "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        _LOG.info("answered", extra=note)


def _failure(number: str) -> ApiError:
    return ApiError(500, f"this service has failed; its log says more of request {number}", code="internal_error")
