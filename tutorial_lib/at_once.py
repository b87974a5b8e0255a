"""Several things under way at once, in threads: what waits for servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")
Made = TypeVar("Made")
SECONDS_UNTIL_BAR = 5
"""A bar for what is done at once is noise."""
_of_thread = threading.local()
"""In a thread of ``at_once``: the event "stopped", set when a sibling has failed."""


class StoppedError(Exception):
    """What was under way has been left because something else failed."""


def pause(seconds: float) -> None:
    """Wait, as ``time.sleep`` does; within ``at_once`` no longer than until something else fails.

    Raises:
        StoppedError: It has.
    """
    stopped: threading.Event | None = getattr(_of_thread, "stopped", None)
    if stopped is None:
        time.sleep(seconds)
    elif stopped.wait(seconds):
        raise StoppedError("left, because something else failed")


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

    After a failure, or Ctrl-C, nothing more is begun; what is under way is waited for, but none of its pauses (``pause``).

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
    stopped = threading.Event()

    def stop(failure: BaseException) -> None:
        failures.append(failure)
        stopped.set()

    def attempt(item: Item) -> list[Made]:
        if stopped.is_set():
            return []
        _of_thread.stopped = stopped
        try:
            return [do(item)]
        except BaseException as error:
            stop(error)
            return []

    made: list[Made] = []
    total = sum(map(size, items))
    with ThreadPoolExecutor(workers) as pool, tqdm(total=total, desc=label, unit=unit, delay=SECONDS_UNTIL_BAR) as bar:
        try:
            for item, result in zip(items, pool.map(attempt, items), strict=True):
                made += result
                bar.update(size(item))
        except BaseException as interrupted:
            stop(interrupted)
            raise
    if failures:
        raise failures[0]
    return made
