"""A model read from its folder or from the Hub: transformer, tokenizer and settings."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from tutorial_lib.models.adapter_folder import CONFIG_FILE, base_of, merged_with
from tutorial_lib.models.complete import check_complete, check_output, check_tokenizer, put_in_lower_case, window_of
from tutorial_lib.models.described import described
from tutorial_lib.models.files import one_line, read_object
from tutorial_lib.models.folder import check_config, resolve_model
from tutorial_lib.models.hardware import default_device
from tutorial_lib.models.matrix import read_matrix
from tutorial_lib.models.prompts import prompts_are_fixed, stored_prompts
from tutorial_lib.models.settings import EncoderSettings, ModelError


class Parts(NamedTuple):
    """What an encoder is made of."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    settings: EncoderSettings
    matrix: NDArray[np.float32] | None = None
    query_matrix: NDArray[np.float32] | None = None


def load_parts(model: str | Path, device: torch.device | None = None) -> Parts:
    """Read a base model, a merged model, or a PEFT adapter folder, whose base is read and merged with it.

    Weights are read as safetensors only, and no code that comes with a model is ever run.

    Raises:
        ModelError: The folder is missing, incomplete, damaged, or of a kind that is not supported.
    """
    parts = _parts(model, ())
    check_output(parts.model, parts.tokenizer, str(model))
    return parts._replace(model=_moved(parts.model, device or default_device()))


def _parts(model: str | Path, above: tuple[Path | str, ...]) -> Parts:
    """Return a model's parts on the CPU; ``above`` are the adapters whose base it is."""
    folder = resolve_model(model)
    if (Path(folder) / CONFIG_FILE).exists():
        return _load_adapter(Path(folder), above)
    if not Path(folder).is_dir() and read_object(folder, CONFIG_FILE) is not None:
        raise ModelError(f"{model} is an adapter on the Hub: download it, and pass its folder")
    config = check_config(folder)
    said = described(folder, config)
    transformer, loading = _loaded(AutoModel, folder, use_safetensors=True, output_loading_info=True)
    check_complete(transformer, loading, str(model))
    tokenizer = _loaded(AutoTokenizer, folder)
    window = window_of(said, transformer, tokenizer, str(model))
    check_tokenizer(tokenizer, transformer, str(model))
    if said.bare and getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{model} has a chat_template and no modules.json, which is not supported: pass another model")
    if said.lower_case:
        put_in_lower_case(tokenizer)
    settings = EncoderSettings(said.pooling, window, *said.prompts)
    size = int(transformer.config.hidden_size)
    matrices = [read_matrix(folder, path, size) if path else None for path in (said.dense, said.query_dense)]
    return Parts(transformer, tokenizer, settings, *matrices)


def _loaded(kind: Any, folder: Path | str, **options: Any) -> Any:
    """Return what transformers loads from ``folder``; whatever it raises on a damaged one becomes one line."""
    try:
        return kind.from_pretrained(folder, trust_remote_code=False, **options)
    except Exception as error:  # of a dozen kinds, ImportError, KeyError, RuntimeError and its own among them
        reason = one_line(error)
        if "ignore_mismatched_sizes" in reason:  # it points to a table that it has printed
            reason = "config.json describes other sizes than its weights have"
        pieces = next((f.name for f in Path(folder).glob("*.model")), None) if kind is AutoTokenizer else None
        if pieces and not Path(folder, "tokenizer.json").exists() and find_spec("sentencepiece") is None:
            reason = f"to read its tokenizer ({pieces}) takes the package sentencepiece: pip install sentencepiece"
        raise ModelError(
            f"{folder} cannot be loaded as an encoder: {reason} — pass a folder with "
            "config.json, model.safetensors and tokenizer files"
        ) from error


def _moved(model: Any, device: torch.device) -> PreTrainedModel:
    try:
        return model.to(device)
    except (RuntimeError, NotImplementedError, AssertionError) as error:  # torch's ways to say that there is no such device
        raise ModelError(f"the model cannot be put on the device {device}: {one_line(error)}; pass cpu") from error


def _load_adapter(folder: Path, above: tuple[Path | str, ...]) -> Parts:
    base_name = base_of(folder)
    if folder.resolve() in above:
        raise ModelError(f"{folder} is an adapter whose base is an adapter on itself: pass a merged model")
    base = _parts(base_name, (*above, folder.resolve()))
    if base.matrix is not None or base.query_matrix is not None:
        raise ModelError(f"{folder} is an adapter on {base_name}, which has a module Dense: pass one without")
    tuned = merged_with(folder, base.model, base_name)
    return Parts(tuned, base.tokenizer, _adapter_settings(folder, base.settings))


def _adapter_settings(folder: Path, base: EncoderSettings) -> EncoderSettings:
    """Return the base's settings with what the adapter was trained with: other prompts perhaps, another window."""
    settings = base
    stored = stored_prompts(folder)
    if stored is not None:
        settings = replace(settings, query_prompt=stored[0], document_prompt=stored[1])
    if (folder / "modules.json").exists():
        said = described(folder, {})
        settings = replace(settings, pooling=said.pooling, max_length=min(said.window or base.max_length, base.max_length))
    return settings


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
