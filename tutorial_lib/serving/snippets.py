"""The part of a document to show: the one that holds most of the query's words."""

from __future__ import annotations

import re
from bisect import bisect_right

from tutorial_lib.text import tokenize

LENGTH = 240
"""Characters of a snippet, about two lines of a page."""

_WORD = re.compile(r"\w+")


def snippet(text: str, query: str, length: int = LENGTH) -> str:
    """Return at most ``length`` characters of ``text``, whole words, around most of the query's words; the first such part.

    >>> snippet("Plans renew by themselves. An annual plan is refunded within 14 days.", "annual plan refunded", 40)
    '… An annual plan is refunded within 14 …'
    """
    flat = " ".join(text.split())
    if len(flat) <= length:
        return flat
    asked = set(tokenize(query))
    words = [(m.start(), m.end(), m[0].lower() if m[0].lower() in asked else "") for m in _WORD.finditer(flat)]
    room = length - 4  # for the two marks of what is left out
    start = _best_start(words, room)
    ending = max((end for first, end, _ in words if first >= start and end <= start + room), default=start + room)
    return f"{'… ' if start else ''}{flat[start:ending]}{' …' if ending < len(flat) else ''}"


def _best_start(words: list[tuple[int, int, str]], room: int) -> int:
    """Return where the first part of ``room`` characters begins that holds most different words of the query.

    A quarter of the room is for what stands before the first of them.
    """
    before = room // 4
    marked = [word for word in words if word[2]]
    ends = [end for _, end, _ in marked]
    best, most = 0, 0
    for n, (start, _, _) in enumerate(marked):
        inside = {name for _, _, name in marked[n : bisect_right(ends, start + room - before)]}
        if len(inside) > most:
            best, most = start, len(inside)
    return next((start for start, _, _ in words if start >= best - before), 0)
