"""CSV tables that people open in a spreadsheet: no cell of them is a formula."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tutorial_lib.files import write_text

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: with an apostrophe before ``= + - @``, tab and line end.

    A cell that really begins with apostrophes and one of these gets one more, so that ``restored`` gives back any cell.

    Reference: OWASP, "CSV injection".

    >>> defused("=1+1"), defused("1+1")
    ("'=1+1", '1+1')
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """Return the cell that ``defused`` was given.

    >>> restored("'=1+1"), restored("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if _DEFUSED.match(cell) else cell


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as a CSV file whose text cells and column names are ``defused``."""
    safe = table.map(lambda cell: defused(cell) if isinstance(cell, str) else cell).rename(columns=defused)
    write_text(path, safe.to_csv(index=False))
