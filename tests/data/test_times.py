from datetime import UTC, date, datetime

import pytest

from tests.data.exports import refused
from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.times import is_usual, parse_time

NINE_THIRTY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-04T09:30:00Z",
        "2026-03-04T10:30:00+01:00",
        "2026-03-04 09:30",
        " 2026-03-04T09:30 ",
        "1772616600",
        1772616600,
        1772616600.0,
        "1772616600.0",
        "4 Mar 2026 09:30",
        "Mar 4, 2026 9:30 am",
        "Wed, 04 Mar 2026 09:30:00 GMT",
        "2026/03/04 09:30",
        datetime(2026, 3, 4, 9, 30),
        NINE_THIRTY,
    ],
)
def test_the_same_time_in_many_spellings(value):
    assert parse_time(value) == NINE_THIRTY
    assert parse_time(value, ExportFormat(dayfirst=True)) == NINE_THIRTY


def test_a_time_without_zone_is_in_the_zone_of_the_mapping():
    berlin = ExportFormat(timezone="Europe/Berlin")
    assert parse_time("2026-03-04T09:30", berlin) == datetime(2026, 3, 4, 8, 30, tzinfo=UTC)  # winter: one hour ahead of UTC
    assert parse_time("2026-07-04T09:30", berlin) == datetime(2026, 7, 4, 7, 30, tzinfo=UTC)  # summer: two
    assert parse_time("2026-03-04T09:30Z", berlin) == NINE_THIRTY
    assert parse_time("1772616600", berlin) == NINE_THIRTY
    assert parse_time("3 Mar 2026 14:05", berlin) == datetime(2026, 3, 3, 13, 5, tzinfo=UTC)
    assert parse_time(date(2026, 3, 4), berlin) == datetime(2026, 3, 3, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["03/04/2026", "03-04-2026 10:00", "03.04.2026", "3/4/26", "Fri 03/04/2026", "03/04/2026T10:00"]
)
def test_a_date_that_reads_both_ways_needs_dayfirst(text):
    refused(lambda: parse_time(text), f"the date {text!r} can be read both ways: set dayfirst = true (day/month/year) or")
    assert parse_time(text, ExportFormat(dayfirst=True)).date() == date(2026, 4, 3)
    assert parse_time(text, ExportFormat(dayfirst=False)).date() == date(2026, 3, 4)


@pytest.mark.parametrize(("text", "read"), [("13/04/2026", (4, 13)), ("04/13/2026", (4, 13)), ("04/04/2026", (4, 4))])
def test_a_date_that_reads_one_way_does_not(text, read):
    assert parse_time(text) == datetime(2026, *read, tzinfo=UTC)


def test_a_date_that_contradicts_the_setting_is_refused():
    refused(
        lambda: parse_time("13/04/2026", ExportFormat(dayfirst=False)), "'13/04/2026' contradicts the settings under [format]"
    )
    refused(lambda: parse_time("04/13/2026", ExportFormat(dayfirst=True)), "which read day/month/year")


def test_a_year_of_two_digits_may_come_first():
    refused(lambda: parse_time("25/01/04 09:00"), "can be read both ways", "yearfirst = true (year/month/day)")
    assert parse_time("25/01/04 09:00", ExportFormat(yearfirst=True)) == datetime(2025, 1, 4, 9, tzinfo=UTC)
    assert parse_time("25/01/04", ExportFormat(dayfirst=True)) == datetime(2004, 1, 25, tzinfo=UTC)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "1970-01-01", "1900-01-01"])
def test_dates_that_stand_for_none_are_known(text):
    assert not is_usual(parse_time(text))
    assert is_usual(NINE_THIRTY)


@pytest.mark.parametrize(
    "text", ["", "n/a", "yesterday", "14:05", "Mar 2026", "12", "1772616600000", "2026-02-30", "2026/13/04", "31/31/2026"]
)
def test_what_is_no_time_is_refused(text):
    refused(lambda: parse_time(text), f"{text!r} is not a time: expected e.g. 2026-03-04T09:30:00+01:00")


def test_unknown_zones_are_refused():
    refused(lambda: parse_time("2026-03-04 09:30 XYZT"), "names a time zone that is not known: write an offset")
    for zone in ("Mars/Olympus", "Europe", "", "../UTC"):
        refused(
            lambda zone=zone: parse_time("2026-03-04", ExportFormat(timezone=zone)),
            f"timezone = {zone!r} under [format] is not known: name one such as 'Europe/Berlin'",
        )
