"""Dynamic batching: what is asked for at the same time is worked on together, by one thread, from a queue that has an end.

While the model reads one batch, those who come wait and make the next: nobody waits for a batch to fill up.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Work = Callable[[Any], Any]
"""Takes a list of items and gives a sequence of one result an item, such as ``encoder.encode``."""


class BusyError(Exception):
    """The queue is full; ``seconds`` is how long what waits there will take."""

    def __init__(self, waiting: int, seconds: float) -> None:
        super().__init__(f"{waiting:,} texts wait already: send this again in {max(1, round(seconds))} s")
        self.seconds = seconds


@dataclass
class _Job:
    """The items of one request: ``taken`` of them have been given to the model."""

    work: Work
    items: Sequence[Any]
    future: Future[list[Any]] = field(default_factory=Future)
    results: list[Any] = field(default_factory=list)
    taken: int = 0

    def take(self, most: int) -> Sequence[Any]:
        part = self.items[self.taken : self.taken + most]
        self.taken += len(part)
        return part

    @property
    def left(self) -> int:
        return len(self.items) - self.taken

    def give(self, results: Sequence[Any]) -> None:
        self.results += results
        if len(self.results) == len(self.items):
            self.end(lambda: self.future.set_result(self.results))

    def end(self, tell: Callable[[], None]) -> None:
        with suppress(InvalidStateError):  # nobody waits for it any more
            tell()


class Batcher:
    """One thread that works on what several callers ask for at the same time.

    A request of many items does not hold up a small one: each that waits has its share of every batch.

    >>> with Batcher(batch=8, waiting=100) as batcher:
    ...     batcher.submit(lambda texts: [len(t) for t in texts], ["refund", "plan"]).result()
    [6, 4]
    """

    def __init__(self, *, batch: int = 64, waiting: int = 4096, observe: Callable[[int], None] = lambda size: None) -> None:
        """Start the thread.

        Args:
            batch: Items worked on together.
            waiting: Items that may wait.
            observe: Is told the size of each batch.
        """
        self.batch, self.limit = batch, waiting
        self._observe = observe
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._pace = 0.0
        self._thread = threading.Thread(target=self._loop, name="batcher", daemon=True)
        self._thread.start()

    def __enter__(self) -> Batcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """Items that wait now."""
        with self._changed:
            return sum(job.left for job in self._jobs)

    def submit(self, work: Work, items: Sequence[Any]) -> Future[list[Any]]:
        """Queue ``items`` for ``work`` and return the future list of results, in their order.

        Args:
            work: Requests with an equal one are worked on together.
            items: At least none; they may be divided among several calls of ``work``.

        Raises:
            BusyError: There is no room for so many; a request that finds the queue empty always has.
            RuntimeError: The batcher is closed.
        """
        job = _Job(work, list(items))
        if not job.items:
            job.future.set_result([])
            return job.future
        with self._changed:
            if self._closed:
                raise RuntimeError("the service is being stopped")
            waiting = sum(other.left for other in self._jobs)
            if waiting and waiting + len(job.items) > self.limit:
                raise BusyError(waiting, waiting * self._pace)
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    async def run(self, work: Work, items: Sequence[Any], seconds: float) -> list[Any]:
        """Return what ``submit`` promises, without blocking the event loop.

        Raises:
            TimeoutError: It is not there after ``seconds``; it is not worked on then.
            Exception: As ``submit`` and ``work`` raise.
        """
        return await asyncio.wait_for(asyncio.wrap_future(self.submit(work, items)), seconds)

    def close(self) -> None:
        """Work on what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closed:
                    self._changed.wait()
                parts = self._take()
            if parts:
                self._work_on(parts)
            elif self._closed:
                return

    def _take(self) -> list[tuple[_Job, Sequence[Any]]]:
        """Return the next batch: of each job with the same work its share."""
        alive = [job for job in self._jobs if not job.future.done()]  # given up, or failed
        same = [job for job in alive if job.work == alive[0].work][: self.batch]
        share = self.batch // max(1, len(same))
        parts = [(job, job.take(share)) for job in same]
        others = [job for job in alive if job not in same]
        self._jobs = deque([*others, *(job for job in same if job.left)])  # who was served goes to the end
        return parts

    def _work_on(self, parts: Sequence[tuple[_Job, Sequence[Any]]]) -> None:
        items = [item for _, part in parts for item in part]
        began = time.monotonic()
        try:
            results = list(parts[0][0].work(items))
        except Exception as error:
            self._apart(parts, error)
            return
        pace = (time.monotonic() - began) / len(items)
        self._pace = 0.8 * self._pace + 0.2 * pace if self._pace else pace
        self._observe(len(items))
        start = 0
        for job, part in parts:
            job.give(results[start : start + len(part)])
            start += len(part)

    def _apart(self, parts: Sequence[tuple[_Job, Sequence[Any]]], error: Exception) -> None:
        """Fail the one request that was worked on; of several, find the one that cannot be."""
        if len(parts) > 1:
            for part in parts:
                self._work_on([part])
            return
        job = parts[0][0]
        job.end(lambda: job.future.set_exception(error))
