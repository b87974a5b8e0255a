"""Times as exports write them, in UTC."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import parser as dateutil_parser

from tutorial_lib.data.cells import cell_text
from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.date_order import ORDERS, allowed_orders, both_ways, in_iso, readings

USUAL_YEARS = range(1980, 2101)
"""Years that tickets, articles and searches are of; 9999, 1970 and 0001 stand for "no date" in many systems."""

_YEAR_FIRST = re.compile(r"\d{4}[/.-](\d{1,2})[/.-](\d{1,2})(?!\d)")


def parse_time(value: Any, options: ExportFormat | None = None) -> datetime:
    """Return a time in UTC: from ISO 8601, seconds since 1970, or what dateutil reads.

    Raises:
        DataError: It is no time; or a date such as 03/04/2026 that reads both ways while neither ``dayfirst`` nor
            ``yearfirst`` is set; or one that contradicts them; or it names a zone that is not known.

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
    try:
        return when.astimezone(UTC)
    except OverflowError:  # the last hours of the year 9999, the first of the year 1: no offset matters there
        return when.replace(tzinfo=UTC)
    except ValueError as error:  # an offset of a day or more
        raise DataError(f"{cell_text(value)!r} is not a time: {error}") from None


def _parsed(text: str, options: ExportFormat) -> datetime:
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    orders = allowed_orders(options)
    read = readings(text, orders)
    if read is None or not readings(text, ORDERS):
        return _loosely_parsed(text)
    if not read:
        raise DataError(f"the date {text!r} contradicts the settings under [format], which read {' or '.join(orders)}")
    if len(set(read.values())) > 1:
        raise both_ways(text, read)
    return _loosely_parsed(in_iso(text, next(iter(read.values()))))


def _loosely_parsed(text: str) -> datetime:
    """Return what dateutil reads in ``text``, if that is a whole date."""
    year_first = _YEAR_FIRST.match(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # What is missing is taken from a default: "14:05" or "March" is no date, and comes out as two.
            one, other = (dateutil_parser.parse(text, default=d) for d in (datetime(2000, 1, 1), datetime(2001, 2, 2)))
    except (ValueError, OverflowError):
        one, other = datetime.min, datetime.max
    except Warning:
        raise DataError(f"{text!r} names a time zone that is not known: write an offset such as +01:00") from None
    # dateutil would read a month above 12 as the day.
    if one != other or (year_first and (one.month, one.day) != (int(year_first[1]), int(year_first[2]))):
        raise DataError(f"{text!r} is not a time: expected e.g. 2026-03-04T09:30:00+01:00")
    return one


def is_usual(when: datetime) -> bool:
    """Return whether a time is of one of the ``USUAL_YEARS``: others stand for "no date"."""
    return when.year in USUAL_YEARS
