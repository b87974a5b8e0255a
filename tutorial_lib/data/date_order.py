"""In which order a column writes day, month and year: decided once a column, never date by date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError

_NUMBERS = re.compile(r"(?<![\d/.:-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.-])")

ORDERS: Mapping[str, tuple[int, int, int]] = {
    "day/month/year": (2, 1, 0),
    "month/day/year": (2, 0, 1),
    "year/month/day": (0, 1, 2),
}
"""Order -> places of year, month and day among three numbers."""

_SETTINGS: Mapping[str, tuple[str, bool | None, bool]] = {
    "day/month/year": ("dayfirst = true", True, False),
    "month/day/year": ("dayfirst = false", False, False),
    "year/month/day": ("yearfirst = true", None, True),
}


def allowed_orders(options: ExportFormat) -> tuple[str, ...]:
    """Return the orders that ``dayfirst`` and ``yearfirst`` leave possible.

    >>> allowed_orders(ExportFormat(dayfirst=False))
    ('month/day/year',)
    """
    if options.yearfirst:
        return ("year/month/day",)
    if options.dayfirst is not None:
        return ("day/month/year",) if options.dayfirst else ("month/day/year",)
    return tuple(o for o in ORDERS if o != "year/month/day" or options.yearfirst is None)


def readings(text: str, orders: Iterable[str]) -> dict[str, date] | None:
    """Return the date that ``text`` holds in each of ``orders`` that it can be read in.

    None if it holds no three numbers in doubt: ISO dates, and those that begin with a year of four digits, are none.
    """
    found = _NUMBERS.search(text)
    if not found:
        return None
    numbers = (found[1], found[3], found[4])
    read = {}
    for order in orders:
        if len(found[4]) == 4 and order == "year/month/day":
            continue
        year, month, day = (int(numbers[place]) for place in ORDERS[order])
        if year < 100 and len(found[4]) == 2:
            year += 2000 if year < 70 else 1900
        try:
            read[order] = date(year, month, day)
        except ValueError:
            continue
    return read


def in_iso(text: str, when: date) -> str:
    """Return ``text`` with its three numbers replaced by ``when``."""
    return _NUMBERS.sub(when.isoformat(), text, count=1)


def both_ways(text: str, orders: Iterable[str]) -> DataError:
    """Return the error that asks which of ``orders`` is meant."""
    asked = " or ".join(f"{_SETTINGS[o][0]} ({o})" for o in orders)
    return DataError(f"the date {text!r} can be read both ways: set {asked} under [format]")


@dataclass
class DateOrder:
    """The order of one column's dates, found while its cells pass by.

    Attributes:
        options: Settings that may decide it.
        possible: Orders that every date so far can be read in.
    """

    options: ExportFormat
    possible: tuple[str, ...] = ()
    _differ: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with every order that the settings allow."""
        self.possible = self.possible or allowed_orders(self.options)

    def add(self, line: int, text: str) -> None:
        """Take in one cell.

        Raises:
            DataError: It can be read in none of the orders that are left.
        """
        read = readings(text, self.possible)
        if read is None or not readings(text, ORDERS):
            return  # no date of this kind, or none at all (31/31/2026): told where it is read
        if not read:
            said = [
                f"{k} = {str(v).lower()}" for k in ("dayfirst", "yearfirst") if (v := getattr(self.options, k)) is not None
            ]
            against = f"{' and '.join(said)} under [format]" if said else "the dates before it"
            raise DataError(
                f"line {line}: the date {text!r} contradicts {against} ({' or '.join(self.possible)}): correct the setting, "
                "or write all dates of the column in one way"
            )
        self.possible = tuple(read)
        for n, one in enumerate(self.possible):
            for other in self.possible[n + 1 :]:
                if read[one] != read[other]:
                    self._differ.setdefault((one, other), (line, text))

    def decided(self) -> ExportFormat:
        """Return the settings with the order of this column.

        Raises:
            DataError: Several orders are left, and they read a date differently.
        """
        for (one, other), (line, text) in self._differ.items():
            if one in self.possible and other in self.possible:
                raise DataError(f"line {line}: {both_ways(text, self.possible)}")
        if len(self.possible) == len(allowed_orders(self.options)):
            return self.options
        _, dayfirst, yearfirst = _SETTINGS[self.possible[0]]
        return replace(self.options, dayfirst=dayfirst, yearfirst=yearfirst)
