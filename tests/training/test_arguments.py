"""Our settings as the Trainer is told them: steps worked out by hand."""

import pytest
import torch

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.training.arguments import trainer_arguments
from tutorial_lib.training.settings import MAX_EPOCHS, TrainSettings

CPU = torch.device("cpu")


def told(tmp_path, *, pairs=640, scored=True, amp=False, **settings):
    return trainer_arguments(tmp_path, TrainSettings(**settings), CPU, pairs, scored=scored, amp=amp)


@pytest.mark.parametrize(
    ("settings", "epochs"),
    [
        ({"min_steps": 0}, 1),  # 640 pairs in batches of 64: 10 steps
        ({"min_steps": 30}, 3),  # 30 steps are three passes
        ({"min_steps": 1000}, MAX_EPOCHS),
        ({"min_steps": 30, "epochs": 5.0}, 5),
    ],
)
def test_a_small_collection_is_passed_over_more_often(tmp_path, settings, epochs):
    assert told(tmp_path, **settings).num_train_epochs == epochs


def test_dev_is_scored_so_often_and_a_checkpoint_kept_each_time(tmp_path):
    arguments = told(tmp_path, min_steps=0, epochs=2.0, dev_evaluations=4)  # 20 steps
    assert (arguments.eval_steps, arguments.save_steps, arguments.warmup_steps) == (5, 5, 2)
    assert arguments.load_best_model_at_end
    assert arguments.metric_for_best_model == f"eval_{MAIN_MEASURE}"


def test_without_dev_the_last_step_is_kept(tmp_path):
    arguments = told(tmp_path, scored=False, min_steps=0)
    assert (arguments.eval_strategy, arguments.save_steps, arguments.load_best_model_at_end) == ("no", 10, False)


def test_seeds_are_those_of_the_settings(tmp_path):
    arguments = told(tmp_path, seed=7)
    assert (arguments.seed, arguments.data_seed) == (7, 7)
