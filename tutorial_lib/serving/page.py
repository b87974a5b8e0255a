"""The search page: three files without a build, which load nothing from elsewhere and show every text as text.

They hold nobody's data, so they ask for no key. What they ask the service for does: where it answers 401, the page asks for a
key and keeps it in memory until it is closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Content-Security-Policy: no script but the page's own file, and none that makes markup out of a text."""

FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
"""Path -> file and type."""

_HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
_FOLDER = Path(__file__).parent / "web"


def add_page(app: FastAPI) -> None:
    """Add the page to an application."""
    for path, (name, kind) in FILES.items():
        app.get(path, include_in_schema=False)(_giving((_FOLDER / name).read_bytes(), kind))


def _giving(content: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def file() -> Response:
        return Response(content, media_type=kind, headers=_HEADERS)

    return file
