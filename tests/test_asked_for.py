"""A cross-encoder as a stage that is made when it is asked for, and the system that ranks with it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import Interrupt
from tests.training.cross_runs import SHORT
from tutorial_lib.asked_for import ASKED_FOR, RERANKER, read_reranker
from tutorial_lib.models.settings import ModelError
from tutorial_lib.training import cross_trainer
from tutorial_lib.training.cross_settings import RESULT_FILE, CrossResult, CrossSettings
from tutorial_lib.workspace import STAGES, Workspace

QUICK = CrossSettings(**{**SHORT, "epochs": 1.0, "dev_evaluations": 1})


@pytest.fixture
def asked(copied):
    """A finished workspace with a cross-encoder."""
    copied.need(RERANKER, cross=QUICK)
    return copied


def with_share(space, weight):
    """Let the record of the cross-encoder say that dev chose this share."""
    record = space.root / RERANKER / RESULT_FILE
    replace(CrossResult.load(record), weight=weight).save(record)
    return read_reranker(space.root / RERANKER, space.dataset(), space.device)


def test_no_run_makes_it(copied):
    assert not set(ASKED_FOR) & set(STAGES)
    assert copied.record(RERANKER) is None


def test_it_ranks_again_what_the_fine_tuned_model_finds(asked, monkeypatch):
    reranker = with_share(asked, 0.5)
    monkeypatch.setattr(asked, "reranker", lambda: reranker)
    first, found = asked.run_of("tuned", "test"), asked.run_of("tuned+cross", "test")
    assert found == reranker.rerank(asked.dataset().query_texts("test"), first, depth=QUICK.depth, weight=0.5)
    assert found != first


def test_the_first_ranking_stays_where_dev_saw_no_rise(asked, monkeypatch):
    reranker = with_share(asked, 0.0)
    monkeypatch.setattr(asked, "reranker", lambda: reranker)
    assert asked.run_of("tuned+cross", "test") is asked.run_of("tuned", "test")


def test_it_is_made_once_and_taken_with_whatever_settings_it_was_trained(asked, tiny_data, tiny_folder, capsys):
    capsys.readouterr()
    assert asked.reranker().depth == QUICK.depth
    assert "making" not in capsys.readouterr().err
    told = Workspace(asked.root, tiny_data, tiny_folder, settings=asked.settings)  # of a run, which trains none
    assert told._used(RERANKER, {}) == {"cross": QUICK}


def test_a_broken_training_goes_on_from_its_checkpoint(copied, monkeypatch, capsys):
    settings = CrossSettings(**SHORT)
    with monkeypatch.context() as patch:
        made = cross_trainer.CrossTrainer.__init__

        def breaks(self, *given):
            made(self, *given)
            self.add_callback(Interrupt(3))

        patch.setattr(cross_trainer.CrossTrainer, "__init__", breaks)
        with pytest.raises(KeyboardInterrupt):
            copied.need(RERANKER, cross=settings)
    assert copied.record(RERANKER) is None
    copied.need(RERANKER, cross=settings)
    assert "training goes on from step 2" in capsys.readouterr().err
    assert not list(copied.root.glob("reranker_checkpoints.*"))


def test_what_is_no_cross_encoder_is_refused_in_one_line(copied, tmp_path):
    result = CrossResult([], [(0, 0.8)], [(0.3, 0.9)], 0.3, 2, 2, 12, 10, 1.5, 3, 7)
    model = copied.need("model")
    result.save(model / RESULT_FILE)
    with pytest.raises(ModelError, match="holds a SentenceTransformer, not a cross-encoder") as refused:
        read_reranker(model, copied.dataset())
    assert "\n" not in str(refused.value)


def test_queries_for_which_nothing_was_found_are_no_obstacle(asked):
    reranker = read_reranker(asked.root / RERANKER, asked.dataset(), asked.device)
    found = asked.run_of("tuned", "test")
    silent, *others = found
    ranked = reranker.rerank(asked.dataset().query_texts("test"), {**found, silent: {}}, weight=1.0)
    assert ranked[silent] == {}
    assert all(np.isfinite(list(ranked[q].values())).all() for q in others)
