"""JSON over HTTP: in time, tried again where that may help, and whatever goes wrong told in one line without the key."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from tutorial_lib.at_once import pause
from tutorial_lib.data.dataset import DataError

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses of a server that may answer later; what it refuses for good (401, 404, …) is not asked for again."""
SPENT = "insufficient_quota"
"""Code of a 429 that no waiting helps."""
LARGEST = 64_000_000
"""Bytes of a reply that are read at most: 2,048 vectors of 4,096 numbers in base64 take 45 million."""
OPENAI = "https://api.openai.com/v1"


class EndpointError(OSError):
    """A server did not do what it was asked; the message is one line and holds no key."""


@dataclass(frozen=True)
class HttpSettings:
    """How long a server is waited for, and how often it is asked again.

    Attributes:
        timeout: Seconds of one try, from connecting to the last byte.
        retries: Tries after the first, where the server is busy, broken or out of reach.
        pause: Seconds before the second try; each later pause is twice as long, and all vary by half, so that many
            clients do not come back at once. A server that names a time is waited for so long.
        longest_pause: Seconds of a pause at most.
    """

    timeout: float = 60.0
    retries: int = 4
    pause: float = 1.0
    longest_pause: float = 60.0

    def __post_init__(self) -> None:
        if self.timeout <= 0 or self.retries < 0 or self.pause < 0 or self.longest_pause < 0:
            raise DataError(f"{self}: pass a timeout above 0, and retries and pauses of at least 0")


class _AgainError(Exception):
    """A try failed that another may mend; ``wait`` is for how many seconds the server asks, if it does."""

    def __init__(self, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.wait = wait


class JsonClient:
    """Posts JSON, over connections that are kept open; may be used by many threads at once."""

    def __init__(self, settings: HttpSettings | None = None, *, sleep: Callable[[float], None] = pause) -> None:
        """Take settings; nothing is connected yet.

        Args:
            settings: Time limits and retries.
            sleep: Waits between tries.
        """
        self.settings = settings or HttpSettings()
        self._sleep = sleep

    def post(
        self, url: str, body: Mapping[str, Any], *, headers: Mapping[str, str], secrets: tuple[str, ...] = ()
    ) -> tuple[Any, float]:
        """Return what the server answers to ``body``, decoded, and the seconds that the try which succeeded took.

        Redirects are not followed: they would carry the key elsewhere.

        Args:
            url: Where to post.
            body: Sent as JSON.
            headers: Sent with it.
            secrets: What no message may show: keys.

        Raises:
            EndpointError: The server cannot be reached, refuses, or answers what is no JSON.
            DataError: The package httpx is not installed.
        """
        tried = 0
        while True:
            began = time.monotonic()
            try:
                return _decoded(self._once(url, body, headers)), time.monotonic() - began
            except _AgainError as error:
                if tried == self.settings.retries:
                    tries = f" ({tried + 1} tries)" if tried else ""
                    raise EndpointError(one_line(f"{address(url)} {error}{tries}", secrets)) from None
                self._pause(tried, error.wait)
            except EndpointError as error:
                raise EndpointError(one_line(f"{address(url)} {error}", secrets)) from None
            tried += 1

    def _pause(self, tried: int, wait: float | None) -> None:
        pause = self.settings.pause * 2**tried * random.uniform(0.5, 1.5) if wait is None else wait
        self._sleep(min(pause, self.settings.longest_pause))

    def _once(self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
        """Return the bytes of a successful reply."""
        library, client = self._library
        limit = self.settings.timeout
        try:
            with client.stream("POST", url, json=dict(body), headers=dict(headers), timeout=limit) as response:
                read = _read_in_time(response, limit)
        except library.TimeoutException:
            raise _AgainError(f"no answer in {limit:g} s") from None
        except library.TransportError as error:
            raise _AgainError(f"cannot be reached, or hung up: {error}") from None
        except (library.InvalidURL, library.DecodingError, UnicodeError) as error:
            raise EndpointError(f"cannot be asked: {error}") from None
        if response.status_code in RETRIED and SPENT.encode() not in read:
            raise _AgainError(_refusal(response.status_code, read), _wait(response.headers.get("retry-after", "")))
        if not 200 <= response.status_code < 300:
            raise EndpointError(_refusal(response.status_code, read))
        return read

    @cached_property
    def _library(self) -> tuple[Any, Any]:
        """The package and a client of it: reading the certificates takes longer than many an answer."""
        try:
            import httpx
        except ImportError:
            raise DataError("to ask a server takes the package httpx: pip install 'tutorial-lib[rag]'") from None
        return httpx, httpx.Client()


def _read_in_time(response: Any, limit: float) -> bytes:
    """Return the body of a reply; a server that sends it drop by drop is not waited for."""
    end = time.monotonic() + limit
    read = bytearray()
    for chunk in response.iter_bytes():
        read += chunk
        if time.monotonic() > end:
            raise _AgainError(f"no whole answer in {limit:g} s")
        if len(read) > LARGEST:
            raise EndpointError(f"answered with more than {LARGEST:,} bytes")
    return bytes(read)


def _decoded(reply: bytes) -> Any:
    if not reply.strip():
        raise EndpointError("answered nothing: is this the address of an API?")
    try:
        return json.loads(reply)
    except (ValueError, RecursionError):
        raise EndpointError(f"answered what is no JSON ({_excerpt(reply)}): is this the address of an API?") from None


def _refusal(status: int, reply: bytes) -> str:
    """Return the status with what the server says of it, in the form of OpenAI or plainly."""
    try:
        said = json.loads(reply)
        said = said.get("error") or said.get("message") or said.get("detail") or said
        said = said.get("message", said) if isinstance(said, dict) else said
        text = said if isinstance(said, str) else json.dumps(said) if said else ""
    except (ValueError, RecursionError, AttributeError):
        text = _excerpt(reply)
    return f"answered {status}" + (f": {text}" if text else "")


def _excerpt(reply: bytes) -> str:
    return reply[:200].decode(errors="replace")


def _wait(retry_after: str) -> float | None:
    """Return for how many seconds a ``Retry-After`` header asks, given in seconds or as a date."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def api_url(base_url: str | None) -> str:
    """Return the address of an API that speaks as OpenAI's does, without a slash at its end.

    Args:
        base_url: The address up to "/v1"; by default that of OPENAI_BASE_URL, else OpenAI's own.

    Raises:
        DataError: It is none.

    >>> api_url("http://localhost:8000/v1/")
    'http://localhost:8000/v1'
    """
    url = (base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise DataError("base_url is no address: pass one such as http://localhost:8000/v1, or set OPENAI_BASE_URL")
    return url


def key_in(variable: str) -> str:
    """Return the key that an environment variable holds, or nothing.

    Raises:
        EndpointError: It holds what no header may: the message says so, and not what.
    """
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise EndpointError(f"{variable} holds spaces or signs that no key has: set it again")
    return key


def address(url: str) -> str:
    """Return ``url`` as it may be shown and kept: without a name, password or query in it.

    >>> address("https://me:secret@example.org/v1?key=secret")
    'https://example.org/v1'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def one_line(said: str, secrets: tuple[str, ...]) -> str:
    """Return what went wrong as one line, cut where it is long, with "***" for every secret.

    What a server sends may hold signs that a terminal obeys: they are shown as unknown ones.
    """
    line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(said.split()))
    for secret in filter(None, secrets):
        line = line.replace(secret, "***")
    return line if len(line) <= 400 else f"{line[:399]}…"
