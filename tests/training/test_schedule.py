"""Steps, rates and dev scores of a run: worked out by hand for 640 pairs in batches of 64, ten steps a pass."""

import pytest

from tutorial_lib.training.schedule import GENTLE_RATE, MOST_PASSES, Schedule
from tutorial_lib.training.settings import TrainSettings


def schedule(pairs=640, **settings):
    return Schedule.of(TrainSettings(**settings), pairs)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"min_steps": 0}, 10),
        ({"min_steps": 0, "epochs": 1.5}, 15),
        ({"min_steps": 30}, 30),
        ({"min_steps": 35}, 35),
        ({"min_steps": 1000}, 10 * MOST_PASSES),
        ({"min_steps": 30, "epochs": 5.0}, 50),
    ],
)
def test_a_small_collection_is_passed_over_more_often(settings, steps):
    assert schedule(gentle_pass=False, **settings).steps == steps


@pytest.mark.parametrize(
    ("settings", "gentle"),
    [
        ({"min_steps": 50}, 10),
        ({"min_steps": 20}, 10),  # half as long as the run proper
        ({"min_steps": 19}, 0),  # more than half: it would cost too much
        ({"min_steps": 10}, 0),  # one pass does
        ({"min_steps": 0, "epochs": 5.0}, 0),  # asked for: not because pairs are few
        ({"min_steps": 50, "gentle_pass": False}, 0),
    ],
)
def test_only_few_pairs_which_are_passed_over_often_get_a_gentle_pass_first(settings, gentle):
    assert schedule(**settings).gentle == gentle
    assert schedule(**settings).steps == gentle + schedule(**{**settings, "gentle_pass": False}).steps


def test_the_rate_of_one_rise_and_fall_is_that_of_transformers():
    import torch
    from transformers import get_linear_schedule_with_warmup

    ours = schedule(min_steps=0, epochs=4.0, warmup=0.2)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, 8, 40).lr_lambdas[0]
    assert [ours.rate_at(step) for step in range(41)] == [theirs(step) for step in range(41)]


def test_after_the_gentle_pass_comes_the_run_that_there_is_without_it():
    ours, alone = schedule(min_steps=50), schedule(min_steps=50, gentle_pass=False)
    rates = [ours.rate_at(step) for step in range(61)]
    assert rates[10:] == [alone.rate_at(step) for step in range(51)]
    assert rates[:10] == [GENTLE_RATE * schedule(min_steps=0).rate_at(step) for step in range(10)]


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"min_steps": 0, "epochs": 2.0}, (5, 10, 15, 20)),
        ({"min_steps": 0, "epochs": 2.0, "dev_evaluations": 3}, (6, 12, 18, 20)),
        ({"min_steps": 0, "epochs": 0.2}, (1, 2)),  # fewer steps than evaluations
        ({"min_steps": 40}, (10, 20, 30, 40, 50)),
        ({"min_steps": 40, "dev_evaluations": 1}, (10, 50)),
    ],
)
def test_dev_is_scored_after_equal_parts_after_the_gentle_pass_and_at_the_end(settings, steps):
    assert schedule(**settings).dev_steps == steps
