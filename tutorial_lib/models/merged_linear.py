"""PEFT's LoRA layer as one product with the merged weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear

ADAPTER = "default"
"""PEFT's name for the only adapter of a model."""


class _MergedProduct(torch.autograd.Function):
    """x·(W + s·B·A)ᵀ + bias for a weight merged beforehand, with gradients for x, A and B only."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, merged: Merged, bias: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(x, merged.weight, merged.a, merged.scaled_b)
        ctx.scale = merged.scale
        return torch.nn.functional.linear(x, merged.weight, bias)  # (..., out)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, a, scaled_b = ctx.saved_tensors
        g, flat = gradients[0].reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])  # (n, out), (n, in)
        for_a = (g @ scaled_b).T @ flat  # (rank, in)
        for_b = g.T @ (flat @ a.T) * ctx.scale  # (out, rank)
        return (g @ weight).reshape(x.shape), for_a.float(), for_b.float(), None, None


@dataclass(frozen=True)
class Merged:
    """The effective weight W + s·B·A of a layer and the factors, in the precision of the computation."""

    made_from: tuple[Any, ...]
    weight: torch.Tensor
    a: torch.Tensor
    scaled_b: torch.Tensor
    scale: float


class MergedLinear(LoraLinear):
    """PEFT's LoRA layer, computed as one product with the merged weight instead of three products and an addition.

    The weight is merged in float32 whenever A or B has changed, once a training step, and then rounded to the precision
    of the computation. Output and gradients are those of PEFT's own layer.
    """

    _merged: Merged | None = None

    def forward(self, x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        """Return the layer's output for ``x`` of shape (..., in): (..., out)."""
        plain = not (self.disable_adapters or self.merged or args or options) and self.active_adapters == [ADAPTER]
        if not (plain and self.merges):
            return super().forward(x, *args, **options)
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        bias = self.base_layer.bias
        with torch.autocast(kind, enabled=False):
            return _MergedProduct.apply(
                x.to(dtype),
                self.lora_A[ADAPTER].weight,
                self.lora_B[ADAPTER].weight,
                self._effective(dtype),
                None if bias is None else bias.to(dtype),
            )

    @property
    def merges(self) -> bool:
        """Whether the update can be merged: dropout on the adapter's input, and on it alone, forbids that."""
        return isinstance(self.lora_dropout[ADAPTER], torch.nn.Identity)

    def _effective(self, dtype: torch.dtype) -> Merged:
        weight: Any
        a: Any
        b: Any
        weight, a, b = (layer.weight for layer in (self.base_layer, self.lora_A[ADAPTER], self.lora_B[ADAPTER]))
        # In-place changes (a checkpoint's, an optimizer's unless it is a fused kernel) raise a tensor's version.
        state = (dtype, *((t.data_ptr(), t._version, t.dtype) for t in (weight, a, b)), self.scaling[ADAPTER])
        if self._merged is None or self._merged.made_from != state:
            scale = float(self.scaling[ADAPTER])
            # Not as inference tensors, even if dev scoring comes first: the backward pass may not use those.
            with torch.inference_mode(False), torch.no_grad():
                product = torch.addmm(weight.float(), b.float(), a.float(), alpha=scale)
                self._merged = Merged(state, product.to(dtype), a.to(dtype), (b * scale).to(dtype), scale)
        return self._merged


def forget_merged(model: torch.nn.Module) -> None:
    """Let every ``MergedLinear`` in ``model`` merge its weight anew; to be called when A or B were changed."""
    for module in model.modules():
        if isinstance(module, MergedLinear):
            module._merged = None
