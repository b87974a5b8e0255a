"""What does a search meet while the service is switched, rolled back and killed under load?

    python -m benchmarks.serving_faults --run workspace/support_desk --out benchmarks/results/serving_faults.json
        [--clients 1 8 64] [--seconds 4]

The service is `python -m tutorial_lib serve RUN --index FOLDER`, a process of its own on a flat index with two versions, of
the run's base model and of its tuned one; both are built before. Clients ask for queries of the run, each again as soon as it
is answered. For each number of clients: a steady while, a switch, a rollback, and a kill -9 with the same command at once.
"failed" are searches that got no whole answer, or another status than 200; "refused" tries while nobody listened, of each
client four a second; "mixed" answers of a version that was not live while they were made, or by a model that is not its own;
"lost" answers given before the kill that the day files do not hold. Clients and service share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from benchmarks.faults_load import Asked, Load, Span, lost, recorded, row_of
from benchmarks.machine import description
from benchmarks.serving import answers, free_port
from tutorial_lib.cli.served_run import BASE, TUNED, ServedRun
from tutorial_lib.data.beir import read_beir
from tutorial_lib.files import write_json
from tutorial_lib.index import FlatStore, VectorIndex, Verification, Version, reindex

WARM_UP = 0.5
"""Seconds of asking that are not counted."""


class Served:
    """The service by its real command, for the length of a block."""

    def __init__(self, run: Path, work: Path) -> None:
        """Serve ``run`` with the index and the events in ``work``."""
        self.port, self.index, self.events = free_port(), work / "flat", work / "events"
        options = ["--index", str(self.index), "--events", str(self.events), "--port", str(self.port)]
        self._command = [sys.executable, "-m", "tutorial_lib", "serve", str(run), *options]
        self._log = work / "log.jsonl"

    def start(self) -> None:
        """Give the command."""
        environment = {name: value for name, value in os.environ.items() if name != "TUTORIAL_API_KEYS"}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment)

    def end(self, number: int) -> None:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        self.process.wait()

    def __enter__(self) -> Served:
        self.start()
        address = f"http://127.0.0.1:{self.port}/search"
        if not answers(self.process, lambda: httpx.post(address, json={"query": "refund"}).raise_for_status()):
            raise RuntimeError(self._log.read_text(encoding="utf-8"))
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)


class Trial:
    """One number of clients: the phases one after the other, and a row for each."""

    def __init__(self, served: Served, load: Load, live: Version) -> None:
        """Begin with version ``live``."""
        self.served, self.load = served, load
        self.spans = [Span(live.number, live.fingerprint)]
        self.dead = 0.0

    async def phase(self, seconds: float, move: Callable[[], Version] | None = None) -> dict[str, Any]:
        """Return the figures of a while that begins with ``move``, which returns the version that is live then."""
        begin = time.perf_counter()
        if move:
            version = await asyncio.to_thread(move)
            self.spans[-1] = replace(self.spans[-1], until=time.perf_counter())
            self.spans.append(Span(version.number, version.fingerprint, since=begin))
        await asyncio.sleep(begin + seconds - time.perf_counter())
        return row_of(self.load.between(begin, begin + seconds), self.spans, seconds)

    async def kill(self, seconds: float) -> dict[str, Any]:
        """Return the figures of a kill -9 with a restart at once, until so many seconds after the first answer."""
        killed = time.perf_counter()
        await asyncio.to_thread(self.served.end, signal.SIGKILL)
        self.dead = time.perf_counter()
        self.served.start()
        back = await self.load.first_answer(self.dead)
        await asyncio.sleep(back + seconds - time.perf_counter())
        row = row_of(self.load.between(killed, back + seconds), self.spans, seconds)
        before = [asked for asked in self.load.asked if asked.sent <= self.dead]
        return {**row, "out_of_service_s": back - killed, "events": lost(before, self.served.events, killed)}

    def asked_since(self) -> list[Asked]:
        """Return what was asked of the service that came after the kill."""
        return [asked for asked in self.load.asked if asked.sent > self.dead]


async def tried(
    served: Served, index: VectorIndex, second: Verification, queries: Iterator[str], clients: int, seconds: float
) -> tuple[list[dict[str, Any]], list[Asked]]:
    """Return a row for each phase with so many clients, and what was asked after the kill."""
    live = index.live
    assert live is not None
    rows: list[dict[str, Any]] = []

    def note(phase: str, figures: dict[str, Any]) -> None:
        rows.append({"clients": clients, "phase": phase, **figures})
        print(rows[-1], flush=True)

    async with Load(served.port, queries, clients) as load:
        trial = Trial(served, load, live)
        await asyncio.sleep(WARM_UP)
        note("steady", await trial.phase(seconds))
        note("switch", await trial.phase(seconds, lambda: index.switch(second)))
        note("rollback", await trial.phase(seconds, index.rollback))
        note("kill -9", await trial.kill(seconds))
    return rows, trial.asked_since()


def built(run: Path, work: Path) -> tuple[VectorIndex, Verification]:
    """Return a flat index whose live version is the base model's, and what lets that of the tuned model go live."""
    source = ServedRun(run)
    texts = {a: document.full_text for a, document in source.documents().items()}
    models = {model.name: model.encoder for model in source.models()}
    index = VectorIndex(FlatStore(work / "flat"))
    reindex(index, texts, models[BASE], work / "vectors")
    second = reindex(index, texts, models[TUNED], work / "vectors").verification
    assert second is not None
    index.rollback()
    return index, second


def measured(run: Path, clients: Sequence[int], seconds: float) -> dict[str, Any]:
    """Return a row for each number of clients and phase, and what the day files hold after the end of the service."""
    texts = [query.text for query in read_beir(run / "dataset").queries.values()]
    random.Random(0).shuffle(texts)  # short searches and long tickets lie apart: each phase is to meet both
    queries = cycle(texts)
    rows: list[dict[str, Any]] = []
    since: list[Asked] = []
    with tempfile.TemporaryDirectory() as folder:
        index, second = built(run, Path(folder))
        with Served(run, Path(folder)) as served:
            for number in clients:
                found, given = asyncio.run(tried(served, index, second, queries, number, seconds))
                rows += found
                since += given
        end = lost(since, served.events, time.perf_counter())
        return {"rows": rows, "after_the_end": {**end, "cut_lines": recorded(served.events)[1]}}


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    busy = os.getloadavg()[0]
    record = measured(given.run, given.clients, given.seconds)
    print(record["after_the_end"])
    if given.out:
        command = "python -m benchmarks.serving_faults --run RUN --out FILE"
        told = {"command": command, "machine": description(), "load_before": busy, "seconds": given.seconds}
        write_json(given.out, {**told, **record})


if __name__ == "__main__":
    main()
