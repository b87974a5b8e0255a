"""Texts put before queries and documents, as a model folder names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tutorial_lib.models.files import CHECKSUM_FILE, read_json
from tutorial_lib.models.settings import EncoderSettings

PROMPT_FILE = "config_sentence_transformers.json"


def stored_prompts(folder: Path | str) -> tuple[str, str] | None:
    """Return the prompts for queries and articles that a model folder names, or None if it names none."""
    prompts = (read_json(folder, PROMPT_FILE) or {}).get("prompts") or {}
    if not prompts:
        return None
    return prompts.get("query", ""), prompts.get("document", prompts.get("passage", ""))


def prompts_are_fixed(folder: Path | str) -> bool:
    """Return whether the model was trained with the prompts it names: those it has, and any prompts of ours.

    A base model saved by sentence-transformers names two empty prompts whether it knows of any or not.
    """
    ours = Path(folder, "adapter_config.json").exists() or Path(folder, CHECKSUM_FILE).exists()
    stored = stored_prompts(folder)
    return stored is not None and (ours or any(stored))


def prompts_record(settings: EncoderSettings) -> dict[str, Any]:
    """Return the prompts as sentence-transformers keeps them in a model folder."""
    prompts = {"query": settings.query_prompt, "document": settings.document_prompt}
    return {"prompts": prompts, "similarity_fn_name": "cosine"}
