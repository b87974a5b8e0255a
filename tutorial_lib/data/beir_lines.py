"""Lines of a BEIR folder's files: articles, queries, and the text lines under both and the judgments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.json_rows import parse_object
from tutorial_lib.data.paths import is_there
from tutorial_lib.text import has_words


def read_records(path: Path, notes: list[str], *, drop_blank: bool) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return the usable rows by id, and the ids of blank ones."""
    if not is_there(path):
        packed = path.with_name(path.name + ".gz")
        hint = f" ({packed.name} lies there: unpack it)" if packed.exists() else ""
        raise DataError(f"{path} is missing{hint}: a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/train.tsv")
    rows: dict[str, dict[str, Any]] = {}
    line_of: dict[str, int] = {}
    blank: dict[str, int] = {}
    for number, line in numbered_lines(path):
        row = _parse_line(line, f"{path.name} line {number}")
        id_ = row["_id"]
        if id_ in line_of:
            raise DataError(
                f'{path.name} line {number}: "_id" {id_!r} was already used on line {line_of[id_]}: '
                "give each line an id of its own"
            )
        line_of[id_] = number
        if has_words(f"{row.get('title') or ''} {row['text']}"):
            rows[id_] = row
        else:
            blank[id_] = number
    if blank and not drop_blank:
        shown = ", ".join(map(str, list(blank.values())[:5])) + (", …" if len(blank) > 5 else "")
        raise DataError(
            f'{path.name} line {shown}: "text" has no letter or digit in {len(blank)} of {len(line_of)} '
            "lines: give them text, or pass drop_blank=True (--drop-blank) to leave them out"
        )
    if blank:
        notes.append(f"{path.name}: {len(blank)} of {len(line_of)} lines have no letter or digit and were left out")
    if not rows:
        raise DataError(f"{path.name} holds no usable line: pass at least one JSON object with _id and text")
    return rows, set(blank)


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line) of a UTF-8 file, skipping empty lines."""
    # Split at "\n" only: JSON may hold U+2028 and other characters that str.splitlines would break at.
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path.name} line {number}: not UTF-8 ({error.reason} at byte {error.start}): save the file as UTF-8"
                ) from None
            if line.strip():
                yield number, line


def _parse_line(line: str, where: str) -> dict[str, Any]:
    try:
        row = parse_object(line)
    except ValueError as error:
        raise DataError(f'{where}: {error}: write an object such as {{"_id": …, "text": …}}') from None
    for key in ("_id", "text"):
        if key not in row:
            raise DataError(f'{where}: no "{key}" (keys: {", ".join(row) or "none"}): add the field "{key}"')
    if isinstance(row["_id"], int) and not isinstance(row["_id"], bool):
        row["_id"] = str(row["_id"])
    for key in ("_id", "text", "title"):
        value = row.get(key) if key != "title" else (row.get(key) or "")
        if not isinstance(value, str):
            raise DataError(f'{where}: "{key}" is {type(value).__name__} ({value!r:.60}): pass a string')
    if not row["_id"].strip() or any(c in row["_id"] for c in "\t\r\n"):
        raise DataError(f'{where}: "_id" is {row["_id"]!r}: pass an id that is not blank and holds no tab or line break')
    if not isinstance(row.get("metadata") or {}, dict):
        raise DataError(f'{where}: "metadata" is {type(row["metadata"]).__name__}: pass an object')
    return row
