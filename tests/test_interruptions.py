"""Every stage broken off point by point, as a kill would: nothing half-written is read, and what goes on ends alike."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import damaged, tree
from tests.milvus import killed
from tests.tiny import LORA, TRAIN, interrupt_adapter
from tutorial_lib import stage
from tutorial_lib.workspace import STAGES, Workspace

pytestmark = pytest.mark.usefixtures("at_home")

POINTS = ("begin", "half", "record", "rename", "renamed")
"""Before anything is written; with every file cut in half; before the record; before and after the folder has its name."""


def ended(*_, **__):
    raise KeyboardInterrupt


def make_half(make):
    def half(space, folder, **settings):
        make(space, folder, **settings)
        for file in [p for p in folder.rglob("*") if p.is_file()]:
            damaged(file, "half")
        raise KeyboardInterrupt

    return half


def break_off(space, name, point, monkeypatch):
    """Make a stage until a point, and clear nothing away: after a kill nobody does."""
    rename, rmtree = Path.rename, shutil.rmtree

    def at_the_renaming(part, target):
        if target != space.root / name:  # of something within the stage
            return rename(part, target)
        if point == "renamed":
            rename(part, target)
        raise KeyboardInterrupt

    def all_but_its_own(folder, **options):
        if not Path(folder).match(f"{name}.*.part"):
            rmtree(folder, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", all_but_its_own)
        if point in ("begin", "half"):
            make = ended if point == "begin" else make_half(STAGES[name].make)
            patch.setattr(Workspace, "stages", {**STAGES, name: replace(STAGES[name], make=make)})
        elif point == "record":
            patch.setattr(stage, "write_sealed", ended)
        else:
            patch.setattr(Path, "rename", at_the_renaming)
        space.need(name, **({"lora": LORA, "train": TRAIN} if name == "adapter" else {}))


def artifacts(root):
    """Return all files of all stages, but for the times in them."""
    return {name: timeless(content) for name, content in tree(root).items() if name.split("/")[0] in STAGES}


def timeless(content):
    try:
        record = json.loads(content)
    except ValueError:
        return content
    if isinstance(record, dict) and "files" in record:  # the record of a stage: sizes and sums hang on the times in its files
        record = {key: value for key, value in record.items() if key not in ("files", "sha256")}
    text = json.dumps(record, sort_keys=True)
    return re.sub(r'"(seconds|pairs_per_s)": [0-9.e-]+', r'"\1": 0', text)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_was_killed_is_made_as_if_it_had_not_been(
    copied, finished, tiny_data, tiny_folder, monkeypatch, capsys, name, point
):
    shutil.rmtree(copied.root / name)
    break_off(copied, name, point, monkeypatch)
    assert (copied.record(name) is not None) == (point == "renamed")
    capsys.readouterr()

    again = Workspace(copied.root, tiny_data, tiny_folder)
    again.adapter(lora=LORA, train=TRAIN)
    again.need("runs")
    assert re.findall(r"making (\w+)", capsys.readouterr().err) == ([] if point == "renamed" else [name])
    assert artifacts(again.root) == artifacts(finished.root)
    assert [p.name for p in again.root.iterdir() if p.is_dir() and p.name not in STAGES] == []


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_training_that_was_interrupted_after_any_step_gives_the_same_model(copied, finished, monkeypatch, step):
    for name in ("adapter", "model", "tuned_vectors", "fusion", "runs"):
        shutil.rmtree(copied.root / name)
    interrupt_adapter(copied, step, monkeypatch)
    assert not (copied.root / "adapter").exists()
    copied.adapter(lora=LORA, train=TRAIN)
    copied.need("runs")
    assert artifacts(copied.root) == artifacts(finished.root)


KILLED = """
import os, signal, sys
from transformers import TrainerCallback
from tests.tiny import LORA, TRAIN
from tutorial_lib.training import adapter
from tutorial_lib.workspace import Workspace

class Kill(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == 3:
            os.kill(os.getpid(), signal.SIGKILL)

prepare = adapter.prepare_training
def with_kill(*args, **options):
    run = prepare(*args, **options)
    run.trainer.add_callback(Kill())
    return run

adapter.prepare_training = with_kill
Workspace(*sys.argv[1:]).adapter(lora=LORA, train=TRAIN)
"""


def test_a_training_whose_process_was_killed_gives_the_same_model(copied, finished, tiny_data, tiny_folder):
    for name in ("adapter", "model", "tuned_vectors", "fusion", "runs"):
        shutil.rmtree(copied.root / name)
    killed(KILLED, copied.root, tiny_data, tiny_folder)
    assert list(copied.root.glob("adapter.*.part")) != []
    assert [p.name for p in copied.root.glob("checkpoints.*/checkpoint-*")] == ["checkpoint-2"]

    again = Workspace(copied.root, tiny_data, tiny_folder)
    assert again.record("adapter") is None
    again.adapter(lora=LORA, train=TRAIN)
    again.need("runs")
    assert artifacts(again.root) == artifacts(finished.root)
