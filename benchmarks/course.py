"""How long does the course take, and how much memory? ``python -m benchmarks.course [--out FILE]`` runs it in a fresh folder.

Memory is the largest sum of resident sizes of the process and its children (the notebook kernels), sampled twice a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.machine import description

SWITCHES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "TUTORIAL_PRECISION")
"""With avx2, AVX2 and float32 a newer processor works as one without units for bfloat16 does; told in the record."""


def resident_mb(process: psutil.Process) -> float:
    """Return the resident size of a process and its descendants in MB."""
    total = 0
    for p in [process, *process.children(recursive=True)]:
        try:
            total += p.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def main() -> None:
    """Run the course once and print seconds, peak memory and the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="aws_docs")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file as well")
    parser.add_argument("--keep", type=Path, help="run in this folder, which must not exist, and keep it")
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        parser.error(f"{options.keep} exists: what lies there would not be made anew, nor timed")
    with tempfile.TemporaryDirectory() as folder:
        run = options.keep or Path(folder, "run")
        started, peak = time.monotonic(), 0.0
        process = psutil.Popen([sys.executable, "-m", "tutorial_lib", "run", "--data", options.data, "--out", str(run)])
        while process.poll() is None:
            peak = max(peak, resident_mb(process))
            time.sleep(0.5)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, "tutorial_lib run")
        metrics = json.loads((run / "report" / "metrics.json").read_text())
    switches = " ".join(f"{name}={os.environ[name]}" for name in SWITCHES if name in os.environ)
    record = {
        "command": f"{switches} python -m benchmarks.course --data {options.data}".strip(),
        **description(),
        "seconds": round(time.monotonic() - started),
        "peak_mb": round(peak),
        "stages": {k: round(v, 1) for k, v in metrics["seconds"].items()},
        "pairs_per_s": round(metrics["train"]["pairs_per_s"], 1),
        "systems": metrics["systems"],
    }
    print(json.dumps(record, indent=1))
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
