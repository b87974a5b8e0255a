"""What the processor is good at: precision, attention kernels, threads."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

from tutorial_lib.data.dataset import DataError
from tutorial_lib.private_api import can_choose_attention

_STARTING = threading.Lock()
"""Held while the workers of one ``side_by_side`` set torch's thread count for themselves."""


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


def give_back_memory() -> None:
    """Give back to the system what this process has freed and its allocator keeps, on Linux with the GNU C library.

    Blocks of the size of activations are kept for the next ones, a gigabyte after a training: malloc_trim(3) lets go of
    whole free pages. What only refers to itself, as a trainer and its callbacks do, is collected before. Elsewhere the
    allocator is left alone.
    """
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def default_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def named_device(name: str | None) -> torch.device:
    """Return the device that the command line's ``--device`` names; without a name the GPU where there is one, else the CPU.

    A GPU other than the first is made the only one that this process sees, since Trainer takes the first: the variable
    CUDA_VISIBLE_DEVICES is set, which works only before torch has used a GPU.

    >>> named_device("cpu")
    device(type='cpu')

    Raises:
        DataError: torch knows no such device, this machine has no such GPU, or torchrun has given each process its own.
    """
    if name is None:
        return default_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DataError(f"--device is {name!r}: pass cpu, cuda or cuda:N") from error
    if not _is_there(device):
        raise DataError(f"--device is {name}, and torch cannot use it here: pass --device cpu, or leave it out")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DataError(
            f"--device is {name}, and this machine has {torch.cuda.device_count()} GPUs that torch can use: pass "
            "--device cpu, or leave it out"
        )
    if device.type == "cuda" and device.index:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise DataError(f"--device is {name}, and torchrun gives each process a GPU of its own: pass --device cuda")
        return _only_gpu(device.index)
    return device


def _is_there(device: torch.device) -> bool:
    """Return whether torch can compute on a device of this kind here; of CUDA's the number of GPUs tells."""
    if device.type in ("cpu", "cuda"):
        return True
    found = torch.accelerator.current_accelerator(check_available=True)
    return found is not None and found.type == device.type


def _only_gpu(index: int) -> torch.device:
    """Hide every other GPU from this process: Trainer takes the first that it sees."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[index].strip() if visible else str(index)
    return torch.device("cuda")


@contextmanager
def side_by_side(device: torch.device, batches: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Within the block: a ``map`` that on a CPU works on as many batches at a time as torch has threads, one thread each.

    Threads that share every product wait for each other some hundred times a batch: side by side they do not, which counts
    most where another program wants the same cores. The vectors are the same to the last bit.
    """
    pool = _workers(batches) if device.type == "cpu" else None
    if pool is None:
        yield map
        return
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


def _workers(batches: int) -> ThreadPoolExecutor | None:
    """Return as many threads as torch would use, each with one thread for its own products; None if one is enough.

    What a thread sets for itself, threads to come begin with. So all workers are started at once, and then the number is put
    back: another thread that begins to encode in the meantime reads the number that it would read at any other time.
    """
    with _STARTING:
        count = torch.get_num_threads()
        threads = min(count, batches)
        if threads < 2:
            return None
        all_started = threading.Barrier(threads)
        pool = ThreadPoolExecutor(threads, initializer=_one_thread)
        try:
            for started in [pool.submit(all_started.wait) for _ in range(threads)]:
                started.result()
        except BaseException:  # no thread may wait for ever for one that could not be started
            all_started.abort()
            pool.shutdown()
            raise
        finally:
            torch.set_num_threads(count)
        return pool


def _one_thread() -> None:
    torch.get_num_threads()  # a thread's first question sets its number to everybody's: not later, over the one set here
    torch.set_num_threads(1)


def attend_by(model: Any, kernel: str) -> None:
    """Choose the attention kernel, where the architecture lets it be chosen (MPNet does not, and would warn each time)."""
    if can_choose_attention(model):
        model.set_attn_implementation(kernel)
