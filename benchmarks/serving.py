"""How many texts a second does the service encode, and how long does each wait? With batching, and one by one.

    python -m benchmarks.serving --out benchmarks/results/serving.json [--model MODEL] [--clients 1 8 64] [--seconds 10]

Queries of support_desk, one a request, by clients that ask again as soon as they are answered. Service and clients are two
processes on one machine, so the clients' work is in the figures too. "One by one" is the same service with a batch of one;
"without HTTP" calls the encoder with one text after the other. The three take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.light_client import LightClient
from benchmarks.machine import description
from tutorial_lib.data.registry import SUPPORT_DESK, ReadSettings, find_source
from tutorial_lib.files import write_json
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.serving.app import create_app
from tutorial_lib.serving.limits import Limits
from tutorial_lib.serving.models import Models, ServedModel
from tutorial_lib.serving.server import bound, run
from tutorial_lib.serving.service import Service

WARM_UP = 1.0
"""Seconds of asking that are not counted."""


def serve(model: str, port: int, batch: int) -> None:
    """Serve one model until the process is ended."""
    service = Service(Models([ServedModel("model", Encoder.load(model))]), Limits(batch=batch))
    with bound("127.0.0.1", port) as listening:
        run(create_app(service), listening, 5.0)


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(process: subprocess.Popen[bytes], ask: Callable[[], object]) -> bool:
    """Wait until ``ask`` is answered; returns False if the process has ended before."""
    while process.poll() is None:
        try:
            ask()
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        return True
    return False


class Served:
    """The service in a process of its own, for the length of a block."""

    def __init__(self, model: str, batch: int) -> None:
        self.port = free_port()
        arguments = ["--serve", str(self.port), "--model", model, "--batch", str(batch)]
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.serving", *arguments])

    def __enter__(self) -> Served:
        if not answers(self.process, lambda: httpx.get(f"http://127.0.0.1:{self.port}/healthz")):
            raise RuntimeError("the service has ended")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


async def load(port: int, texts: list[str], clients: int, seconds: float) -> dict[str, Any]:
    """Ask from ``clients`` at the same time and return texts a second, and the milliseconds that an answer took."""
    waited: list[float] = []
    queries, start = cycle(texts), time.perf_counter() + WARM_UP

    async def ask() -> None:
        client = LightClient(port)
        while (began := time.perf_counter()) < start + seconds:
            body = {"model": "model", "input": next(queries), "encoding_format": "base64"}
            status, answer = await client.post("/v1/embeddings", body)
            if status != 200:
                raise RuntimeError(f"the service answered {status}: {answer.decode()}")
            if start <= (ended := time.perf_counter()) < start + seconds:
                waited.append(ended - began)
        await client.close()

    await asyncio.gather(*(ask() for _ in range(clients)))
    p50, p99 = np.percentile(waited, [50, 99]) * 1000
    return {"texts_per_s": len(waited) / seconds, "ms_p50": float(p50), "ms_p99": float(p99), "requests": len(waited)}


def alone(model: str, texts: list[str], seconds: float) -> dict[str, Any]:
    """Return how many texts a second the encoder takes one by one."""
    encoder, queries, done = Encoder.load(model), cycle(texts), 0
    encoder.encode(texts[:20])
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        encoder.encode([next(queries)])
        done += 1
    return {"texts_per_s": done / (time.perf_counter() - began), "requests": done}


def measured(model: str, texts: list[str], clients: list[int], seconds: float) -> list[dict[str, Any]]:
    """Return a row for each way of serving and number of clients."""
    rows: list[dict[str, Any]] = []

    def note(system: str, number: int, measure: Callable[[], dict[str, Any]]) -> None:
        rows.append({"system": system, "clients": number, **measure()})
        print(rows[-1], flush=True)

    note("without HTTP", 1, lambda: alone(model, texts, seconds))
    for system, batch in {"batching": 64, "one by one": 1}.items():
        with Served(model, batch) as served:
            for number in clients:
                note(system, number, lambda: asyncio.run(load(served.port, texts, number, seconds)))  # noqa: B023
    return rows


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=64, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.model, given.serve, given.batch)
        return
    queries = find_source(SUPPORT_DESK).read(ReadSettings()).queries
    texts = [query.text for query in queries.values()]
    rows = measured(given.model, texts, given.clients, given.seconds)
    by = {(row["system"], row["clients"]): row["texts_per_s"] for row in rows}
    ratios = {str(n): by["batching", n] / by["one by one", n] for n in given.clients}
    print({n: round(ratio, 2) for n, ratio in ratios.items()})
    if given.out:
        command = "python -m benchmarks.serving " + " ".join(sys.argv[1:])
        write_json(given.out, {"command": command, "machine": description(), "rows": rows, "batching_to_one_by_one": ratios})


if __name__ == "__main__":
    main()
