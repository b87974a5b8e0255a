"""How near do training and encoding come to what the processor can multiply, and how much do they multiply at all?

    python -m benchmarks.products --data BEIR_FOLDER --out benchmarks/results/products.json [--steps 8] [--articles 1000]

Of every system the floating-point operations of its matrix products for a pair trained on (or an article encoded), counted by
torch; how many of them it does in a second; and what share that is of the rate of one large product in the same process, the
most that there is to be had. Counting slows a run down, so that seconds are taken from another one. Each is a process of
its own; a second call goes on where the first one stopped. TUTORIAL_PRECISION=float32 takes the units for bfloat16 away from
ours; sentence-transformers' default is float32.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import in_child
from benchmarks.rows import Rows
from benchmarks.training import CHOSEN, OURS, SETTINGS, mined_into, one
from tutorial_lib.data.beir import read_beir
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.hardware import bf16_is_fast
from tutorial_lib.models.settings import DEFAULT_MODEL

ENCODING, PEER, PEER_BF16 = "encoding", "sentence-transformers", "sentence-transformers bf16"
SIDE, PRODUCTS = 2048, 10
"""Rows and columns of the product whose rate is taken for the most, and how often it is made."""


def most(dtype: torch.dtype) -> float:
    """Return the operations a second of a product of two large square matrices, the best of several."""
    one, other = (torch.randn(SIDE, SIDE).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(PRODUCTS):
        started = time.perf_counter()
        one @ other
        seconds.append(time.perf_counter() - started)
    return 2 * SIDE**3 / min(seconds)


def encode(model: str, data: Path, articles: int) -> dict[str, float]:
    """Encode so many articles; return how many a second."""
    encoder, texts = Encoder.load(model), list(read_beir(data).document_texts().values())[:articles]
    encoder.encode_documents(texts[:100])  # kernels and memory are set up
    started = time.perf_counter()
    encoder.encode_documents(texts)
    return {"a_second": len(texts) / (time.perf_counter() - started), "units": len(texts) + 100}


def child(options: argparse.Namespace) -> dict[str, float]:
    """Run one system in this process; return units a second, or the operations of one unit where they are counted."""
    if options.counted:
        torch.set_num_threads(1)  # the counter sees what its own thread does
    with FlopCounterMode(display=False) if options.counted else nullcontext() as counter:
        if options.one == ENCODING:
            done = encode(options.model, options.data, options.articles)
        else:
            made = one(options.one, options.data, options.negatives, options.model, options.steps, options.chosen)
            done = {"a_second": made["pairs_per_s"], "units": made["steps"] * SETTINGS.batch_size}
    if options.counted:
        return {"operations": counter.get_total_flops() / done["units"]}
    low = options.one == PEER_BF16 or (options.one != PEER and bf16_is_fast())
    return {"a_second": done["a_second"], "most": most(torch.bfloat16 if low else torch.float32)}


def main() -> None:
    """Measure every system and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="prepared BEIR folder")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--steps", type=int, default=8, help="of training")
    parser.add_argument("--articles", type=int, default=1000, help="to encode")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--counted", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--negatives", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--chosen", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(child(options)))
        return
    if not options.out:
        parser.error("--out is missing")
    made = Rows(options.out, f"python -m benchmarks.products --steps {options.steps} --articles {options.articles}")
    with tempfile.TemporaryDirectory() as folder:
        chosen = mined_into(Path(folder), options.data, options.model)
        given = ["--data", str(options.data), "--model", options.model, "--negatives", folder, "--steps", str(options.steps)]
        given += ["--articles", str(options.articles), *(["--chosen", str(chosen)] if chosen else [])]
        for system in (OURS, CHOSEN, PEER, *([PEER_BF16] if bf16_is_fast() else []), ENCODING):
            if {"system": system} in made:
                continue
            timed = in_child("benchmarks.products", "--one", system, *given)
            row = {"system": system, **timed, **in_child("benchmarks.products", "--one", system, "--counted", *given)}
            made.add({**row, "share_of_most": row["a_second"] * row["operations"] / row["most"]})
            print(json.dumps(made.rows[-1]), flush=True)


if __name__ == "__main__":
    main()
