"""Checks of the fields of settings: each settings class calls them on itself, whatever layer it stands in."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

INF = float("inf")
MOST_WHOLE = 2**63 - 1
"""The largest whole number that torch takes."""
MOST_SEED = 2**32 - 1
"""The largest seed that numpy's old random numbers take."""


def check_whole(settings: Any, **least: int | None) -> None:
    """Check fields of ``settings`` that must be whole numbers of 64 bits, each of at least so much (None: of any size).

    Raises:
        ValueError: A field is something else; names it, its value and what to pass.
    """
    for name, bound in least.items():
        wanted = "a whole number" if bound is None else f"at least {bound}"
        check_number(name, getattr(settings, name), Integral, wanted, least=-INF if bound is None else bound)
        check_number(name, getattr(settings, name), Integral, f"at most {MOST_WHOLE}", most=MOST_WHOLE)


def check_positive(settings: Any, *names: str) -> None:
    """Check fields of ``settings`` that must be numbers above 0, and finite.

    Raises:
        ValueError: As for ``check_whole``.
    """
    for name in names:
        check_number(name, getattr(settings, name), Real, "a number above 0", above=0)


def check_between(settings: Any, **bounds: tuple[float, float]) -> None:
    """Check fields of ``settings`` that must be numbers from the first to the second bound, both of them included.

    Raises:
        ValueError: As for ``check_whole``.
    """
    for name, (least, most) in bounds.items():
        wanted = f"at least {least} and at most {most}"
        check_number(name, getattr(settings, name), Real, wanted, least=least, most=most)


def check_share(settings: Any, *names: str) -> None:
    """Check fields of ``settings`` that must be numbers of at least 0, and finite, or None.

    Raises:
        ValueError: As for ``check_whole``.
    """
    for name in names:
        if getattr(settings, name) is not None:
            check_number(name, getattr(settings, name), Real, "a number of at least 0, or None", least=0)


def check_number(
    name: str, value: Any, kind: type, wanted: str, *, least: float = -INF, above: float = -INF, most: float = INF
) -> None:
    """Refuse a value that is no finite number of this kind within the bounds; True, False and NaN are no numbers.

    Args:
        name: Of the field.
        value: What it holds.
        kind: ``Integral`` or ``Real``.
        wanted: What to pass instead, for the message.
        least: The least that is taken.
        above: It must be above this.
        most: The most that is taken.

    Raises:
        ValueError: It is something else; names it, its value and what to pass.
    """
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if not is_number:
        whole = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"{name} is {value!r}: pass " + (wanted if wanted.startswith(whole) else f"{whole}, {wanted}"))
    if not (above < value < INF and least <= value <= most):
        raise ValueError(f"{name} is {value}: pass {wanted}")


def items_of(settings: Any, name: str) -> tuple[Any, ...]:
    """Return the items of a field that must be a tuple (or the list that JSON makes of one).

    Raises:
        ValueError: It is something else.
    """
    value = getattr(settings, name)
    if not isinstance(value, tuple | list):
        raise ValueError(f"{name} is {value!r}: pass a tuple, such as ({value!r},), or () for none")
    return tuple(value)
