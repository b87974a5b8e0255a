"""What a benchmark ran on, and how ours and a peer are measured in turn, each in a process of its own.

Imports nothing large: what measures its own memory with ``peak_mb`` would count it.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = ("torch", "transformers", "peft", "sentence-transformers", "rank-bm25", "bm25s", "numpy", "scipy")


def device_name() -> str:
    """Return the GPU's name, or the processor's."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{torch.cpu.get_capabilities().get('cpu_name', platform.processor())}, {torch.get_num_threads()} threads"


def description() -> dict[str, Any]:
    """Return processor, cores, memory, bf16 units, whether they are to be used, and the versions of what is compared."""
    import psutil
    import torch

    capabilities = torch.cpu.get_capabilities()
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "device": device_name(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "bf16_units": [k for k in ("amx_bf16", "avx512_bf16") if capabilities.get(k)],
        "TUTORIAL_PRECISION": os.environ.get("TUTORIAL_PRECISION", ""),
        "python": platform.python_version(),
        "versions": versions,
    }


def peak_mb() -> float:
    """Return the largest resident size this process has had, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux; its rusage would count what the parent held when it started this process
        return float(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def in_child(module: str, *arguments: str, python: str = sys.executable) -> dict[str, Any]:
    """Run ``python -m module arguments`` and return the JSON object on its last line of output.

    A process each: the peak memory of one run is then its own, and no run inherits another's warm caches.
    """
    done = subprocess.run([python, "-m", module, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def ratios(ours: list[float], peer: list[float]) -> dict[str, float]:
    """Return median and range of ours / peer over repeats that were measured in turn."""
    each = sorted(a / b for a, b in zip(ours, peer, strict=True))
    return {"median": median(each), "min": each[0], "max": each[-1]}
