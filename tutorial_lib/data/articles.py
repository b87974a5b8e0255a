"""The articles of a help centre's export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tutorial_lib.data.columns import ArticleColumns, Columns, ExportFormat
from tutorial_lib.data.dataset import DataError, Document
from tutorial_lib.data.rows import cell_text, checked_rows, read_rows
from tutorial_lib.data.times import located_time
from tutorial_lib.text import has_words


def read_articles(path: str | Path, columns: Columns | None = None) -> dict[str, Document]:
    """Return the articles of an export by ascending id; ``superseded_by`` and ``created_at`` stand in the metadata.

    Other columns with plain values are kept in the metadata under their own names; "area" also as "family".

    Raises:
        DataError: A column is missing, an id is empty or stands twice, a text is empty, or no article is there.
    """
    columns = columns or Columns()
    names, path = columns.articles, Path(path)
    articles: dict[str, Document] = {}
    wanted = {f.name: getattr(names, f.name) for f in fields(names)}
    for line, row in checked_rows(path, read_rows(path, columns.format), wanted, "articles"):
        id_, title, body = (cell_text(row.get(c)) for c in (names.article_id, names.title, names.body))
        if not id_ or id_ in articles:
            raise DataError(
                f"{path} line {line}: {'no ' + names.article_id if not id_ else f'{id_!r} stands twice'}: "
                "every article needs an id of its own"
            )
        if not has_words(title + body):
            raise DataError(f"{path} line {line}: article {id_!r} has neither title nor text")
        articles[id_] = Document(id_, title, body, _metadata(row, names, path, line, columns.format))
    return dict(sorted(articles.items()))


def _metadata(row: Mapping[str, Any], names: ArticleColumns, path: Path, line: int, options: ExportFormat) -> dict[str, Any]:
    """Return what a row says about an article beside its id, title and text."""
    # Columns of the names created_at and superseded_by count only if they are mapped.
    roles = {*(getattr(names, f.name) for f in fields(names)), "created_at", "superseded_by"}
    metadata = {
        k: v for k, v in row.items() if k not in roles and isinstance(v, str | int | float | bool) and v == v and v != ""
    }
    created, successor = (row.get(c or "") for c in (names.created_at, names.superseded_by))
    if cell_text(created):
        metadata["created_at"] = located_time(path, line, created, options).isoformat()
    if cell_text(successor):
        metadata["superseded_by"] = cell_text(successor)
    if "area" in metadata:
        metadata.setdefault("family", metadata["area"])
    return metadata
