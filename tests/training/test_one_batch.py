"""One batch learnt by heart: what it finds, and that it leaves the run as it was."""

from functools import partial

import pytest
import torch

from tests.tiny import tiny_dataset
from tests.training.runs import SHORT
from tutorial_lib.models import hardware
from tutorial_lib.models.lora import without_dropout
from tutorial_lib.training.checks import preflight
from tutorial_lib.training.one_batch import BATCH_STEPS, _small_batch, one_batch, one_batch_losses
from tutorial_lib.training.settings import LoraSettings


@pytest.fixture
def prepare(prepare):
    return partial(prepare, base=SHORT)


def state(run):
    return [p.detach().clone() for p in run.encoder.model.parameters()]


def test_the_loss_of_one_batch_falls(prepare):
    losses = one_batch_losses(prepare())
    assert len(losses) == BATCH_STEPS + 1
    assert losses[-1] < 0.5 * losses[0]


def test_one_batch_of_all_weights_in_bfloat16_follows_float32(prepare, monkeypatch):
    losses = []
    for fast in (False, True):
        monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None, fast=fast: fast)
        run = prepare(all_weights=True, learning_rate=1e-3)
        without_dropout(run.encoder.model)  # with it two runs part after a few steps, whatever their precision
        losses.append(one_batch_losses(run))
    exact, rounded = losses
    assert exact[-1] < 0.5 * exact[0]
    assert rounded == pytest.approx(exact, abs=0.02 * exact[0])
    assert rounded != exact


@pytest.mark.parametrize("rate", [1e-9, 10.0])  # the second makes all vectors alike: a loss of ln 12, 2.48, from 2.37
def test_a_rate_that_does_not_train_is_a_warning(prepare, rate):
    (finding,) = one_batch(prepare(learning_rate=rate))
    assert finding.level == "warning"
    assert "did not fall by a fifth" in finding.what


def test_a_loss_that_rises_is_a_warning(prepare, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.one_batch.one_batch_losses", lambda run: [2.0, 0.5, 2.5])
    (finding,) = one_batch(prepare())
    assert "trained on 2 times at the learning_rate 0.005, and its loss rose from 2.000 to 2.500" in finding.what
    monkeypatch.setattr("tutorial_lib.training.one_batch.one_batch_losses", lambda run: [0.01, 0.02, 0.03])  # learnt already
    assert one_batch(prepare()) == []


def test_a_loss_that_is_no_number_is_an_error(prepare, monkeypatch):
    run = prepare()
    monkeypatch.setattr(run.trainer, "training_step", lambda *_: torch.tensor(float("nan")))
    (finding,) = one_batch(run)
    assert finding.level == "error"
    assert "its loss became nan" in finding.what


def test_long_texts_make_the_batch_smaller(prepare, monkeypatch):
    monkeypatch.setattr("tutorial_lib.training.one_batch.BATCH_TOKENS", 12 * 16)  # 12 pairs are 24 texts of 16 tokens
    assert len(_small_batch(prepare())["answers"]) == 6


@pytest.mark.parametrize(
    "way", [{}, {"lora": LoraSettings(rank=4, alpha=8, dropout=0.2)}, {"all_weights": True}, {"train_documents": False}]
)
def test_training_after_the_checks_is_training_without(prepare, way):
    straight, checked = prepare(**way), prepare(**way)
    modes = [m.training for m in checked.encoder.model.modules()]
    before, fingerprint = state(checked), checked.encoder.fingerprint
    random = torch.get_rng_state()
    preflight(checked, tiny_dataset())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(a, b) for a, b in zip(before, state(checked), strict=True))
    assert all(p.grad is None for p in checked.encoder.model.parameters())
    assert [m.training for m in checked.encoder.model.modules()] == modes
    assert checked.encoder.fingerprint == fingerprint
    torch.manual_seed(3)
    expected = straight.train()
    torch.manual_seed(3)
    result = checked.train()
    assert (result.losses, result.dev, result.strengths) == (expected.losses, expected.dev, expected.strengths)
    assert all(torch.equal(a, b) for a, b in zip(state(straight), state(checked), strict=True))


def test_an_interrupted_check_leaves_the_run_as_it_was(prepare, monkeypatch):
    run = prepare()
    before, step, calls = state(run), run.trainer.training_step, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(run.trainer, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one_batch(run)
    assert all(torch.equal(a, b) for a, b in zip(before, state(run), strict=True))
    assert run.encoder.model.config._attn_implementation == "sdpa"
