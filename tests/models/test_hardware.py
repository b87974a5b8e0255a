"""Precision, devices and threads."""

import platform
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from tests.tiny import THINGS
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models import hardware
from tutorial_lib.models.hardware import attend_by, bf16_is_fast, default_device, named_device, side_by_side
from tutorial_lib.private_api import attention_kernel

CPU = torch.device("cpu")


@pytest.fixture
def four_threads():
    """Let torch use four threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def in_a_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_bf16_is_fast_asks_the_processor(monkeypatch):
    monkeypatch.delenv("TUTORIAL_PRECISION", raising=False)
    for units, fast in (({}, False), ({"avx2": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda units=units: units)
        assert bf16_is_fast() is fast
    assert bf16_is_fast(torch.device("mps")) is False


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_threads_side_by_side_give_the_same_bits_and_leave_torch_as_it_was(tiny, monkeypatch, precision):
    monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None: precision == "bfloat16")
    texts = [f"{thing} {'again ' * n}" for n, thing in enumerate(THINGS * 3)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = tiny.encode(texts, token_budget=32)
        torch.set_num_threads(3)
        side_by_side = tiny.encode(texts, token_budget=32)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(alone, side_by_side)


def test_what_fails_in_a_thread_is_raised(tiny, monkeypatch, four_threads):
    monkeypatch.setattr(tiny, "pad", lambda tokens: (_ for _ in ()).throw(MemoryError("no room")))
    with pytest.raises(MemoryError, match="no room"):
        tiny.encode(THINGS * 3, token_budget=32)


def test_every_worker_has_one_thread_and_all_others_have_what_they_had(four_threads):
    with side_by_side(CPU, 8) as run:
        assert list(run(lambda _: torch.get_num_threads(), range(8))) == [1] * 8
        assert torch.get_num_threads() == in_a_thread(torch.get_num_threads) == 4
        assert list(run(lambda _: torch.get_num_threads(), range(8))) == [1] * 8
    assert torch.get_num_threads() == in_a_thread(torch.get_num_threads) == 4


def test_a_thread_that_begins_while_another_is_at_work_gets_as_many_workers(four_threads):
    together = threading.Barrier(4, timeout=60)  # opens only to four workers at once

    def begin():
        with side_by_side(CPU, 4) as run:
            return len(list(run(lambda _: together.wait(), range(4))))

    with side_by_side(CPU, 8):
        assert in_a_thread(begin) == 4


def test_one_batch_or_a_gpu_has_no_workers(four_threads):
    for device, batches in ((CPU, 1), (CPU, 0), (torch.device("cuda"), 8)):
        with side_by_side(device, batches) as run:
            assert run is map


def test_a_device_by_name(monkeypatch):
    assert named_device("cpu") == CPU
    assert named_device(None) == default_device()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert named_device("cuda:0") == torch.device("cuda:0")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tpu9", "--device is 'tpu9': pass cpu, cuda or cuda:N"),
        ("cuda:2", "--device is cuda:2, and this machine has 2 GPUs that torch can use: pass --device cpu, or leave it out"),
        ("cuda:1", "--device is cuda:1, and torchrun gives each process a GPU of its own: pass --device cuda"),
    ],
)
def test_a_device_that_cannot_be_used_is_refused(monkeypatch, name, said):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(DataError) as error:
        named_device(name)
    assert str(error.value) == said


@pytest.mark.parametrize(("visible", "left"), [("", "1"), ("4, 7", "7")])
def test_a_later_gpu_becomes_the_only_one_in_sight(monkeypatch, visible, left):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert named_device("cuda:1") == torch.device("cuda")
    assert hardware.os.environ["CUDA_VISIBLE_DEVICES"] == left


def test_the_attention_kernel_is_chosen(tiny):
    attend_by(tiny.model, "eager")
    assert attention_kernel(tiny.model) == "eager"


@pytest.mark.parametrize("name", ["mps", "xpu", "meta", "xla"])
def test_a_device_that_torch_cannot_use_here_is_refused(name, monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: None)
    with pytest.raises(DataError, match=f"--device is {name}, and torch cannot use it here: pass --device cpu"):
        named_device(name)


def test_an_accelerator_that_is_there_is_taken(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: torch.device("mps"))
    assert named_device("mps") == torch.device("mps")


KEEPS = """
import psutil
from tutorial_lib.models.hardware import give_back_memory
blocks = [bytearray(b"x" * 100_000) for _ in range(4_000)]  # below the size that is mapped by itself
last = bytearray(b"x" * 100_000)  # on top of the heap: what lies below it is not given back of itself
del blocks
kept = psutil.Process().memory_info().rss
give_back_memory()
print(kept - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of the GNU C library")
def test_what_was_freed_is_given_back():
    given = subprocess.run([sys.executable, "-c", KEEPS], capture_output=True, text=True, check=True).stdout
    assert int(given) > 200_000_000


def test_elsewhere_the_allocator_is_left_alone(monkeypatch):
    monkeypatch.setattr(hardware.sys, "platform", "win32")
    monkeypatch.setattr(hardware.ctypes, "CDLL", None)
    hardware.give_back_memory()
