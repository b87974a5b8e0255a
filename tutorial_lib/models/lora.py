"""LoRA adapters (PEFT's): put on an encoder, weakened or removed, saved and merged."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from peft.tuners.tuners_utils import check_target_module_exists

from tutorial_lib.models.adapter_folder import CONFIG_FILE
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import one_line
from tutorial_lib.models.merged_linear import ADAPTER, MergedLinear
from tutorial_lib.models.saving import describe
from tutorial_lib.models.settings import ModelError
from tutorial_lib.private_api import use_lora_layer


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
            layers than ``upper_layers``, or PEFT has no adapter for what they match.
    """
    config = _lora_config(encoder, settings)
    try:
        adapted = get_peft_model(encoder.model, config)
    except ValueError as error:
        raise ModelError(f"no adapter can be put on {encoder.name}: {one_line(error)}") from error
    encoder.model = adapted
    encoder.changed()
    return adapted


def _lora_config(encoder: Encoder, settings: AdapterShape) -> LoraConfig:
    """Return PEFT's settings of an adapter that is known to match layers of ``encoder``."""
    config = LoraConfig(
        task_type=TaskType.FEATURE_EXTRACTION,
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.peft_targets,
        base_model_name_or_path=encoder.name,
    )
    use_lora_layer(config, torch.nn.Linear, MergedLinear)
    matched = _matched(encoder, config)
    if settings.upper_layers:
        matched = config.target_modules = _upper_linear(encoder, matched, settings.upper_layers)
    if not matched:
        raise ModelError(
            f"target_modules {settings.peft_targets!r} match no layer of {encoder.name}: its linear layers are "
            f"{', '.join(linear_layers(encoder))}"
        )
    return config


def linear_layers(encoder: Encoder) -> list[str]:
    """Return the names of the model's linear layers, each kind once."""
    return sorted({name.split(".")[-1] for name in _linear(encoder)})


def _linear(encoder: Encoder) -> list[str]:
    return [name for name, module in encoder.model.named_modules() if isinstance(module, torch.nn.Linear)]


def _matched(encoder: Encoder, config: LoraConfig) -> list[str]:
    """Return full names of the layers that PEFT takes the target modules of ``config`` for."""
    if config.target_modules == "all-linear":
        return _linear(encoder)
    return [name for name, _ in encoder.model.named_modules() if check_target_module_exists(config, name)]


def _upper_linear(encoder: Encoder, names: Collection[str], count: int) -> list[str]:
    """Return those of ``names`` that are linear layers in one of the last ``count`` blocks."""
    blocks = int(getattr(encoder.model.config, "num_hidden_layers", 0))
    if count > blocks:
        raise ModelError(f"upper_layers is {count}, but {encoder.name} has {blocks} layers")

    def block(name: str) -> int:
        return next((int(part) for part in name.split(".") if part.isdigit()), -1)

    return [name for name in _linear(encoder) if name in names and block(name) >= blocks - count]


def adapter_update(encoder: Encoder) -> dict[str, torch.Tensor]:
    """Return a copy of the adapter's B matrices by name, each (out, rank), for ``set_strength``."""
    return {name: b.detach().clone() for name, b in encoder.model.named_parameters() if ".lora_B." in name}


def set_strength(encoder: Encoder, update: Mapping[str, torch.Tensor], share: float) -> None:
    """Give the adapter on ``encoder`` a share of an update: 1 is bit for bit all of it, 0 the base model's vectors again.

    Between the two lies a mean of base and tuned weights, which forgets less (Wortsman et al. 2022, arXiv:2109.01903).

    Args:
        encoder: An encoder with an adapter.
        update: What ``adapter_update`` returned for it.
        share: What the B matrices are multiplied by.

    Raises:
        ValueError: The update is not one of this adapter's.
    """
    factors = {name: factor for name, factor in encoder.model.named_parameters() if ".lora_" in name}
    ours = {name for name in factors if ".lora_B." in name}
    if ours != set(update):
        raise ValueError(
            f"the update has {len(update)} matrices and the adapter of {encoder.name} {len(ours)}, not all under the same "
            "names: pass what adapter_update returned for this encoder"
        )
    with torch.no_grad():
        for name, factor in factors.items():
            if name in update:
                # Not multiplied by 0: a diverged run leaves numbers that no factor makes 0.
                factor.copy_(update[name] * share if share else torch.zeros_like(factor))
            elif not share:
                factor.nan_to_num_()
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
    """Write the trained adapter in PEFT's format with ``card`` as its model card.

    Its prompts, window, pooling and tokenizer are written beside it, so that ``SentenceTransformer(folder)`` reads it too;
    its base model must be where it was.
    """
    encoder.model.save_pretrained(str(folder), safe_serialization=True)
    config = folder / CONFIG_FILE
    said = json.loads(config.read_text(encoding="utf-8"))
    if isinstance(said["target_modules"], list):  # a set of PEFT's, in another order each time
        said["target_modules"].sort()
    config.write_text(json.dumps(said, indent=2, sort_keys=True), encoding="utf-8")
    describe(encoder, folder)
    (folder / "README.md").write_text(card, encoding="utf-8")


def mean_adapter(base: Encoder, adapters: Sequence[Path]) -> Encoder:
    """Put one adapter on ``base`` in place whose update is the mean of those in ``adapters``, exactly; return it.

    Its rank is the sum of theirs: a mean of products B·A is no product of the means of B and of A.

    Args:
        base: The base model of all of them, without an adapter.
        adapters: Folders of PEFT adapters, at least one.
    """
    names = [str(n) for n in range(len(adapters))]
    adapted = PeftModel.from_pretrained(base.model, str(adapters[0]), adapter_name=names[0])
    for name, folder in zip(names[1:], adapters[1:], strict=True):
        adapted.load_adapter(str(folder), adapter_name=name)
    adapted.add_weighted_adapter(names, [1 / len(names)] * len(names), ADAPTER, combination_type="cat")
    adapted.set_adapter(ADAPTER)
    for name in names:
        adapted.delete_adapter(name)
    base.model = adapted.eval()
    base.changed()
    return base


def merge_adapter(adapter: Path) -> Encoder:
    """Return an encoder with the adapter's update added into the base weights: the same vectors, no extra cost.

    The base is loaded afresh and named in the adapter's config; nothing of the training process is carried over.
    """
    return Encoder.load(adapter)
