"""What the trainers do at the ends of steps and epochs."""

from types import SimpleNamespace

import pytest
import torch

from tutorial_lib.training.callbacks import EpochOfStep, ScoreDev, StartAgain
from tutorial_lib.training.pairs import Shuffled
from tutorial_lib.training.schedule import Schedule

FEW = Schedule(steps=10, gentle=2, warmup=0.0, evaluations=4)
"""A gentle pass of 2 steps before 4 passes; dev is scored after every second step."""


def at(step):
    return SimpleNamespace(global_step=step)


@pytest.mark.parametrize(("gentle", "epochs"), [(0, [0, 1, 2, 3]), (2, [0, 0, 1, 2])])
def test_the_order_of_an_epoch_hangs_on_the_steps_done_and_the_run_proper_begins_anew(gentle, epochs):
    order = Shuffled(12, seed=0)
    callback, seen = EpochOfStep(order, 6, gentle), []
    for step in (0, 2, 4, 6):
        callback.on_epoch_begin(None, at(step), None)
        seen.append(order.epoch)
    assert seen == epochs


def test_dev_is_scored_and_a_checkpoint_written_at_the_schedules_steps_and_no_others():
    callback, told = ScoreDev(FEW), SimpleNamespace(should_evaluate=True, should_save=True)
    steps = []
    for step in range(1, 11):
        callback.on_step_end(None, at(step), told)
        assert told.should_evaluate == told.should_save
        steps += [step] if told.should_save else []
    assert tuple(steps) == FEW.dev_steps


def test_after_the_gentle_pass_weights_and_optimizer_are_as_before_the_first_step():
    model = torch.nn.Linear(2, 1)
    callback, before = StartAgain(FEW, model), model.weight.detach().clone()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    for step, again in ((1, False), (2, True)):
        callback.on_step_begin(None, at(step), None, model=model, optimizer=optimizer)
        assert torch.equal(model.weight, before) == again
        assert (not optimizer.state) == again
