"""How do seconds and memory of every stage grow from 10 thousand to a million articles?

    python -m benchmarks.stages --data workspace/aws_docs/dataset --out benchmarks/results/stages.json
        [--sizes 10000 30000 100000 300000 1000000] [--stages clean mine ...] [--minutes 4] [--gb 12] [--beside TEXT]

Articles and queries are synthetic, and the record says so: those of ``--data`` with changed words (``made_texts``), for a
million real ones are not at hand. Vectors are those of ``growth``. They stand for the load, not for quality.

Every stage is measured at every size in a process of its own, which first reads what the stage is given: ``seconds`` are
the processor's for the stage alone (``wall_seconds`` hang on what else runs), ``peak_mb`` is the process's peak of memory,
``before_mb`` its peak before the stage began. What by the two sizes below
would take longer than ``--minutes``, or more memory than ``--gb``, is not run, and a process that takes longer is ended:
the record says so. What is measured is written after each; rows of other sizes and ``--stages`` in the file stay.
``slopes`` are those of straight lines on log-log axes: 1 is proportional.

Encoding and training are not among the stages: both take texts in batches of bounded size, so that seconds are texts by
texts a second (``encoding`` and ``training``, beside this), and hold no more than one batch and the vectors.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.growth import DIMENSION, ended, fitted
from benchmarks.machine import description, in_child
from benchmarks.made_texts import made_dataset
from benchmarks.stage_work import QUERIES, STAGES
from tutorial_lib.data.beir import read_beir, write_beir
from tutorial_lib.files import write_text

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)


def make(real: Path, folder: Path, size: int) -> dict[str, Any]:
    """Write the synthetic dataset into ``folder``."""
    dataset, distinct = made_dataset(read_beir(real), size)
    write_beir(dataset, folder)
    words = sum(len(text.split()) for text in dataset.document_texts().values())
    return {"articles": size, "queries": len(dataset.queries), "words": words, "distinct_words": distinct}


def expected(rows: Sequence[Mapping[str, Any]], stage: str, size: int) -> tuple[float, float] | None:
    """Return seconds and GB that a stage will take by the two measured sizes below; None without two.

    Seconds by a straight line on log-log axes, at least proportional; memory by one on plain axes.
    """
    below = [r for r in rows if r["stage"] == stage and r["articles"] < size and "seconds" in r][-2:]
    if len(below) < 2:
        return None
    (n, seconds, mb), (more, longer, larger) = [(r["articles"], r["seconds"], r["peak_mb"]) for r in below]
    slope = max(1.0, math.log(longer / seconds) / math.log(more / n))
    gb = (larger + (larger - mb) * (size - more) / (more - n)) / 1024
    return longer * (size / more) ** slope, gb


def run_stage(stage: str, folder: Path, size: int, rows: Sequence[Mapping[str, Any]], options: Any) -> dict[str, Any]:
    """Return the row of one stage at one size: what it took, or why it was not run or not finished."""
    row = {"articles": size, "stage": stage}
    guess = expected(rows, stage, size)
    if guess and (guess[0] > 60 * options.minutes or guess[1] > options.gb):
        return row | {"not_run": f"by the sizes below it would take {guess[0] / 60:.1f} minutes and {guess[1]:.1f} GB"}
    try:
        return row | in_child("benchmarks.stages", "--child", stage, str(folder), "--minutes", str(2 * options.minutes))
    except subprocess.CalledProcessError as error:
        return row | {"failed": ended(error.returncode, 2 * options.minutes)}


def stage_slopes(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return for each stage the slopes of seconds and of memory."""
    found = {}
    for stage in STAGES:
        own = [r for r in rows if r["stage"] == stage]
        found[stage] = {c: slope for c in ("seconds", "peak_mb") if (slope := fitted(own, c)) is not None}
    return found


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="BEIR folder of the real articles")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES), help="measure these only")
    parser.add_argument("--minutes", type=float, default=4, help="most that a stage may be expected to take")
    parser.add_argument("--gb", type=float, default=12, help="most memory that it may be expected to take")
    parser.add_argument("--beside", default="nothing known", help="what else runs on the machine, for the record")
    parser.add_argument("--folder", type=Path, help="where the files go while it runs; default the system's")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.child and not (options.data and options.out):
        parser.error("--data or --out is missing")
    return options


def main() -> None:
    """Measure size after size and stage after stage; the figures so far are written after each."""
    options = parsed()
    if options.child:
        signal.setitimer(signal.ITIMER_PROF, 60 * options.minutes)  # of the processor; it ends the process wherever it is
        stage, folder = options.child
        print(json.dumps(STAGES[stage](Path(folder))))
        return
    earlier = json.loads(options.out.read_text()) if options.out.exists() else {"rows": [], "made": []}
    rows = {(r["articles"], r["stage"]): r for r in earlier["rows"]}
    made = {r["articles"]: r for r in earlier["made"]}
    record: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.stages", *sys.argv[1:]]),
        "machine": description(),
        "beside": options.beside,
        "texts": f"synthetic: articles of {options.data.parent.name} with changed words (benchmarks/made_texts.py)",
        "vectors": f"synthetic, {DIMENSION} numbers",
        "searched_and_mined": QUERIES,
    }
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            made[size] = make(options.data, Path(name), size)
            for stage in options.stages:
                row = run_stage(stage, Path(name), size, [rows[key] for key in sorted(rows)], options)
                rows[size, stage] = row
                print(json.dumps(row), flush=True)
                record["made"] = [made[n] for n in sorted(made)]
                record["rows"] = [rows[key] for key in sorted(rows)]
                record["slopes"] = stage_slopes(record["rows"])
                write_text(options.out, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
