"""Rows of JSON Lines, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tutorial_lib.data.encoding import found_encoding, open_text


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield (line, row) of a JSON Lines file, or (line, what is wrong with it); empty lines are passed over.

    JSON is UTF-8 (RFC 8259), whatever encoding the tables beside it are in; only a byte order mark says otherwise.

    Raises:
        DataError: The file is not UTF-8; names the line.
    """
    encoding = found_encoding(path, "utf-8")
    with open_text(path, encoding, "JSON Lines are UTF-8: save the file as UTF-8") as file:
        for number, line in enumerate(_lines(file), 1):
            if line.strip():
                try:
                    yield number, parse_object(line)
                except ValueError as error:
                    yield number, f"{error}: write one JSON object a line"


def _lines(file: Iterable[str]) -> Iterator[str]:
    """Yield lines divided at line feeds only: a carriage return is white space to JSON."""
    begun: list[str] = []
    for part in file:
        begun.append(part)
        if part.endswith("\n"):
            yield "".join(begun)
            begun = []
    if begun:
        yield "".join(begun)


class _KeyTwiceError(ValueError):
    """An object names a key twice: which value is meant, nobody knows."""


def parse_object(text: str) -> dict[str, Any]:
    """Return the object that a JSON text holds.

    Raises:
        ValueError: It is no JSON, no object, names a key twice, is nested too deeply, or holds half a surrogate pair.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object)
        half = "\\u" in text and _has_half_a_pair(value)  # which may go a level deeper than reading did
    except _KeyTwiceError:
        raise
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deeply") from None
    except ValueError as error:  # also a number of more than 4,300 digits
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, not an object")
    if half:
        raise ValueError("a field holds half a surrogate pair, which is no character")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _KeyTwiceError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return found


def _has_half_a_pair(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False
