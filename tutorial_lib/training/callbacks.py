"""What every trainer of ours does besides training: its progress bar, its order of pairs, its merged weights."""

from __future__ import annotations

from typing import Any

from transformers import ProgressCallback, TrainerCallback

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models.merged_linear import forget_merged
from tutorial_lib.training.pairs import Shuffled


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

    def __init__(self, order: Shuffled, batch_size: int) -> None:
        self._order, self._steps = order, -(-len(order) // batch_size)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the epoch from the steps done."""
        self._order.epoch = state.global_step // self._steps
