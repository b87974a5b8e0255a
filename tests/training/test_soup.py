"""Several trainings and their mean: how many, what is averaged, what dev says of it, and what an interruption leaves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.tiny import LORA, TRAIN, Interrupt, tiny_dataset
from tutorial_lib.fields import MOST_SEED
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training import adapter, soup
from tutorial_lib.training.adapter import train_adapter
from tutorial_lib.training.settings import TrainResult, TrainSettings
from tutorial_lib.training.soup import RUNS_OF_FEW, runs_of

TEXTS = ["cancel the invoice", "how to reset a password"]


@pytest.fixture
def trained(tiny_folder, tmp_path):
    """Return a function that trains on the tiny dataset with changed settings; it gives the adapter's folder."""
    dataset = tiny_dataset()

    def trained(name="adapter", *, writes=True, **changes):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        train_adapter(
            dataset,
            {},
            BM25(dataset.document_texts()),
            folder,
            tmp_path / "checkpoints.key",
            model=str(tiny_folder),
            lora=LORA,
            settings=replace(TRAIN, **changes),
            device=torch.device("cpu"),
            writes=writes,
        )
        return folder

    return trained


@pytest.fixture
def prepared(monkeypatch):
    """Return the seeds of the trainings prepared from now on, and those to be interrupted at the third step."""
    seen, stop, prepare = [], [], adapter.prepare_training

    def recorded(*args, **options):
        run = prepare(*args, **options)
        seen.append(run.settings.seed)
        if run.settings.seed in stop:
            run.trainer.add_callback(Interrupt(3))
        return run

    monkeypatch.setattr(adapter, "prepare_training", recorded)
    return seen, stop


def weights(folder):
    return dict(Encoder.load(folder).model.named_parameters())


@pytest.mark.parametrize(
    ("settings", "pairs", "runs"),
    [
        ({}, 700, RUNS_OF_FEW),
        ({}, 64 * 25, RUNS_OF_FEW),  # a pass and fifty steps
        ({}, 64 * 25 + 1, 1),  # no gentle pass: it would be more than half as long as the run proper
        ({"min_steps": 0}, 700, 1),  # one pass is asked for
        ({"gentle_pass": False}, 700, 1),
        ({"runs": 1}, 700, 1),
        ({"runs": 5}, 100_000, 5),
    ],
)
def test_few_pairs_are_trained_on_three_times_unless_told_otherwise(settings, pairs, runs):
    assert runs_of(TrainSettings(**settings), pairs) == runs


def test_what_is_kept_is_the_mean_of_the_weights_that_each_seed_gives(trained, float32):
    alone = [weights(trained(f"seed {seed}", seed=seed)) for seed in (5, 6)]
    mean = weights(trained("mean", seed=5, runs=2))
    assert not torch.allclose(
        alone[0]["encoder.layer.0.output.dense.weight"], alone[1]["encoder.layer.0.output.dense.weight"]
    )
    for name, weight in mean.items():
        assert torch.allclose(weight, (alone[0][name] + alone[1][name]) / 2, atol=1e-6), name


def test_the_record_names_every_training_and_what_dev_says_of_the_mean(trained, tmp_path, float32):
    alone = [TrainResult.load(trained(f"seed {seed}", seed=seed) / "training.json") for seed in (0, 1)]
    folder = trained(runs=2)
    result = TrainResult.load(folder / "training.json")
    assert result.runs == [(seed, pytest.approx(r.dev_kept)) for seed, r in enumerate(alone)]
    assert result.losses == alone[0].losses
    assert result.dev_kept == result.dev_of_mean > result.dev[0][1]
    said = f"the mean of 2 trainings kept (alone: {alone[0].dev_kept:.3f}, {alone[1].dev_kept:.3f})"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert said in card
    assert f"rank {LORA.rank}, alpha {LORA.alpha}, on all-linear, in each of 2 trainings; rank {2 * LORA.rank} in" in card
    assert list(tmp_path.glob("checkpoints.*")) == []


def test_an_interrupted_soup_goes_on_with_the_training_that_was_interrupted(trained, prepared, tmp_path, capsys, float32):
    seen, stop = prepared
    expected = Encoder.load(trained("straight", runs=3)).encode(TEXTS)
    stop.append(1)
    with pytest.raises(KeyboardInterrupt):
        trained(runs=3)
    assert (tmp_path / "checkpoints.key" / "trained" / "training.json").exists()
    stop.clear()
    seen.clear()
    capsys.readouterr()
    folder = trained(runs=3)
    said = capsys.readouterr().err
    assert "training 1 of 3" not in said
    assert "training 2 of 3, with seed 1" in said
    assert "training goes on from step 2" in said
    assert seen == [0, 1, 2]  # the first is prepared, to count its pairs, and not trained
    assert np.allclose(Encoder.load(folder).encode(TEXTS), expected, atol=1e-5)


def test_a_process_that_does_not_write_trains_along_and_leaves_nothing(trained, prepared, tmp_path, capsys):
    seen, stop = prepared
    stop.append(1)
    with pytest.raises(KeyboardInterrupt):
        trained(runs=3)
    stop.clear()
    seen.clear()
    capsys.readouterr()
    assert list(trained("other", runs=3, writes=False).iterdir()) == []
    assert seen == [0, 1, 2]
    assert "training 2 of 3" not in capsys.readouterr().err
    assert [p.parent.name for p in tmp_path.glob("checkpoints.*/trained")] == ["checkpoints.key"]


def test_a_mean_that_dev_does_not_like_leaves_the_base_model(trained, monkeypatch, tiny_folder, float32):
    monkeypatch.setattr(soup, "rises", lambda *_: False)
    folder = trained(runs=2)
    result = TrainResult.load(folder / "training.json")
    assert result.best_step == result.strength == 0
    assert result.dev_kept == result.dev[0][1]
    assert "none of 4 steps kept" in result.what_was_kept
    assert np.allclose(Encoder.load(folder).encode(TEXTS), Encoder.load(tiny_folder).encode(TEXTS), atol=1e-6)


def test_a_first_training_that_dev_did_not_like_is_not_taken_for_all(trained, monkeypatch, float32):
    prepare = adapter.prepare_training

    def first_in_vain(*args, **options):
        run = prepare(*args, **options)
        if run.settings.seed == 0:
            train = run.train
            run.train = lambda **how: replace(train(**how), best_step=0, strength=0.0)
        return run

    monkeypatch.setattr(adapter, "prepare_training", first_in_vain)
    result = TrainResult.load(trained(runs=2) / "training.json")
    assert result.runs[0][1] == result.dev[0][1] < result.dev_kept
    assert result.best_step > 0
    assert result.what_was_kept.startswith("the mean of 2 trainings kept")


def test_without_dev_the_mean_is_kept_unseen(trained, tiny_folder):
    folder = trained(runs=2, dev_queries=0)
    result = TrainResult.load(folder / "training.json")
    assert result.dev_of_mean is result.dev_kept is None
    assert "Dev: no part in this training" in (folder / "README.md").read_text(encoding="utf-8")
    assert not np.allclose(Encoder.load(folder).encode(TEXTS), Encoder.load(tiny_folder).encode(TEXTS), atol=1e-2)


def test_the_last_seed_there_is_has_a_next_one(trained):
    result = TrainResult.load(trained(seed=MOST_SEED, runs=2) / "training.json")
    assert [seed for seed, _ in result.runs] == [MOST_SEED, 0]
