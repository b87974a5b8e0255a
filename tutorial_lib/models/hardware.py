"""What the processor is good at: precision, attention kernels, threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch


def bf16_is_fast(device: torch.device | None = None) -> bool:
    """Return whether bfloat16 has hardware units here (AMX or AVX512-BF16 on a CPU); without them it is far slower.

    The environment variable TUTORIAL_PRECISION=float32 answers no, so that results compare to the last digits.
    """
    if os.environ.get("TUTORIAL_PRECISION") == "float32":
        return False
    if device is not None and device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device is not None and device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def default_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def side_by_side(device: torch.device, batches: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Within the block: a ``map`` that on a CPU works on as many batches at a time as torch has threads, one thread each.

    Threads that share every product wait for each other some hundred times a batch: side by side they do not, which counts
    most where another program wants the same cores. The vectors are the same to the last bit.
    """
    before = torch.get_num_threads()
    threads = min(before, batches)
    if device.type != "cpu" or threads < 2:
        yield map
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)  # what a worker sets for itself is what threads to come begin with


def attend_by(model: Any, kernel: str) -> None:
    """Choose the attention kernel, where the architecture lets it be chosen (MPNet does not, and would warn each time)."""
    if model._can_set_attn_implementation():
        model.set_attn_implementation(kernel)
