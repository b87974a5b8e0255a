"""Where an index is, as it may be shown: in every form of address, what could be a secret is taken out."""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"


_PATH = re.compile(r"(?:[A-Za-z]:[\\/])?[^:]*\.db")
"""A file: after the drive there is no colon, and it ends as an embedded index does."""


def shown(address: str) -> str:
    """Return an address without user name, password, token, query and fragment, whether it can be used or not.

    What stands before the last "@" is hidden, for a password may hold any letter; so is what stands after "?",
    "#" or ";", and after a colon that no port follows. A path that ends in .db stays as it is.

    >>> shown("https://root:S3cret@milvus.example:19530")
    'https://***@milvus.example:19530'
    >>> shown("root:S3cret@milvus.example:19530")
    '***@milvus.example:19530'
    >>> shown("http://milvus.example:19530?token=S3cret")
    'http://milvus.example:19530?***'
    >>> shown("root:S3cret")
    'root:***'
    >>> shown("/home/ada@work/index.db")
    '/home/ada@work/index.db'
    """
    return _split(address)[0]


def secrets_in(address: str) -> list[str]:
    """Return the parts of an address that ``shown`` leaves out, whole and in pieces, the longest first.

    >>> secrets_in("http://root:S3%21cret@milvus.example")
    ['root:S3%21cret', 'root:S3!cret', 'S3%21cret', 'S3!cret']
    """
    hidden = _split(address)[1]
    pieces = {p for text in hidden for p in (text, text.split(":", 1)[-1], *_values(text))}
    found = {form for piece in pieces for form in (piece, unquote(piece)) if form}
    return sorted(found, key=lambda piece: (-len(piece), piece))


def _values(text: str) -> list[str]:
    return re.findall(r"=([^&;#]{4,})", text)  # a shorter one would take its letters out of every message


def _split(address: str) -> tuple[str, list[str]]:
    """Return what may be shown of an address, and what not."""
    if _PATH.fullmatch(address) and not re.search(r"[?#&;][^/\\]*=", address):
        return address, []
    scheme, rest = re.fullmatch(r"(\s*(?:[A-Za-z][\w+.-]*:/+|/{2,}|unix:)?)(.*)", address, re.DOTALL).groups()  # type: ignore[union-attr]
    user, at, place = rest.rpartition("@")
    if re.search(r"[?#;]", user):  # of a password, or of a query that holds an "@": what is the host cannot be told
        return f"{scheme}{HIDDEN}", [rest]
    place, mark, query = re.fullmatch(r"([^?#;]*)([?#;]?)(.*)", place, re.DOTALL).groups()  # type: ignore[union-attr]
    host, colon, port = place.partition(":")
    hidden = [user, query]
    if colon and not host.startswith("[") and "/" not in host and not re.match(r"\d+(/|$)|[\\/]", port):
        hidden.append(place)
        place = f"{host}:{HIDDEN}"
    text = f"{scheme}{HIDDEN}@{place}" if at else f"{scheme}{place}"
    return f"{text}{mark}{HIDDEN}" if mark else text, [part for part in hidden if part]
