"""Single values of a table, as text, as a flag, and those that are neither."""

from __future__ import annotations

from typing import Any

_YES_WORDS = """
    true t yes y 1 on x ja j oui o si sí s sim wahr vrai vero verdadero verdadeiro да 是 はい
"""
_YES = frozenset(_YES_WORDS.split())
_NO_WORDS = """
    false f no n 0 off none null nan - n/a na nein non falsch faux falso não nao nee нет 否 不 いいえ
"""
_NO = frozenset(_NO_WORDS.split())


class Repeated(list):
    """The cells of one row whose columns share a name, without the empty ones (Jira repeats a column for each value)."""


def cell_text(value: Any) -> str:
    """Return a cell as stripped text; empty for None and NaN, and without ".0" for whole numbers."""
    if value is None or value != value:  # NaN is unequal to itself
        return ""
    if isinstance(value, float) and value.is_integer():  # ids in a Parquet column with gaps
        value = int(value)
    return str(value).strip()


def merged(before: Any, value: Any) -> Repeated:
    """Return the cells of two columns of one name as one, without empty ones."""
    held = before if isinstance(before, Repeated) else [before]
    return Repeated(v for v in [*held, value] if isinstance(v, list | dict) or cell_text(v))


def flag(value: Any) -> bool | None:
    """Return what a cell says of yes and no (in seven languages, as letters and as 1 and 0), or None if it says neither.

    An empty cell says no.

    >>> [flag("Y"), flag("nein"), flag(""), flag("T-1001")]
    [True, False, False, None]
    """
    text = cell_text(value).casefold().removesuffix(".0")
    if not text or text in _NO:
        return False
    return True if text in _YES else None


def what_it_holds(value: Any) -> str:
    """Return in words what a cell holds that is no single value; empty for one that is.

    >>> what_it_holds({"html": "<p>Hi</p>", "text": "Hi"})
    'an object (html, text)'
    """
    if isinstance(value, dict):
        return f"an object ({', '.join(map(str, list(value)[:5]))})"
    if isinstance(value, list):
        inner = value[0] if value else None
        of = " of objects" if isinstance(inner, dict) else " of lists" if isinstance(inner, list) else ""
        return f"a list{of} of {len(value)}" if not of else f"a list{of} ({', '.join(map(str, list(inner or [])[:5]))})"
    return ""
