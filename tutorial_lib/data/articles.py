"""The articles of a help centre's export."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tutorial_lib.data.cells import cell_text
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError, Document
from tutorial_lib.data.table import Table, open_table
from tutorial_lib.text import has_words


class Articles(NamedTuple):
    """The articles of an export by ascending id, and what is to be said about the reading of it."""

    corpus: dict[str, Document]
    notes: tuple[str, ...]


def read_articles(path: str | Path, columns: Columns | None = None) -> Articles:
    """Return the articles of an export; ``superseded_by`` and ``created_at`` stand in the metadata.

    Other columns with plain values are kept in the metadata under their own names; "area" also as "family".

    Raises:
        DataError: A column is missing, an id is empty or stands twice, a text is empty, or no article is there.
    """
    table = open_table(path, "articles", columns or Columns())
    corpus: dict[str, Document] = {}
    undated = 0
    for line, row in table.rows():
        id_, title, body = (cell_text(row.get(table.wanted[role] or "")) for role in ("article_id", "title", "body"))
        where = f"{table.path} line {line}"
        if not id_ or id_ in corpus:
            what = f"{id_!r} stands twice" if id_ else f"no {table.wanted['article_id']}"
            raise DataError(f"{where}: {what}: every article needs an id of its own")
        if not has_words(title + body):
            raise DataError(f"{where}: article {id_!r} has neither title nor text")
        created = cell_text(row.get(table.wanted["created_at"] or ""))
        when = table.time(line, row) if created else None
        undated += bool(created) and when is None
        corpus[id_] = Document(id_, title, body, _metadata(table, row, when))
    notes = [*table.notes]
    if undated:
        notes.append(f"{table.path.name}: {undated:,} dates are of no usual year (such as 9999) and were read as none")
    return Articles(dict(sorted(corpus.items())), tuple(notes))


def _metadata(table: Table, row: Mapping[str, Any], created: datetime | None) -> dict[str, Any]:
    """Return what a row says about an article beside its id, title and text."""
    # Columns of the names created_at and superseded_by count only if they are mapped.
    roles = {*table.wanted.values(), "created_at", "superseded_by"}
    metadata = {
        k: v for k, v in row.items() if k not in roles and isinstance(v, str | int | float | bool) and v == v and v != ""
    }
    if created:
        metadata["created_at"] = created.isoformat()
    if successor := cell_text(row.get(table.wanted["superseded_by"] or "")):
        metadata["superseded_by"] = successor
    if "area" in metadata:
        metadata.setdefault("family", metadata["area"])
    return metadata
