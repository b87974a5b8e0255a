"""Which checkpoint is gone on from: the newest whose files, and those of the best by dev, are as they were written."""

import pytest

from tests.helpers import damaged
from tutorial_lib.checksums import sums_of, write_sealed
from tutorial_lib.training.checkpoints import RECORD, newest_whole, remove_checkpoints


def checkpoint(folder, step, best):
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    (made / "weights").write_text(f"weights of step {step}")
    (made / "trainer_state.json").write_text(f'{{"global_step": {step}}}')
    write_sealed(made / RECORD, {"files": sums_of(made), "best": f"checkpoint-{best}" if best else None})
    return made


@pytest.fixture
def run(tmp_path):
    """Checkpoints 2, 10 and 12, of which 2 was the best by dev until 10, and 12 is the best of all."""
    for step, best in ((2, 2), (10, 2), (12, 12)):
        checkpoint(tmp_path / "run", step, best)
    return tmp_path / "run"


def test_the_newest_by_its_step(run):
    assert newest_whole(run) == newest_whole(run)
    assert newest_whole(run).checkpoint == run / "checkpoint-12"
    assert newest_whole(run).passed_over == ()


def test_no_checkpoint_is_none(tmp_path):
    assert newest_whole(tmp_path / "none").checkpoint is None


@pytest.mark.parametrize("how", ["half", "bit", "digit", "gone"])
@pytest.mark.parametrize("name", ["weights", "trainer_state.json", RECORD])
def test_damage_of_any_file_is_named_and_the_one_before_taken(run, name, how):
    damaged(run / "checkpoint-12" / name, how)
    found = newest_whole(run)
    assert found.checkpoint == run / "checkpoint-10"
    (line,) = found.passed_over
    assert line.startswith("checkpoint-12 is passed over: ")
    assert name in line or (name, how) == (RECORD, "gone")


def test_a_checkpoint_whose_best_one_is_damaged_would_end_with_another_adapter(run):
    damaged(run / "checkpoint-12" / "weights", "half")
    damaged(run / "checkpoint-2" / "weights", "half")
    found = newest_whole(run)
    assert found.checkpoint is None
    assert len(found.passed_over) == 3
    assert "the best one by dev, checkpoint-2, is damaged: weights has" in found.passed_over[1]


def test_they_are_deleted_when_the_run_is_done(run):
    remove_checkpoints(run)
    assert not run.exists()
    remove_checkpoints(run)
