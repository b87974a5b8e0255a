"""How long does the course take, and how much memory? ``python -m benchmarks.course [--out FILE]`` runs it in a fresh folder.

Memory is what the process and its children (the notebook kernels) hold together at the peak, asked twice a second: the sum
of their proportional set sizes, in which a page that two share counts once, and of their resident sizes where the system
tells no others. Seconds and peak are told by chapter too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from benchmarks.machine import description

SWITCHES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "TUTORIAL_PRECISION")
"""With avx2, AVX2 and float32 a newer processor works as one without units for bfloat16 does; told in the record."""


def held_mb(process: psutil.Process) -> float:
    """Return what a process and its descendants hold, in MB; what has ended holds nothing."""
    total = 0
    for p in [process, *process.children(recursive=True)]:
        try:
            memory = p.memory_full_info()
            total += getattr(memory, "pss", memory.rss)
        except psutil.Error:
            continue
    return total / 1e6


class Chapters:
    """Seconds and peak of memory by chapter, by what a run prints."""

    def __init__(self) -> None:
        """Begin before the first chapter."""
        self.name, self.peaks, self.seconds = "before", {"before": 0.0}, {"before": 0.0}
        self._since = time.monotonic()

    def follow(self, lines: Iterable[str]) -> None:
        """Print each line, and note where it says that a chapter begins."""
        for line in lines:
            print(line, end="", flush=True)
            if line.rstrip().endswith(" …"):
                self._turn(line.split()[0])
        self._turn(self.name)

    def _turn(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[self.name] = self.seconds.get(self.name, 0.0) + now - self._since
        self.name, self._since = name, now

    def saw(self, mb: float) -> None:
        """Note what is held now."""
        self.peaks[self.name] = max(self.peaks.get(self.name, 0.0), mb)

    def record(self) -> dict[str, dict[str, int]]:
        """Return chapter -> seconds and peak, in the order of the run."""
        return {n: {"seconds": round(s), "peak_mb": round(self.peaks.get(n, 0.0))} for n, s in self.seconds.items()}


def run_of(folder: Path, data: str) -> Chapters:
    """Run the course in ``folder`` and return what it took.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    command = [sys.executable, "-m", "tutorial_lib", "run", "--data", data, "--out", str(folder)]
    process = psutil.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    chapters = Chapters()
    reader = threading.Thread(target=chapters.follow, args=(process.stdout,))
    reader.start()
    while process.poll() is None:
        chapters.saw(held_mb(process))
        time.sleep(0.5)
    reader.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return chapters


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
        run, started = options.keep or Path(folder, "run"), time.monotonic()
        chapters = run_of(run, options.data).record()
        metrics = json.loads((run / "report" / "metrics.json").read_text())
    switches = " ".join(f"{name}={os.environ[name]}" for name in SWITCHES if name in os.environ)
    record = {
        "command": f"{switches} python -m benchmarks.course --data {options.data}".strip(),
        **description(),
        "seconds": round(time.monotonic() - started),
        "peak_mb": max(chapter["peak_mb"] for chapter in chapters.values()),
        "chapters": chapters,
        "stages": {k: round(v, 1) for k, v in metrics["seconds"].items()},
        "pairs_per_s": round(metrics["train"]["pairs_per_s"], 1),
        "systems": metrics["systems"],
    }
    print(json.dumps(record, indent=1))
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
