"""``python -m tutorial_lib train``: a whole run, and what it refuses."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from tests.helpers import tree
from tests.tiny import beir_files
from tutorial_lib import workspace
from tutorial_lib.cli import main
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.training import adapter
from tutorial_lib.training.settings import TrainResult

SETTINGS = (
    "--device",
    "cpu",
    "--rank",
    "4",
    "--alpha",
    "16",
    "--batch-size",
    "6",
    "--min-steps",
    "0",
    "--epochs",
    "4",
    "--learning-rate",
    "0.01",
    "--temperature",
    "0.1",
)
"""12 pairs in batches of 6 for 4 epochs: 8 steps, dev scored after each second, and the best of these is not the last."""
TEXTS = ["cancel the invoice", "how to reset a password", "repair"]


@pytest.fixture
def command(tiny_data, tiny_folder, tmp_path):
    """Return a function that gives the arguments of a run in ``tmp_path / "out"``."""
    given = [*map(str, ("--data", tiny_data, "--out", tmp_path / "out", "--model", tiny_folder)), *SETTINGS]
    return lambda *more: ["train", *given, *more]


@pytest.fixture
def refused(capsys):
    """Return a function that holds the command to failing with status 2 and one line, and returns that line."""

    def refused(arguments):
        capsys.readouterr()
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert (out, len(lines)) == ("", 1)
        return lines[0]

    return refused


class Interrupt(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == 5:
            raise KeyboardInterrupt


def interrupt(monkeypatch):
    """Let training end in Ctrl-C at step 5."""
    prepare = adapter.prepare_training

    def interrupted(*args, **options):
        run = prepare(*args, **options)
        run.trainer.add_callback(Interrupt())
        return run

    monkeypatch.setattr(adapter, "prepare_training", interrupted)


def training(folder):
    return TrainResult.load(folder / "adapter" / "training.json")


# --- devices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "said"),
    [("toaster", "--device is 'toaster': pass cpu"), ("cuda:99", "--device is cuda:99, and this machine has")],
)
def test_a_device_that_is_not_there_is_refused(command, refused, device, said):
    assert said in refused(command("--device", device))


def test_one_gpu_for_all_processes_is_refused(monkeypatch, command, refused):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "--device is cuda:2, and torchrun gives each process a GPU of its own" in refused(command("--device", "cuda:2"))


def test_more_layers_than_the_model_has_are_refused(command, refused):
    assert "upper_layers is 3" in refused(command("--upper-layers", "3"))


# --- runs ---------------------------------------------------------------------------------------------------------


def test_a_run_leaves_an_adapter_and_a_model(command, tmp_path, tiny_folder, float32, capsys):
    assert main(command()) == 0
    out, result = tmp_path / "out", training(tmp_path / "out")
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        f"dev nDCG@10 {result.dev[0][1]:.3f} -> {dict(result.strengths)[result.strength]:.3f}, "
        f"{result.strength:.0%} of the update of step {result.best_step} of 8 kept: "
        f"{out / 'model'} encodes queries and articles"
    )
    made = {"dataset", "baseline", "base_vectors", "negatives", "adapter", "model"}
    assert {p.name for p in out.iterdir() if p.is_dir()} == made
    adapter, model = (Encoder.load(out / name).encode(TEXTS) for name in ("adapter", "model"))
    assert np.allclose(adapter, model, atol=1e-6)
    assert not np.allclose(model, Encoder.load(tiny_folder).encode(TEXTS), atol=1e-3)


def test_a_finished_run_is_not_repeated(command, tmp_path, capsys, monkeypatch):
    assert main(command("--dev-queries", "0")) == 0
    first, before = capsys.readouterr().out, tree(tmp_path / "out")
    assert first.startswith("8 steps, dev not scored: ")
    monkeypatch.setattr(adapter, "prepare_training", lambda *_, **__: pytest.fail("trained again"))
    assert main(command("--dev-queries", "0")) == 0
    assert capsys.readouterr().out == first
    assert tree(tmp_path / "out") == before


def test_an_interrupted_run_goes_on_to_the_same_result(command, tmp_path, monkeypatch, float32, capsys):
    assert main(command()) == 0
    expected = training(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "straight")
    with monkeypatch.context() as patch:
        interrupt(patch)
        assert main(command()) == 130
    assert "the same command goes on" in capsys.readouterr().err
    monkeypatch.setattr(adapter, "preflight", lambda *_: pytest.fail("checked again"))
    monkeypatch.setattr(workspace, "mine_negatives", lambda *_: pytest.fail("mined again"))
    assert main(command()) == 0
    result = training(tmp_path / "out")
    assert (result.losses, result.dev, result.strengths) == (expected.losses, expected.dev, expected.strengths)


def test_checkpoints_of_other_settings_are_refused_naming_both(command, tmp_path, monkeypatch, refused):
    with monkeypatch.context() as patch:
        interrupt(patch)
        main(command())
    before = tree(tmp_path / "out")
    line = refused(command("--temperature", "0.2", "--per-query", "2"))
    assert "other settings: train.temperature 0.1 there and 0.2 here, mining.per_query 4 there and 2 here; pass" in line
    assert tree(tmp_path / "out") == before


def test_before_the_first_checkpoint_settings_may_change(command, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(adapter, "prepare_training", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(command()) == 130
    assert main(command("--per-query", "2", "--epochs", "1")) == 0
    noted = json.loads((tmp_path / "out" / "workspace.json").read_text())["settings"]
    assert (noted["mining"]["per_query"], noted["train"]["epochs"]) == (2, 1.0)
    mined = json.loads((tmp_path / "out" / "negatives" / "mining.json").read_text())
    assert mined["settings"]["per_query"] == 2


def test_missing_splits_are_drawn_and_noted(tmp_path, tiny_folder, capsys):
    data = beir_files(tmp_path / "desk")
    (data / "qrels" / "dev.tsv").unlink()
    assert main(["train", *map(str, ("--data", data, "--out", tmp_path / "out", "--model", tiny_folder)), *SETTINGS]) == 0
    assert "note: no dev split was given: 1 of 12 training queries were drawn for it (seed 0)" in capsys.readouterr().err


def test_a_model_for_queries_only_says_so(command, capsys):
    assert main(command("--no-train-documents", "--epochs", "1")) == 0
    assert "encodes queries, for the base model's articles" in capsys.readouterr().out


def test_a_failed_check_writes_no_checkpoint(command, tmp_path, refused):
    assert "lower activation_tokens" in refused(command("--activation-tokens", str(10**12), "--batch-size", str(10**9)))
    assert not list(tmp_path.glob("out/checkpoints.*/*"))
    assert not (tmp_path / "out" / "adapter").exists()


def test_unusable_folders(command, tmp_path, refused):
    assert "is not a folder" in refused(["train", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert "exists and is no workspace" in refused(command())
    assert "is not a folder" in refused([*command("--out", str(tmp_path / "new")), "--model", str(tmp_path / "none")])
    assert not (tmp_path / "new").exists()


def test_the_module_runs_and_says_no_more_than_its_error(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tutorial_lib", "train", "--data", str(tmp_path / "none"), "--out", "o"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
