"""One step: its gradients, the order of pairs, precision, and what holds for any optimizer."""

import itertools

import numpy as np
import pytest
import torch

from tests.tiny import set_update
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import Encoder, pooled
from tutorial_lib.training.dev import DevSet
from tutorial_lib.training.losses import batch_loss

ONE_BATCH = {"dev_queries": 0, "batch_size": 12, "max_length": 128, "mined": {}}
"""All 12 pairs in one step."""


def test_the_gradient_cache_gives_the_gradients_of_the_plain_step(prepare):
    gradients, losses = [], []
    for activation_tokens in (0, 200, 10_000):
        run = prepare(**ONE_BATCH, activation_tokens=activation_tokens, token_budget=40)
        set_update(run.encoder)
        batch = run.trainer.data_collator(run.pairs)
        assert len(batch["groups"]) > 3
        losses.append(run.trainer.training_step(run.encoder.model, batch).item())
        gradients.append({n: p.grad for n, p in run.encoder.model.named_parameters() if p.requires_grad and ".layer." in n})
    plain = prepare(**ONE_BATCH)
    set_update(plain.encoder)
    vectors = torch.cat([pooled(plain.encoder.model, group, "mean") for group in batch["groups"]])
    batch_loss(vectors, batch, plain.settings).backward()
    gradients.append({n: p.grad for n, p in plain.encoder.model.named_parameters() if p.requires_grad and ".layer." in n})
    assert losses[0] == pytest.approx(losses[1], abs=1e-6) == pytest.approx(losses[2], abs=1e-6)
    assert max(g.abs().max() for g in gradients[-1].values()) > 1e-3
    for name, gradient in gradients[-1].items():
        assert all(torch.allclose(gradient, other[name], atol=1e-5) for other in gradients[:-1]), name


@pytest.mark.parametrize("all_weights", [False, True])
def test_what_is_encoded_twice_is_encoded_with_the_same_dropout(prepare, all_weights):
    gradients = []
    for activation_tokens in (0, 10_000):
        run = prepare(**ONE_BATCH, activation_tokens=activation_tokens, token_budget=40, dropout=0.3, all_weights=all_weights)
        if not all_weights:
            set_update(run.encoder)
        torch.manual_seed(1)
        run.trainer.training_step(run.encoder.model, run.trainer.data_collator(run.pairs))
        gradients.append({n: p.grad for n, p in run.encoder.model.named_parameters() if p.grad is not None})
    assert max(g.abs().max() for g in gradients[0].values()) > 1e-3
    assert all(torch.allclose(gradients[0][n], gradients[1][n], atol=1e-5) for n in gradients[1])


def test_the_gradient_cache_changes_no_result(prepare):
    runs = [prepare(activation_tokens=tokens, token_budget=60) for tokens in (0, 100, 10_000)]
    losses = [[loss for _, loss in run.train().losses] for run in runs]
    assert losses[0] == pytest.approx(losses[2], abs=1e-3)
    assert losses[1] == pytest.approx(losses[2], abs=1e-3)


def epoch_order(run, epoch):
    """Return the positions of the training pairs in the order of one epoch."""
    run.trainer.order.epoch = epoch
    return list(run.trainer.order)


def test_orders_differ_between_epochs_and_seeds_and_hang_on_nothing_else(prepare):
    run, again, other = prepare(), prepare(), prepare(seed=1)
    orders = [epoch_order(run, epoch) for epoch in (0, 1, 2)] + [epoch_order(other, 0)]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert [epoch_order(again, epoch) for epoch in (2, 0, 1)] == [orders[2], orders[0], orders[1]]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_training_in_bfloat16_follows_float32(prepare, monkeypatch, dropout):
    losses = []
    for fast in (False, True):
        monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None, fast=fast: fast)
        run = prepare(dev_queries=0, dropout=dropout)
        losses.append([loss for _, loss in run.train().losses])
        assert {p.dtype for p in run.encoder.model.parameters()} == {torch.float32}
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert losses[0] != losses[1]


def test_training_prints_nothing_to_stdout(prepare, capsys):
    prepare().train()
    assert capsys.readouterr().out == ""


def test_merged_weights_follow_a_fused_optimizer(prepare):
    # The fused kernel changes weights in place without telling torch: a merged weight must not outlive its step.
    runs = [prepare(dev_queries=0), prepare(dev_queries=0)]
    runs[1].trainer.args.optim = "adamw_torch_fused"
    expected, result = (run.train() for run in runs)
    assert [loss for _, loss in result.losses] == pytest.approx([loss for _, loss in expected.losses], abs=1e-3)
    assert result.losses[-1][1] < 0.8 * result.losses[0][1]


def test_another_optimizer_trains_too(prepare):
    run = prepare(dev_queries=0, epochs=10.0)
    run.trainer.args.optim = "sgd"
    run.trainer.args.learning_rate = 1.0
    losses = [loss for _, loss in run.train().losses]
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4])


def test_dev_is_scored_with_the_weights_of_the_step(prepare, monkeypatch, tmp_path):
    seen = []

    def score(self, encoder):
        seen.append(encoder.encode(["repair"])[0])
        return dict.fromkeys(self.queries, 0.5 + 0.1 * len(seen))

    monkeypatch.setattr(DevSet, "score", score)
    run = prepare("run")
    run.train()
    last = Encoder.load(tmp_path / "run" / "checkpoint-8").encode(["repair"])[0]
    assert len(seen) == 5
    assert np.allclose(seen[-1], last, atol=1e-5)
    assert all(not np.allclose(one, other, atol=1e-3) for one, other in itertools.pairwise(seen))
