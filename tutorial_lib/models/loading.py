"""A model read from its folder or from the Hub: transformer, tokenizer and settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from tutorial_lib.models.files import one_line, read_json
from tutorial_lib.models.folder import check_complete, read_settings, resolve_model
from tutorial_lib.models.hardware import default_device
from tutorial_lib.models.prompts import prompts_are_fixed, stored_prompts
from tutorial_lib.models.settings import EncoderSettings, ModelError, check_pooling


class Parts(NamedTuple):
    """What an encoder is made of."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    settings: EncoderSettings


def load_parts(model: str | Path, device: torch.device | None = None) -> Parts:
    """Read a base model, a merged model, or a PEFT adapter folder, whose base is read and merged with it.

    Weights are read as safetensors only, and no code that comes with a model is ever run.

    Raises:
        ModelError: The folder is missing, incomplete, damaged, or of a kind that is not supported.
    """
    folder = resolve_model(model)
    if (Path(folder) / "adapter_config.json").exists():
        return _load_adapter(Path(folder), device)
    try:
        transformer, loading = AutoModel.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"{model} cannot be loaded as an encoder: {one_line(error)} — pass a folder with "
            "config.json, model.safetensors and tokenizer files"
        ) from error
    check_complete(transformer, tokenizer, loading["missing_keys"], str(model))
    settings = read_settings(folder, transformer, tokenizer)
    check_pooling(settings, str(model))
    return Parts(transformer.to(device or default_device()), tokenizer, settings)


def _load_adapter(folder: Path, device: torch.device | None) -> Parts:
    base_name = read_json(folder, "adapter_config.json").get("base_model_name_or_path")
    weights = folder / "adapter_model.safetensors"  # PEFT itself would take a pickle in its place
    if not base_name or not weights.is_file():
        fault = f"{weights.name} is missing" if base_name else "adapter_config.json names no base model"
        raise ModelError(f"{folder} is no complete adapter: {fault}; train it again, or pass a merged model")
    base = load_parts(base_name, device)
    try:
        tuned = PeftModel.from_pretrained(base.model, str(folder)).merge_and_unload()
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{folder} does not fit {base_name}, or is damaged: {one_line(error)} — train it again, or pass a merged model"
        ) from error
    stored = stored_prompts(folder)
    if stored is None:
        return base._replace(model=tuned)
    # It may have been trained with prompts that the base does not name.
    settings = replace(base.settings, query_prompt=stored[0], document_prompt=stored[1])
    return base._replace(model=tuned, settings=settings)


def with_prompts(settings: EncoderSettings, model: str, query: str | None, document: str | None) -> EncoderSettings:
    """Return ``settings`` with the prompts that are asked for.

    Args:
        settings: As the folder of ``model`` names them.
        model: Name, folder or Hub id that they were read from.
        query: Text to put before every query; None for the model's own.
        document: Text to put before every document; None for the model's own.

    Raises:
        ModelError: The model names the prompts that it was trained with, and others are asked for.
    """
    own = (settings.query_prompt, settings.document_prompt)
    asked = (own[0] if query is None else query, own[1] if document is None else document)
    if asked != own and prompts_are_fixed(resolve_model(model)):
        raise ModelError(
            f"{model} was trained with the prompts {own[0]!r} (query) and {own[1]!r} (document), asked "
            f"for are {asked[0]!r} and {asked[1]!r}: vectors of other prompts do not fit it, leave them out"
        )
    return replace(settings, query_prompt=asked[0], document_prompt=asked[1])
