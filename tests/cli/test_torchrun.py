"""Two processes under torchrun train as one does: same losses, same dev scores, same adapter, each file written once."""

import os
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.test_train import SETTINGS, interrupt
from tests.helpers import tree
from tutorial_lib.cli import main
from tutorial_lib.models.hardware import bf16_is_fast
from tutorial_lib.training.settings import TrainResult


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def torchrun(arguments):
    """Run the training command in two processes and return what they print."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        "2",
        "--master_addr",
        "127.0.0.1",
        "--master_port",
        str(free_port()),
        "-m",
        "tutorial_lib",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.mark.parametrize(("precision", "tolerance", "runs"), [("float32", 1e-5, 2), ("bfloat16", 1e-2, 1)])
def test_two_processes_train_as_one(tiny_data, tiny_folder, tmp_path, monkeypatch, capsys, precision, tolerance, runs):
    if precision == "bfloat16" and not bf16_is_fast(torch.device("cpu")):
        pytest.skip("this processor would train in float32")
    monkeypatch.setenv("TUTORIAL_PRECISION", precision)
    arguments = [
        "train",
        "--data",
        str(tiny_data),
        "--model",
        str(tiny_folder),
        *SETTINGS,
        "--runs",
        str(runs),
        "--token-budget",
        "40",
        "--activation-tokens",
        "100",
    ]  # some eight groups of texts a batch, several of them encoded twice
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*arguments, "--out", str(one)]) == 0
    alone = capsys.readouterr()
    together = torchrun([*arguments, "--out", str(two)])
    assert together.stdout == alone.out.replace(str(one), str(two))
    assert together.stderr.count("warning: learning_rate is 0.01") == alone.err.count("warning: learning_rate is 0.01") == 1
    expected, result = (TrainResult.load(folder / "adapter" / "training.json") for folder in (one, two))
    assert result.steps == len(result.losses) == 8
    assert [loss for _, loss in result.losses] == pytest.approx([loss for _, loss in expected.losses], abs=tolerance)
    assert (result.dev, result.best_step, result.strengths) == (expected.dev, expected.best_step, expected.strengths)
    assert (result.runs, result.dev_of_mean) == (expected.runs, expected.dev_of_mean)
    assert [seed for seed, _ in result.runs] == ([0, 1] if runs > 1 else [])
    assert together.stderr.count("training 2 of 2, with seed 1") == runs - 1
    adapters = [load_file(folder / "adapter" / "adapter_model.safetensors") for folder in (one, two)]
    for name, weights in adapters[0].items():
        assert torch.allclose(weights, adapters[1][name], rtol=0, atol=tolerance)
    if runs == 1:  # of two seeds of so small a model the mean is worse than either, and the base model is kept
        assert result.best_step > 0
        assert any(weights.abs().max() > 0.01 for name, weights in adapters[0].items() if ".lora_B." in name)
    assert set(tree(one)) == set(tree(two))


def test_a_run_of_one_process_goes_on_with_two(tiny_data, tiny_folder, tmp_path, monkeypatch):
    """All texts of a batch are one group here: the second process has nothing to encode."""
    monkeypatch.setenv("TUTORIAL_PRECISION", "float32")
    arguments = ["train", "--data", str(tiny_data), "--model", str(tiny_folder), *SETTINGS]
    assert main([*arguments, "--out", str(tmp_path / "straight")]) == 0
    interrupt(monkeypatch)
    assert main([*arguments, "--out", str(tmp_path / "broken")]) == 130
    torchrun([*arguments, "--out", str(tmp_path / "broken")])
    expected, result = (TrainResult.load(tmp_path / name / "adapter" / "training.json") for name in ("straight", "broken"))
    assert [loss for _, loss in result.losses] == pytest.approx([loss for _, loss in expected.losses], abs=1e-5)
    assert result.dev == expected.dev
