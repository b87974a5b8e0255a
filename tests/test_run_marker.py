"""What a folder is the workspace of, and that it stays that."""

import json

import pytest

from tests.helpers import OBSTACLES, damaged, in_time, obstructed, tree
from tutorial_lib.checksums import write_sealed
from tutorial_lib.data.dataset import DataError
from tutorial_lib.run_marker import Marker, alone_in, claim, noted_in
from tutorial_lib.run_settings import RunSettings
from tutorial_lib.training.settings import TrainSettings

OURS = Marker("/data/desk", "tiny", None, RunSettings().record())


def other(**changes):
    return Marker(**{**vars(OURS), **changes})


def test_what_is_claimed_is_noted(tmp_path):
    assert noted_in(tmp_path / "new") is None
    claim(tmp_path / "new", OURS)
    assert noted_in(tmp_path / "new") == OURS
    before = tree(tmp_path)
    claim(tmp_path / "new", OURS)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset": "/data/shop"}, "holds a run of dataset /data/desk, not /data/shop: pass another folder"),
        ({"model": "large"}, "holds a run of model tiny, not large: pass another folder"),
        ({"help_desk": {"tickets": "t.csv"}}, "holds a run of other files or another mapping"),
    ],
)
def test_a_run_of_something_else_is_refused_and_stays(tmp_path, changes, said):
    claim(tmp_path, OURS)
    before = tree(tmp_path)
    with pytest.raises(DataError, match=said):
        claim(tmp_path, other(**changes))
    assert tree(tmp_path) == before


def test_settings_may_change_until_something_is_trained(tmp_path):
    changed = other(settings=RunSettings(train=TrainSettings(epochs=2.0)).record())
    claim(tmp_path, OURS)
    claim(tmp_path, changed)
    assert noted_in(tmp_path) == changed
    (tmp_path / "checkpoints.abc" / "checkpoint-2").mkdir(parents=True)
    with pytest.raises(
        DataError, match=r"holds a run with other settings: train.epochs 2.0 there and 1.0 here; pass the same"
    ):
        claim(tmp_path, OURS)
    assert noted_in(tmp_path) == changed


OLDER = {"dataset": "d", "model": "m", "export": None}


def test_what_an_older_version_noted_is_told_as_that(tmp_path):
    for write in (write_sealed, lambda path, record: path.write_text(json.dumps(record))):
        write(tmp_path / "workspace.json", OLDER)
        for told in (False, True):
            with pytest.raises(DataError, match="was made by another version of this package: pass another folder"):
                noted_in(tmp_path, told=told)


@pytest.mark.parametrize("how", ["half", "bit", "digit"])
def test_a_damaged_note_is_refused_or_written_anew_by_whoever_tells_the_settings(tmp_path, how, capsys):
    claim(tmp_path, OURS)
    damaged(tmp_path / "workspace.json", how)
    with pytest.raises(DataError, match=r"workspace.json is damaged: .*: give the command that made .* again"):
        claim(tmp_path, OURS)
    assert noted_in(tmp_path, told=True) is None
    claim(tmp_path, OURS, told=True)
    assert noted_in(tmp_path) == OURS
    assert capsys.readouterr().err == f"{tmp_path / 'workspace.json'} was damaged: it is noted anew\n"


def test_what_a_kill_at_the_first_moment_leaves_is_no_obstacle(tmp_path):
    (tmp_path / "workspace.json.0123456789abcdef.part").write_text("{")
    (tmp_path / ".run.lock").touch()
    claim(tmp_path, OURS)
    assert noted_in(tmp_path) == OURS
    assert list(tmp_path.glob("*.part")) == []


def test_two_runs_in_one_folder_are_not_at_work_at_a_time(tmp_path):
    out = tmp_path / "out"
    with alone_in(out):
        claim(out, OURS)
        before = tree(out)
        with (
            pytest.raises(DataError, match=r"another run is at work in .*out: wait for it, or pass another folder"),
            alone_in(out),
        ):
            pytest.fail("two at a time")
        assert tree(out) == before
        (out / "dataset").mkdir()
        (out / "dataset" / "stage.json").touch()
    with alone_in(out):
        assert noted_in(out) == OURS


def test_a_run_that_made_nothing_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), alone_in(tmp_path / "runs" / "out"):
        claim(tmp_path / "runs" / "out", OURS)
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), alone_in(tmp_path / "runs" / "one"):
        (tmp_path / "runs" / "two").mkdir()  # by another run
        raise KeyError
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["two"]
    with pytest.raises(KeyError), alone_in(tmp_path / "runs" / "two"):  # a folder that was there stays
        raise KeyError
    assert list((tmp_path / "runs" / "two").iterdir()) == []


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("how", OBSTACLES)
def test_a_note_that_is_no_plain_file_is_refused_and_stays(tmp_path, how, told):
    claim(tmp_path, OURS)
    note = obstructed(tmp_path / "workspace.json", how)
    with in_time(), pytest.raises(DataError, match=f"workspace.json is {OBSTACLES[how]}.*: remove it, and give the command"):
        claim(tmp_path, OURS, told=told)
    assert note.exists() or note.is_symlink()


@pytest.mark.parametrize("how", ["pipe", "socket", "device"])
def test_a_run_goes_into_a_folder(tmp_path, how):
    with in_time(), pytest.raises(DataError, match="out exists and is no workspace: pass a new or empty folder"):
        claim(obstructed(tmp_path / "out", how), OURS, told=True)
