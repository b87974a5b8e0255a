"""Times as exports write them, in UTC."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import parser as dateutil_parser

from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.rows import cell_text

_SLASHED = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2\d{2,4}(?!\d)")


def parse_time(value: Any, options: ExportFormat | None = None) -> datetime:
    """Return a time in UTC: from ISO 8601, seconds since 1970, or what dateutil reads.

    Raises:
        DataError: It is no time, or a date such as 03/04/2026 that reads both ways while ``dayfirst`` is not set, or it
            names a zone that is not known.

    >>> parse_time("2026-03-04T09:30:00+01:00").isoformat()
    '2026-03-04T08:30:00+00:00'
    """
    options = options or ExportFormat()
    if isinstance(value, datetime):
        when = value
    elif isinstance(value, date):
        when = datetime(value.year, value.month, value.day)
    else:
        when = _parsed(cell_text(value), options)
    if when.tzinfo is None:
        try:
            when = when.replace(tzinfo=ZoneInfo(options.timezone))
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder of zones
            raise DataError(
                f"timezone = {options.timezone!r} under [format] is not known: name one such as 'Europe/Berlin'"
            ) from None
    return when.astimezone(UTC)


def _parsed(text: str, options: ExportFormat) -> datetime:
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    slashed = _SLASHED.search(text)
    if slashed and options.dayfirst is None:
        first, second = int(slashed[1]), int(slashed[3])
        if first <= 12 and second <= 12 and first != second:
            raise DataError(f"the date {text!r} can be read both ways: set dayfirst = true or false under [format]")
    return _loosely_parsed(text, dayfirst=bool(options.dayfirst and slashed))


def _loosely_parsed(text: str, *, dayfirst: bool) -> datetime:
    """Return what dateutil reads in ``text``, if that is a whole date."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # What is missing is taken from a default: "14:05" or "March" is no date, and comes out as two.
            one, other = (
                dateutil_parser.parse(text, dayfirst=dayfirst, default=d)
                for d in (datetime(2000, 1, 1), datetime(2001, 2, 2))
            )
    except (ValueError, OverflowError):
        one, other = datetime.min, datetime.max
    except Warning:
        raise DataError(f"{text!r} names a time zone that is not known: write an offset such as +01:00") from None
    if one != other:
        raise DataError(f"{text!r} is not a time: expected e.g. 2026-03-04T09:30:00+01:00")
    return one


def located_time(path: Path, line: int, value: Any, options: ExportFormat) -> datetime:
    """Return the time, in UTC, of a cell.

    Raises:
        DataError: As for ``parse_time``; names file and line.
    """
    try:
        return parse_time(value, options)
    except DataError as error:
        raise DataError(f"{path} line {line}: {error}") from None
