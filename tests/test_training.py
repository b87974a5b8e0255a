"""Whole training runs of the tiny BERT: resuming, seeds, which checkpoint is kept."""

import json

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from tests.tiny import tiny_dataset
from tutorial_lib import trainer
from tutorial_lib.bm25 import BM25
from tutorial_lib.encoder import Encoder
from tutorial_lib.finetune import TrainSettings, prepare_training
from tutorial_lib.lora import LoraSettings, save_adapter

TEXTS = ["cancel the invoice", "how to reset a password", "repair"]
SETTINGS = {"epochs": 4.0, "min_steps": 0, "batch_size": 6, "learning_rate": 0.01, "dev_evaluations": 4, "max_length": 20}
"""12 pairs in batches of 6 for 4 epochs: 8 steps, dev scored after steps 2, 4, 6 and 8."""


@pytest.fixture
def prepare(tiny_folder, tmp_path, float32):
    """Return a function that prepares a run in a folder of its own, or in the one named."""

    def prepare(name=None, **changes):
        dataset = tiny_dataset()
        folder = tmp_path / (name or f"run{len(list(tmp_path.iterdir()))}")
        return prepare_training(dataset, {"q00": ["a05"]}, BM25(dataset.article_texts()), folder, model=tiny_folder,
                                lora=LoraSettings(rank=4, alpha=8), settings=TrainSettings(**{**SETTINGS, **changes}),
                                device=torch.device("cpu"))

    return prepare


def adapter_weights(run):
    return {n: p.detach().clone() for n, p in run.encoder.model.named_parameters() if ".lora_" in n}


def same_weights(one, other, atol=1e-6):
    return all(torch.allclose(one[name], other[name], atol=atol) for name in one)


class Interrupt(TrainerCallback):
    """Ctrl-C at the end of one step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            raise KeyboardInterrupt


def score_by_step(monkeypatch, scores):
    """Let the dev pool give ``scores`` one after the other instead of measuring."""
    left = iter(scores)

    def score(self, encoder):
        self.by_query = dict.fromkeys(self.queries, next(left))
        return next(iter(self.by_query.values()))

    monkeypatch.setattr(trainer.DevSet, "score", score)


def test_one_batch_can_be_overfitted(prepare):
    result = prepare(epochs=40.0, batch_size=12, dev_queries=0).train()
    assert result.steps == 40
    assert result.losses[0][1] > 1
    assert result.losses[-1][1] < 0.1
    assert result.dev == []
    assert result.best_step == 40


def test_the_result_counts_steps_pairs_and_parameters(prepare):
    run = prepare()
    result = run.train()
    assert (result.steps, result.pairs) == (8, 12)
    assert [step for step, _ in result.losses] == list(range(1, 9))
    assert [step for step, _ in result.dev] == [0, 2, 4, 6, 8]
    assert result.trainable == sum(p.numel() for p in adapter_weights(run).values())
    assert result.parameters == sum(p.numel() for p in Encoder.load(run.encoder.name).model.parameters())
    assert result.pairs_per_s * result.seconds >= 4 * 12  # dev scoring is left out of the rate


@pytest.mark.parametrize("interrupted_at", [5, 6])
def test_an_interrupted_run_resumes_to_the_same_result(prepare, interrupted_at):
    straight = prepare()
    expected = straight.train()
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(interrupted_at))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = prepare("broken")
    result = resumed.train(resume=True)
    assert result.losses == expected.losses
    assert result.dev == expected.dev
    assert result.best_step == expected.best_step
    assert same_weights(adapter_weights(straight), adapter_weights(resumed))


def test_an_interruption_before_the_first_checkpoint_starts_anew(prepare):
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(1))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    assert prepare("broken").train(resume=True).losses == prepare().train().losses


def test_without_resume_an_old_checkpoint_is_not_used(prepare):
    first = prepare("same").train()
    assert prepare("same").train().losses == first.losses


def test_the_same_seed_gives_the_same_adapter_and_another_seed_another(prepare):
    runs = [prepare(seed=seed) for seed in (0, 0, 1)]
    losses = [run.train().losses for run in runs]
    assert losses[0] == losses[1] != losses[2]
    assert same_weights(adapter_weights(runs[0]), adapter_weights(runs[1]), atol=0)
    assert not same_weights(adapter_weights(runs[0]), adapter_weights(runs[2]), atol=1e-3)


def test_the_gradient_cache_changes_no_result(prepare):
    runs = [prepare(activation_tokens=tokens, token_budget=60) for tokens in (0, 100, 10_000)]
    losses = [[loss for _, loss in run.train().losses] for run in runs]
    assert losses[0] == pytest.approx(losses[2], abs=1e-3)
    assert losses[1] == pytest.approx(losses[2], abs=1e-3)


def test_the_best_checkpoint_by_dev_is_kept(prepare, monkeypatch, tiny_folder, tmp_path):
    score_by_step(monkeypatch, [0.5, 0.6, 0.9, 0.7, 0.8])
    run = prepare("run")
    result = run.train()
    assert result.best_step == 4
    assert result.dev == [(0, 0.5), (2, 0.6), (4, 0.9), (6, 0.7), (8, 0.8)]
    save_adapter(run.encoder, tmp_path / "kept", "card")
    kept, checkpoint = (Encoder.load(tmp_path / folder) for folder in ("kept", "run/checkpoint-4"))
    last = Encoder.load(tmp_path / "run" / "checkpoint-8")
    assert np.allclose(kept.encode(TEXTS), checkpoint.encode(TEXTS), atol=1e-6)
    assert not np.allclose(kept.encode(TEXTS), last.encode(TEXTS), atol=1e-3)


@pytest.mark.parametrize("scores", [[0.5, 0.4, 0.3, 0.2, 0.1], [0.5, 0.5, 0.5, 0.5, 0.5]])
def test_the_base_model_is_kept_when_dev_never_rises(prepare, monkeypatch, tiny_folder, tmp_path, scores):
    score_by_step(monkeypatch, scores)
    run = prepare()
    assert run.train().best_step == 0
    save_adapter(run.encoder, tmp_path / "kept", "card")
    base = Encoder.load(tiny_folder).encode(TEXTS)
    for encoder in (run.encoder, Encoder.load(tmp_path / "kept")):
        assert np.allclose(encoder.encode(TEXTS), base, atol=1e-6)


def test_the_base_model_is_kept_after_a_resumed_run_too(prepare, monkeypatch):
    score_by_step(monkeypatch, [0.5, 0.4, 0.3, 0.2, 0.1])
    broken = prepare("broken")
    broken.trainer.add_callback(Interrupt(5))
    with pytest.raises(KeyboardInterrupt):
        broken.train()
    resumed = prepare("broken")
    score_by_step(monkeypatch, [0.2, 0.1])
    result = resumed.train(resume=True)
    assert result.dev == [(0, 0.5), (2, 0.4), (4, 0.3), (6, 0.2), (8, 0.1)]
    assert result.best_step == 0


def test_the_dev_score_is_that_of_the_model_at_that_step(prepare, tmp_path):
    run = prepare("run")
    result = run.train()
    scores = {0: run.trainer.dev.score(Encoder.load(run.encoder.name))}
    for folder in (tmp_path / "run").glob("checkpoint-*"):
        scores[int(folder.name.split("-")[1])] = run.trainer.dev.score(Encoder.load(folder))
    assert len(scores) == 3  # the base model, the best checkpoint and the last, or the last two
    assert scores == {step: pytest.approx(score, abs=1e-6) for step, score in result.dev if step in scores}


def test_training_prints_nothing_to_stdout(prepare, capsys):
    prepare().train()
    assert capsys.readouterr().out == ""


def test_checkpoints_are_json_and_safetensors_only_where_a_model_is_concerned(prepare, tmp_path):
    prepare("run").train()
    names = {p.name for p in (tmp_path / "run").rglob("adapter*")}
    assert names == {"adapter_config.json", "adapter_model.safetensors"}
    written = json.loads((tmp_path / "run" / "dev.json").read_text())
    assert list(written) == ["0", "2", "4", "6", "8"]
    assert set(written["8"]) == {"q12", "q13", "q14", "q15"}
