"""PEFT's LoRA layer as one product with the merged weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear

ADAPTER = "default"
"""PEFT's name for the only adapter of a model."""


class _MergedProduct(torch.autograd.Function):
    """x·(W + s·B·A)ᵀ + bias for a weight merged beforehand: (..., in) -> (..., out), with gradients for x, A and B only."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None, layer: MergedLinear
    ) -> torch.Tensor:
        merged = layer.effective(x.dtype)
        ctx.save_for_backward(x, merged.weight, merged.a, merged.scaled_b)
        ctx.scale, ctx.layer = merged.scale, layer
        return torch.nn.functional.linear(x, merged.weight, bias)  # (..., out)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        ctx.layer.forget()  # whoever takes gradients is about to change A and B
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

    The weight is merged in float32, rounded to the precision of the computation, and kept until gradients are taken, other
    weights are loaded, or ``forget`` is called. Output and gradients are those of PEFT's own layer.
    """

    _merged: Merged | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take what PEFT's layer takes."""
        super().__init__(*args, **options)
        self.register_load_state_dict_post_hook(_loaded)

    def forget(self) -> None:
        """Merge the weight anew before it is next used; to be called when A, B or the base weight were changed in place."""
        self._merged = None

    def unmerge(self) -> None:
        """Take the update out of the base weight again, as PEFT does."""
        super().unmerge()
        self.forget()

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
                None if bias is None else bias.to(dtype),
                self,
            )

    @property
    def merges(self) -> bool:
        """Whether the update can be merged: dropout on the adapter's input, and on it alone, forbids that."""
        return isinstance(self.lora_dropout[ADAPTER], torch.nn.Identity)

    def effective(self, dtype: torch.dtype) -> Merged:
        """Return the effective weight, (out, in), and the factors in ``dtype``: those kept, or merged now."""
        weight: Any
        a: Any
        b: Any
        weight, a, b = (layer.weight for layer in (self.base_layer, self.lora_A[ADAPTER], self.lora_B[ADAPTER]))
        state = (dtype, *((t.data_ptr(), t.dtype) for t in (weight, a, b)), self.scaling[ADAPTER])
        merged = self._merged
        if merged is None or merged.made_from != state:
            scale = float(self.scaling[ADAPTER])
            # Not as inference tensors, even if dev scoring comes first: the backward pass may not use those.
            with torch.inference_mode(False), torch.no_grad():
                product = torch.addmm(weight.float(), b.float(), a.float(), alpha=scale)
                self._merged = merged = Merged(state, product.to(dtype), a.to(dtype), (b * scale).to(dtype), scale)
        return merged


def _loaded(layer: torch.nn.Module, _: Any) -> None:
    """Is called by torch when a state dict was loaded into ``layer``; a function, so that layers can be copied."""
    if isinstance(layer, MergedLinear):
        layer.forget()


def forget_merged(model: torch.nn.Module) -> None:
    """Let every ``MergedLinear`` in ``model`` merge its weight anew.

    To be called where weights may have changed in a way that a layer does not see: by hand, or by a step of the optimizer
    with gradients that another process took.
    """
    for module in model.modules():
        if isinstance(module, MergedLinear):
            module.forget()
