"""LoRA adapters (PEFT's): put on an encoder, weakened or removed, saved and merged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.merged_linear import MergedLinear
from tutorial_lib.models.prompts import PROMPT_FILE, prompts_record
from tutorial_lib.models.settings import ModelError


class AdapterShape(Protocol):
    """What ``add_adapter`` must know; ``training.settings.LoraSettings`` is one."""

    @property
    def rank(self) -> int:
        """Rank r of the update."""
        ...

    @property
    def alpha(self) -> int:
        """The update is scaled by alpha / rank."""
        ...

    @property
    def dropout(self) -> float:
        """Dropout on the adapter's input."""
        ...

    @property
    def peft_targets(self) -> str | list[str]:
        """The adapted layers as PEFT takes them."""
        ...

    @property
    def upper_layers(self) -> int:
        """How many layers, counted from the output, are adapted; 0 for all."""
        ...


def add_adapter(encoder: Encoder, settings: AdapterShape) -> PeftModel:
    """Put a fresh LoRA adapter on ``encoder`` in place; its B matrices are zero, so vectors do not change yet.

    Raises:
        ModelError: ``target_modules`` match no layer of this model (its linear layers are listed), or it has fewer
            layers than ``upper_layers``.
    """
    target = settings.peft_targets
    count = int(getattr(encoder.model.config, "num_hidden_layers", 0))
    if settings.upper_layers > count:
        raise ModelError(f"upper_layers is {settings.upper_layers}, but {encoder.name} has {count} layers")
    config = LoraConfig(
        task_type=TaskType.FEATURE_EXTRACTION,
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=target,
        base_model_name_or_path=encoder.name,
    )
    if settings.upper_layers:
        config.target_modules = _upper_linear(encoder, target, count - settings.upper_layers)
    config._register_custom_module({torch.nn.Linear: MergedLinear})
    try:
        adapted = get_peft_model(encoder.model, config)
    except ValueError as error:
        raise ModelError(
            f"target_modules {target!r} match no layer of {encoder.name}: its linear layers are "
            f"{', '.join(linear_layers(encoder))}"
        ) from error
    encoder.model = adapted
    encoder.changed()
    return adapted


def linear_layers(encoder: Encoder) -> list[str]:
    """Return the names of the model's linear layers, each kind once."""
    return sorted({n.split(".")[-1] for n, m in encoder.model.named_modules() if isinstance(m, torch.nn.Linear)})


def _upper_linear(encoder: Encoder, target: str | list[str], lowest: int) -> list[str]:
    """Return full names of the target's linear layers in blocks ``lowest`` and above."""

    def block(name: str) -> int:
        return next((int(part) for part in name.split(".") if part.isdigit()), -1)

    return [
        n
        for n, m in encoder.model.named_modules()
        if isinstance(m, torch.nn.Linear) and block(n) >= lowest and (target == "all-linear" or n.split(".")[-1] in target)
    ]


def scale_adapter(encoder: Encoder, factor: float) -> None:
    """Multiply the adapter's update by ``factor``: 0 gives the base model's vectors again, 1 changes nothing.

    Between the two lies a mean of base and tuned weights, which forgets less (Wortsman et al. 2022, arXiv:2109.01903).
    """
    with torch.no_grad():
        for name, parameter in encoder.model.named_parameters():
            if factor == 0.0 and ".lora_" in name:  # a diverged run leaves numbers that no factor makes 0
                parameter.zero_() if ".lora_B." in name else parameter.nan_to_num_()
            elif ".lora_B." in name:
                parameter.mul_(factor)
    encoder.changed()


def adapter_update(encoder: Encoder) -> dict[str, torch.Tensor]:
    """Return a copy of the adapter's B matrices by name, each (out, rank), for ``set_strength``."""
    return {name: b.detach().clone() for name, b in encoder.model.named_parameters() if ".lora_B." in name}


def set_strength(encoder: Encoder, update: Mapping[str, torch.Tensor], share: float) -> None:
    """Give the adapter on ``encoder`` a share of an update: 1 is bit for bit all of it, 0 the base model's vectors again."""
    with torch.no_grad():
        for name, parameter in encoder.model.named_parameters():
            if name in update:
                parameter.copy_(update[name] * share if share else torch.zeros_like(parameter))
            elif not share and ".lora_" in name:  # a diverged run leaves numbers that no factor makes 0
                parameter.nan_to_num_()
    encoder.changed()


def without_dropout(model: torch.nn.Module) -> None:
    """Switch the base model's dropout off: its weights are frozen, so dropout would only add noise and time."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


@contextmanager
def low_precision(model: torch.nn.Module) -> Iterator[None]:
    """Within the block, frozen weights are bfloat16, and so is all that flows between the layers.

    Weights that an adapter is merged into stay float32, so that a small update is not lost to rounding twice.
    """
    merged_into = {id(m.base_layer.weight) for m in model.modules() if isinstance(m, MergedLinear) and m.merges}
    frozen = [p for p in model.parameters() if not p.requires_grad and p.is_floating_point() and id(p) not in merged_into]
    originals = [p.data for p in frozen]
    for parameter in frozen:
        parameter.data = parameter.data.to(torch.bfloat16)
    try:
        yield
    finally:
        for parameter, original in zip(frozen, originals, strict=True):
            parameter.data = original


def save_adapter(encoder: Encoder, folder: Path, card: str) -> None:
    """Write the trained adapter in PEFT's format, with its prompts and with ``card`` as its model card."""
    encoder.model.save_pretrained(str(folder), safe_serialization=True)
    (folder / PROMPT_FILE).write_text(json.dumps(prompts_record(encoder.settings), indent=2), encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")


def merge_adapter(adapter: Path) -> Encoder:
    """Return an encoder with the adapter's update added into the base weights: the same vectors, no extra cost.

    The base is loaded afresh and named in the adapter's config; nothing of the training process is carried over.
    """
    return Encoder.load(adapter)
