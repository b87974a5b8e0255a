"""A generation from a log, end to end on a tiny model: shipped or kept back, interrupted anywhere, the old one untouched."""

from dataclasses import replace

import pytest

from tests.helpers import tree
from tests.monitoring.logs import DAYS, OPEN, SETTINGS, searches
from tests.tiny import Interrupt
from tutorial_lib.checksums import read_sealed
from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.ship import Check, ShipDecision
from tutorial_lib.index import FlatStore, VectorIndex
from tutorial_lib.index.reindex import reindex
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import document_space
from tutorial_lib.monitoring import live_index, retraining
from tutorial_lib.monitoring.lineage import KEPT_BACK, SHIPPED, UNDER_WAY, Line
from tutorial_lib.monitoring.retraining import prepared, retrain, settings_of
from tutorial_lib.training import adapter

WIDE = replace(SETTINGS, gates=OPEN)


@pytest.fixture
def files(tmp_path):
    return searches(tmp_path)


@pytest.fixture
def decides(monkeypatch):
    """Return a function that has the gates decide as told, whatever the exams say."""

    def decides(ship):
        def judged(*given):
            return replace(judge(*given), decision=ShipDecision([Check(ship, "as told")]))

        monkeypatch.setattr(retraining, "judge", judged)

    judge = retraining.judge
    return decides


@pytest.fixture
def place(copied, tmp_path):
    """A flat index in which the first generation is live."""
    reindex(
        VectorIndex(FlatStore(tmp_path / "flat")), copied.dataset().document_texts(), copied.tuned_encoder(), tmp_path / "w"
    )
    return lambda: VectorIndex(FlatStore(tmp_path / "flat"))


def test_a_generation_is_gathered_trained_judged_and_live(copied, files, place, decides):
    decides(True)
    before = tree(copied.root)
    made = retrain(copied.root, files, WIDE, place)
    assert (made.number, made.folder, made.parent, made.decision) == (2, "desk-2", 1, SHIPPED)
    assert made.gathered == {"old": 12, "new": 28, "left": 0, "without an article": 0}
    assert made.figures.keys() == {"old", "newest"}
    assert made.index["version"] == 2
    assert made.index["before"] == 1
    assert made.data["searches"]["sha256"]
    live = place().live
    assert live.fingerprint == made.space == document_space(Encoder.load(copied.root.with_name("desk-2") / "model"))
    assert live.calibration
    assert place().rollback().number == 1
    after = tree(copied.root)
    after.pop(".retrain.lock", None)
    assert after == before
    assert read_sealed(copied.root.with_name("desk-2") / "generation.json")["decision"] == SHIPPED


def test_what_was_rolled_back_is_no_parent(copied, files, place, decides, tmp_path):
    decides(True)
    retrain(copied.root, files, WIDE, place)
    more = searches(tmp_path / "flat", range(DAYS, 2 * DAYS))
    place().rollback()
    third = retrain(copied.root.with_name("desk-2"), more, WIDE, place)
    assert (third.number, third.parent) == (3, 1)


def test_the_next_one_goes_on_from_the_last_and_reads_what_is_newer(copied, tmp_path, decides):
    decides(True)
    retrain(copied.root, searches(tmp_path, range(DAYS)), WIDE)
    with pytest.raises(DataError, match="all until 2026-08-11 is learnt: pass a newer log"):
        retrain(copied.root, searches(tmp_path, range(DAYS)), WIDE)
    third = retrain(copied.root, searches(tmp_path, range(DAYS + 30)), replace(WIDE, start="live"))
    assert (third.number, third.parent, third.since[:10]) == (3, 2, "2026-08-11")
    assert third.gathered["new"] == 30 - 14
    assert settings_of(copied.root.with_name("desk-3")).train == settings_of(copied.root).train
    trained_from = read_sealed(copied.root.with_name("desk-3") / "workspace.json")["model"]
    assert trained_from == str(copied.root.with_name("desk-2") / "model")


def test_a_failed_gate_keeps_the_old_one_and_is_told_again_without_training(copied, files, place, decides, capsys):
    decides(False)
    made = retrain(copied.root, files, WIDE, place)
    assert (made.decision, made.gates, made.index) == (KEPT_BACK, ("NO: as told",), {})
    assert place().live.number == 1
    capsys.readouterr()
    assert retrain(copied.root, files, WIDE, place) == made
    assert "making" not in capsys.readouterr().err
    again = retrain(copied.root, files, replace(WIDE, train_seed=5), place)
    assert (again.number, again.parent) == (3, 1)
    assert settings_of(copied.root.with_name("desk-3")).train.seed == 5


def test_an_interrupted_training_goes_on(copied, files, monkeypatch, decides, capsys):
    decides(True)
    prepare = adapter.prepare_training

    def interrupted(*args, **options):
        run = prepare(*args, **options)
        run.trainer.add_callback(Interrupt(8))
        return run

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adapter, "prepare_training", interrupted)
        retrain(copied.root, files, WIDE)
    assert Line(copied.root).generations()[-1].decision == UNDER_WAY
    with pytest.raises(DataError, match="generation 2 is under way, and was begun with another log"):
        retrain(copied.root, files, replace(WIDE, start="live"))
    capsys.readouterr()
    assert retrain(copied.root, files, WIDE).decision == SHIPPED
    said = capsys.readouterr().err
    assert "making adapter" in said
    assert "making dataset" not in said


@pytest.mark.parametrize("moment", ["before the switch", "after the switch"])
def test_killed_around_the_switch_it_ends_with_the_new_one_live(copied, files, place, decides, monkeypatch, moment):
    decides(True)

    def killed(*given, **options):
        if moment == "after the switch":
            reindex(*given, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(live_index, "reindex", killed)
        retrain(copied.root, files, WIDE, place)
    made = retrain(copied.root, files, WIDE, place)
    assert (made.decision, made.index["version"]) == (SHIPPED, 2)
    assert place().live.fingerprint == made.space


def test_killed_while_gathering_it_begins_again(copied, files, monkeypatch, decides):
    decides(True)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(retraining, "write_beir", killed)
        retrain(copied.root, files, WIDE)
    assert not copied.root.with_name("desk-2").exists()
    assert retrain(copied.root, files, WIDE).number == 2


def test_an_index_of_another_line_is_refused_before_anything_is_made(copied, files, tmp_path):
    from tests.milvus import HashEncoder

    index = VectorIndex(FlatStore(tmp_path / "flat"))
    reindex(index, copied.dataset().document_texts(), HashEncoder("elsewhere"), tmp_path / "work")
    with pytest.raises(DataError, match=r"live with elsewhere \(f-elsewhere\), which is no generation of"):
        retrain(copied.root, files, WIDE, lambda: VectorIndex(FlatStore(tmp_path / "flat")))
    assert not copied.root.with_name("desk-2").exists()


def test_a_run_that_is_being_retrained_is_refused(copied, files):
    from filelock import FileLock

    with FileLock(copied.root / ".retrain.lock"), pytest.raises(DataError, match="is being retrained: wait for it"):
        retrain(copied.root, files, WIDE)


def test_a_folder_that_holds_something_else_is_left_alone(copied, files):
    other = copied.root.with_name("desk-2")
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="desk-2 exists and is no workspace"):
        retrain(copied.root, files, WIDE)
    assert tree(other).keys() == {"notes.txt"}


def test_a_dataset_that_is_gathered_is_not_gathered_again(copied, files, monkeypatch, decides):
    decides(False)
    made = retrain(copied.root, files, WIDE)
    monkeypatch.setattr(retraining, "gather", None)
    space, same = prepared(Line(copied.root), made, files, WIDE)
    assert same == made
    assert set(space.dataset().qrels["dev"]) >= set(copied.dataset().qrels["dev"])
