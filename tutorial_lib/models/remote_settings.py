"""Which hosted embedding model is asked, how much at once, and what may be spent on it."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tutorial_lib.data.dataset import DataError
from tutorial_lib.http import HttpSettings, api_url

MOST_TEXTS = 2048
"""Texts that OpenAI takes in a request."""
MOST_TOKENS = 300_000
"""Tokens that OpenAI takes in a request, all texts together."""
TOO_LONG = ("cut", "refuse")
_OURS = frozenset({"model", "input", "encoding_format", "dimensions"})


@dataclass(frozen=True)
class RemoteSettings:
    """Which model is asked, where and how. The key is no setting: it stays in the environment.

    >>> RemoteSettings("text-embedding-3-small", "https://api.openai.com/v1", price=0.02).price
    0.02

    Attributes:
        model: Name by which the endpoint knows it.
        base_url: Address up to "/v1"; by default that of OPENAI_BASE_URL, else OpenAI's own.
        price: Money for a million tokens, in any currency; 0 for a server of one's own. Only for a server on this machine
            it need not be said.
        max_cost: Most that an encoder may spend, in that currency.
        dimensions: Numbers of a vector to ask for, where the model lets one choose; by default as many as it has.
        query_prompt: Text put before every query.
        document_prompt: Text put before every document.
        query_fields: Further fields of a request for vectors of queries, such as {"input_type": "query"}.
        document_fields: Likewise for documents.
        max_tokens: Tokens that the model reads of a text, its prompt included.
        too_long: What is done with a longer text: "cut" it there and say so, or "refuse" it.
        request_texts: Texts of a request at most.
        request_tokens: Tokens of a request at most.
        workers: Requests that are under way at once.
        key: Environment variable that holds the key.
        http: Time limits and retries.

    Raises:
        DataError: A value is none that the setting can have, or no price is named for a server elsewhere.
    """

    model: str
    base_url: str | None = None
    price: float | None = None
    max_cost: float = 1.0
    dimensions: int | None = None
    query_prompt: str = ""
    document_prompt: str = ""
    query_fields: Mapping[str, Any] = field(default_factory=dict)
    document_fields: Mapping[str, Any] = field(default_factory=dict)
    max_tokens: int = 8191
    too_long: str = "cut"
    request_texts: int = 256
    request_tokens: int = MOST_TOKENS
    workers: int = 4
    key: str = "OPENAI_API_KEY"
    http: HttpSettings = field(default_factory=lambda: HttpSettings(retries=8))

    def __post_init__(self) -> None:
        """Refuse what no request can be made with."""
        if not self.model:
            raise DataError("model is empty: pass the name by which the endpoint knows it")
        _check_address(self.url)
        _check_price(self)
        _check_sizes(self)
        for name in ("query_fields", "document_fields"):
            _check_fields(name, getattr(self, name))

    @property
    def url(self) -> str:
        """The address in use, without a slash at its end."""
        return api_url(self.base_url)

    def cost(self, tokens: int) -> float:
        """Return what so many tokens cost."""
        return (self.price or 0.0) * tokens / 1e6


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise DataError(
            "base_url holds a name, a password or a query, and is noted with the vectors: pass the address up to /v1 alone, "
            "and the key in the environment"
        )


def _check_price(settings: RemoteSettings) -> None:
    if settings.price is None and not _is_here(settings.url):
        raise DataError(
            f"price is not given: pass what a million tokens of {settings.model} cost, 0 for a server of your own; nothing "
            "is asked for before its cost is known"
        )
    if not (settings.price or 0) >= 0 or not settings.max_cost >= 0:
        raise DataError(f"price is {settings.price} and max_cost {settings.max_cost}: pass at least 0 for both")


def _is_here(url: str) -> bool:
    """Return whether an address is of this machine, where nobody is paid."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_sizes(settings: RemoteSettings) -> None:
    least = {name: getattr(settings, name) for name in ("max_tokens", "request_texts", "request_tokens", "workers")}
    least |= {} if settings.dimensions is None else {"dimensions": settings.dimensions}
    for name, value in least.items():
        if value < 1:
            raise DataError(f"{name} is {value}: pass at least 1")
    if settings.request_texts > MOST_TEXTS:
        raise DataError(f"request_texts is {settings.request_texts}: pass at most {MOST_TEXTS}")
    if settings.request_tokens < settings.max_tokens:
        raise DataError(
            f"request_tokens is {settings.request_tokens} and max_tokens {settings.max_tokens}: a text of that length would "
            "fit into no request, pass more for the first or less for the second"
        )
    if settings.too_long not in TOO_LONG:
        raise DataError(f"too_long is {settings.too_long!r}: pass one of {', '.join(TOO_LONG)}")


def _check_fields(name: str, fields: Mapping[str, Any]) -> None:
    if ours := _OURS & set(fields):
        raise DataError(f"{name} hold {', '.join(sorted(ours))}, which this package sets itself: leave it out")
    try:
        json.dumps(dict(fields), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} are no JSON ({error}): pass numbers, texts, lists and the like") from None
