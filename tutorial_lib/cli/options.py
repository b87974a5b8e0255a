"""Options that the verbs share; each settings class gives its own, read by tyro from its fields and docstring."""

from __future__ import annotations

from dataclasses import dataclass

import tyro

from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.paths import resolved
from tutorial_lib.data.registry import AWS_DOCS, BUILT_IN

Flat = tyro.conf.OmitArgPrefixes
"""``--batch-size`` instead of ``--settings.train.batch-size``."""


@dataclass(frozen=True)
class DataOptions:
    """What to read.

    Attributes:
        data: aws_docs, support_desk, a BEIR folder (corpus.jsonl, queries.jsonl, qrels/train.tsv), or the tickets of a help
            desk.
        articles: Articles of the help desk: CSV, TSV, JSONL or Parquet.
        searches: Search log of the same help desk, if there is one.
        columns: TOML file that says which column holds what.
    """

    data: str = AWS_DOCS
    articles: str | None = None
    searches: str | None = None
    columns: str | None = None

    def help_desk(self) -> HelpDesk | None:
        """Return the help desk's files, or None if ``data`` is a collection.

        Raises:
            DataError: Some of the files are named and others that they need are not.
        """
        if self.articles is None:
            extra = next((o for o in ("columns", "searches") if getattr(self, o)), None)
            if extra:
                raise DataError(f"--{extra} belongs to a ticket export: pass --articles too, and the tickets as --data")
            return None
        if self.data in BUILT_IN:
            raise DataError(f"--articles belongs to a ticket export, and --data is {self.data}: pass the tickets as --data")
        columns = Columns.read(self.columns) if self.columns else Columns()
        searches = resolved(self.searches) if self.searches else None
        return HelpDesk(resolved(self.data), resolved(self.articles), searches, columns)
