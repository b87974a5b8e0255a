"""What every trainer of ours does besides training: progress bar, order of pairs, merged weights, dev scores, a new start."""

from __future__ import annotations

from typing import Any

import torch
from transformers import ProgressCallback, TrainerCallback

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models.merged_linear import forget_merged
from tutorial_lib.training.pairs import Shuffled
from tutorial_lib.training.schedule import Schedule


class QuietProgress(ProgressCallback):
    """The Trainer's bar on stderr, with loss and dev score beside it instead of lines or HTML tables."""

    def __init__(self) -> None:
        super().__init__()
        self._beside: dict[str, float] = {}

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Put loss and dev score beside the bar."""
        if state.is_world_process_zero and self.training_bar is not None:
            for name, value in (logs or {}).items():
                if name in ("loss", f"eval_{MAIN_MEASURE}") and isinstance(value, int | float):
                    self._beside[name.removeprefix("eval_")] = value
            self.training_bar.set_postfix(self._beside, refresh=False)

    def on_prediction_step(self, *_: Any, **__: Any) -> None:
        """Dev scoring has no bar of its own."""


class Forgetful(TrainerCallback):
    """Lets merged weights be merged anew after each step, and after a checkpoint was read, whatever the optimizer is."""

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Forget what was merged before."""
        forget_merged(model)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Forget what the step has changed."""
        forget_merged(model)


class EpochOfStep(TrainerCallback):
    """Sets the order of each epoch by the steps that are done, so that a run goes on inside an epoch in the same order."""

    def __init__(self, order: Shuffled, batch_size: int, gentle: int = 0) -> None:
        """Take the order, and how many steps of a gentle pass come before the run proper (``Schedule``)."""
        self._order, self._steps, self._gentle = order, -(-len(order) // batch_size), gentle

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the epoch from the steps done."""
        done = state.global_step
        self._order.epoch = (done - self._gentle if done >= self._gentle else done) // self._steps


class ScoreDev(TrainerCallback):
    """Scores dev and writes a checkpoint after the schedule's steps."""

    def __init__(self, schedule: Schedule) -> None:
        self._steps = frozenset(schedule.dev_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for both, or for neither."""
        control.should_evaluate = control.should_save = state.global_step in self._steps


class StartAgain(TrainerCallback):
    """Sets weights and optimizer back when the gentle pass is over and its checkpoint written."""

    def __init__(self, schedule: Schedule, model: torch.nn.Module) -> None:
        self._after = schedule.gentle
        self._fresh = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}

    def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **_: Any) -> None:
        """Go back to the model as it was before the first step."""
        if state.global_step == self._after:
            model.load_state_dict(self._fresh, strict=False)
            optimizer.state.clear()
            forget_merged(model)
