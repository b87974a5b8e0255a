"""A steady load of searches that notes what became of each, and what follows of it: figures of a while, mixed, lost."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.light_client import LightClient
from tutorial_lib.data.ubi import records

CUT, REFUSED = 0, -1
"""In the place of a status: the connection ended without a whole answer; nobody listened."""

RETRY = 0.25
"""Seconds after which a client that got no answer asks again: tries take of the machine that the service starts on."""

PATIENCE = 120.0
"""Seconds that a service may be away."""


@dataclass(frozen=True)
class Asked:
    """One search: when it was sent and done with (seconds), its status, and which version and model the answer names."""

    sent: float
    done: float
    status: int
    query_id: str
    version: int = 0
    model: str = ""


@dataclass(frozen=True)
class Span:
    """A version, the model it was made with, and from when to when it may have been live: moves take a moment."""

    version: int
    model: str
    since: float = -math.inf
    until: float = math.inf

    def gives(self, asked: Asked) -> bool:
        """Return whether this version, and its own model, may have answered."""
        named = (asked.version, asked.model) == (self.version, self.model)
        return named and asked.sent <= self.until and asked.done >= self.since


class Load:
    """So many clients that search without a pause, each over one connection, for the length of a block."""

    def __init__(self, port: int, queries: Iterator[str], clients: int) -> None:
        """Ask the service at ``port`` for ``queries``, which have no end."""
        self.asked: list[Asked] = []
        self._port, self._queries, self._clients = port, queries, clients
        self._numbers, self._ended = count(), False

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(self._clients)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended = True
        await asyncio.gather(*self._tasks)

    async def _ask(self) -> None:
        client = LightClient(self._port)
        while not self._ended:
            body = {"query": next(self._queries), "query_id": f"{self._clients}-{next(self._numbers)}"}
            sent = time.perf_counter()
            try:
                status, content = await client.post("/search", body)
            except ConnectionError as error:
                status, content = REFUSED if isinstance(error.__cause__, ConnectionRefusedError) else CUT, b""
            done = time.perf_counter()
            told = json.loads(content) if status == 200 else {}
            self.asked.append(Asked(sent, done, status, body["query_id"], told.get("version", 0), told.get("model", "")))
            if status != 200:
                await asyncio.sleep(RETRY)
        await client.close()

    def between(self, begin: float, end: float) -> list[Asked]:
        """Return the searches that were done with from ``begin`` to before ``end``."""
        return [asked for asked in self.asked if begin <= asked.done < end]

    async def first_answer(self, after: float) -> float:
        """Return when the first search that was sent after a moment was answered.

        Raises:
            TimeoutError: None was, for long.
        """
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                new = self.asked[seen:]
                seen += len(new)
                for asked in new:
                    if asked.status == 200 and asked.sent > after:
                        return asked.done
                await asyncio.sleep(0.01)


def row_of(asked: Sequence[Asked], spans: Sequence[Span], seconds: float) -> dict[str, Any]:
    """Return the figures of a while.

    Args:
        asked: The searches done with in it.
        spans: Which version was live when.
        seconds: In which answers came.
    """
    answers = [a for a in asked if a.status == 200]
    p50, p99 = np.percentile([a.done - a.sent for a in answers], [50, 99]) * 1000 if answers else (None, None)
    return {
        "answers": len(answers),
        "failed": sum(a.status not in (200, REFUSED) for a in asked),
        "refused": sum(a.status == REFUSED for a in asked),
        "mixed": sum(not any(span.gives(a) for span in spans) for a in answers),
        "ms_p50": p50 and float(p50),
        "ms_p99": p99 and float(p99),
        "answers_per_s": len(answers) / seconds,
    }


def recorded(folder: Path) -> tuple[set[str], int]:
    """Return the query ids in the day files of a folder, and how many lines there are cut."""
    found, cut = set(), 0
    for file in folder.glob("queries-*.jsonl"):
        for _, record in records(file):
            if isinstance(record, dict):
                found.add(record["query_id"])
            else:
                cut += 1
    return found, cut


def lost(asked: Iterable[Asked], folder: Path, killed: float) -> dict[str, Any]:
    """Return how many of the answers are in the day files, and how old the oldest that is not was at a moment, in seconds."""
    answers = [a for a in asked if a.status == 200]
    there, _ = recorded(folder)
    missing = [a for a in answers if a.query_id not in there]
    oldest = max((killed - a.done for a in missing), default=0.0)  # an answer may be read after the kill
    return {
        "given": len(answers),
        "recorded": len(answers) - len(missing),
        "lost": len(missing),
        "oldest_lost_s": max(0.0, oldest),
    }
