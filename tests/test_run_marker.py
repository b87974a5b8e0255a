"""What a folder is the workspace of, and that it stays that."""

import json

import pytest

from tests.helpers import tree
from tutorial_lib.data.dataset import DataError
from tutorial_lib.run_marker import Marker, claim, noted_in
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


def test_what_an_older_version_noted_is_told_as_that(tmp_path):
    (tmp_path / "workspace.json").write_text(json.dumps({"dataset": "d", "model": "m", "export": None}))
    with pytest.raises(DataError, match="was made by another version of this package: pass another folder"):
        noted_in(tmp_path)
