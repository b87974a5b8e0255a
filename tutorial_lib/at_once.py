"""Several things under way at once, in threads: what waits for servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")
Made = TypeVar("Made")
SECONDS_UNTIL_BAR = 5
"""A bar for what is done at once is noise."""


def at_once(
    do: Callable[[Item], Made],
    items: Sequence[Item],
    *,
    workers: int,
    label: str,
    unit: str = "it",
    size: Callable[[Item], int] = lambda _: 1,
) -> list[Made]:
    """Return what ``do`` makes of each item, in their order; a progress bar appears where it takes more than 5 seconds.

    After a failure, or Ctrl-C, nothing more is begun; what is under way is waited for.

    Args:
        do: May be called by several threads at a time.
        items: The items.
        workers: How many are under way at a time.
        label: Name of the progress bar.
        unit: What it counts.
        size: How many of these an item is.

    Raises:
        BaseException: The first failure.

    >>> at_once(str.upper, ["a", "b", "c"], workers=2, label="upper case")
    ['A', 'B', 'C']
    """
    failures: list[BaseException] = []

    def attempt(item: Item) -> list[Made]:
        if failures:
            return []
        try:
            return [do(item)]
        except BaseException as error:
            failures.append(error)
            return []

    made: list[Made] = []
    total = sum(map(size, items))
    with ThreadPoolExecutor(workers) as pool, tqdm(total=total, desc=label, unit=unit, delay=SECONDS_UNTIL_BAR) as bar:
        try:
            for item, result in zip(items, pool.map(attempt, items), strict=True):
                made += result
                bar.update(size(item))
        except BaseException as interrupted:
            failures.append(interrupted)
            raise
    if failures:
        raise failures[0]
    return made
