"""Our settings as the Trainer is told them: steps worked out by hand."""

import torch

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.training.arguments import trainer_arguments
from tutorial_lib.training.schedule import Schedule
from tutorial_lib.training.settings import TrainSettings

CPU = torch.device("cpu")


def told(tmp_path, *, pairs=640, scored=True, amp=False, **settings):
    given = TrainSettings(**settings)
    return trainer_arguments(tmp_path, given, Schedule.of(given, pairs), CPU, scored=scored, amp=amp)


def test_the_trainer_takes_the_schedules_steps_and_keeps_the_best_by_dev(tmp_path):
    arguments = told(tmp_path, min_steps=0, epochs=2.0)  # 640 pairs in batches of 64
    assert arguments.max_steps == 20
    assert arguments.load_best_model_at_end
    assert arguments.metric_for_best_model == f"eval_{MAIN_MEASURE}"


def test_without_dev_the_last_step_is_kept(tmp_path):
    arguments = told(tmp_path, scored=False, min_steps=0)
    assert (arguments.eval_strategy, arguments.save_steps, arguments.load_best_model_at_end) == ("no", 10, False)


def test_seeds_are_those_of_the_settings(tmp_path):
    arguments = told(tmp_path, seed=7)
    assert (arguments.seed, arguments.data_seed) == (7, 7)
