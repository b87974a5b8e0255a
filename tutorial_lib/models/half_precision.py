"""A model's copy in bfloat16, to encode with where the processor has units for it."""

from __future__ import annotations

import copy
from typing import Any

import torch

from tutorial_lib.models import hardware
from tutorial_lib.models.hardware import attend_by
from tutorial_lib.models.merged_linear import forget_merged


class HalfCopy:
    """A copy of a model with bfloat16 weights, kept until the weights change.

    That other weights were loaded into the model is noticed; of a change by hand or by an optimizer it must be told
    (``forget``).
    """

    def __init__(self) -> None:
        """Hold no copy yet."""
        self._of: Any = None
        self._copy: Any = None
        self._hook: Any = None

    def of(self, model: torch.nn.Module) -> Any:
        """Return the copy of ``model``, made now if there is none."""
        held = self._copy
        if held is None or self._of is not model:
            self.forget()
            self._copy = held = in_half(model)
            self._of = model
            self._hook = model.register_load_state_dict_post_hook(self.forget)
        return held

    def for_inference(self, model: torch.nn.Module, device: torch.device) -> Any:
        """Return what to encode with on ``device``: the copy where bfloat16 is fast, else the model, as amid training."""
        in_training = any(p.dtype == torch.bfloat16 for p in model.parameters())
        return model if in_training or not hardware.bf16_is_fast(device) else self.of(model)

    def forget(self, *_: object) -> None:
        """Drop the copy."""
        if self._hook is not None:
            self._hook.remove()
        self._of = self._copy = self._hook = None

    def __deepcopy__(self, memo: Any) -> HalfCopy:
        return HalfCopy()  # a copied model makes its own


def in_half(model: torch.nn.Module) -> torch.nn.Module:
    """Return a copy of ``model`` whose parameters are bfloat16, and its buffers what they were, ready to encode with."""
    with torch.inference_mode(False), torch.no_grad():
        half = copy.deepcopy(model).eval()
        forget_merged(half)
        for parameter in half.parameters():  # not the buffers: rotary frequencies must stay exact
            parameter.data = parameter.data.to(torch.bfloat16)
    attend_by(half, "sdpa")
    return half
