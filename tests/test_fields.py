"""Checks of settings' fields: each names the field, what it holds, and what to pass. Every class's own: its tests."""

from dataclasses import make_dataclass

import pytest

from tutorial_lib.fields import MOST_WHOLE, check_between, check_positive, check_share, check_whole, items_of


def holding(value):
    return make_dataclass("Settings", ["size"])(value)


@pytest.mark.parametrize("value", [0.1, 3, 1e300])
def test_what_a_field_may_hold_is_taken(value):
    check_positive(holding(value), "size")
    check_between(holding(min(value, 5)), size=(0, 5))
    check_share(holding(value), "size")
    check_share(holding(None), "size")
    check_whole(holding(int(value) % 7), size=0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2, "size is 2: pass at least 3"),
        (3.0, "size is 3.0: pass a whole number, at least 3"),
        (True, "size is True: pass a whole number, at least 3"),
        (MOST_WHOLE + 1, f"size is {MOST_WHOLE + 1}: pass at most {MOST_WHOLE}"),
    ],
)
def test_what_is_no_such_whole_number_is_refused(value, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        check_whole(holding(value), size=3)


@pytest.mark.parametrize("value", [0, float("nan"), float("inf"), "1"])
def test_what_is_not_above_zero_is_refused(value):
    with pytest.raises(ValueError, match=r"^size is .*: pass a number above 0$"):
        check_positive(holding(value), "size")


def test_bounds_are_included():
    check_between(holding(1), size=(0, 1))
    with pytest.raises(ValueError, match=r"^size is 1\.1: pass at least 0 and at most 1$"):
        check_between(holding(1.1), size=(0, 1))


def test_one_item_is_no_tuple():
    assert items_of(holding([1, 2]), "size") == (1, 2)
    with pytest.raises(ValueError, match=r"^size is 3: pass a tuple, such as \(3,\), or \(\) for none$"):
        items_of(holding(3), "size")
