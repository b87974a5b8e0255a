import pytest

from tests.data.exports import refused
from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.date_order import DateOrder


def order(*dates, **settings):
    found = DateOrder(ExportFormat(**settings))
    for line, text in enumerate(dates, 2):
        found.add(line, text)
    decided = found.decided()
    return decided.dayfirst, decided.yearfirst


@pytest.mark.parametrize(
    ("dates", "decided"),
    [
        (["03/04/2026", "13/04/2026"], (True, False)),
        (["03/04/2026", "04/13/2026"], (False, False)),
        (["04/04/2026", "2026-05-06", "3 Mar 2026"], (True, False)),  # the same day in either order
        (["25/01/04", "99/12/31"], (None, True)),  # no month is 99, no day either
        (["04/01/98", "13/01/98"], (True, False)),  # no month is 13, no day is 98
        (["2026-05-06", "2026/05/06", "n/a", ""], (None, None)),
    ],
)
def test_one_date_decides_for_the_whole_column(dates, decided):
    read = order(*dates)
    assert read == decided or (dates[0] == "04/04/2026" and read == (None, None))


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (
            ["03/04/2026", "05/06/2026"],
            "line 2: the date '03/04/2026' can be read both ways: set dayfirst = true (day/month/year)",
        ),
        (["25/01/04", "25/01/13"], "or yearfirst = true (year/month/day) under [format]"),
        (["13/04/2026", "04/13/2026"], "line 3: the date '04/13/2026' contradicts the dates before it (day/month/year)"),
    ],
)
def test_an_order_that_is_not_clear_is_asked_for_or_refused(dates, message):
    refused(lambda: order(*dates), message)


def test_a_setting_decides_and_the_first_date_against_it_is_named():
    assert order("25/01/04", yearfirst=True) == (None, True)
    assert order("03/04/2026", dayfirst=False) == (False, None)
    refused(
        lambda: order("04/01/25", "07/01/25", "13/01/25", dayfirst=False),
        "line 4: the date '13/01/25' contradicts dayfirst = false under [format] (month/day/year)",
    )
    refused(lambda: ExportFormat(dayfirst=True, yearfirst=True), "dayfirst and yearfirst are both true")
