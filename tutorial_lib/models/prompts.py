"""Texts put before queries and documents, as a model folder names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tutorial_lib.models.files import CHECKSUM_FILE, read_object
from tutorial_lib.models.settings import EncoderSettings, ModelError

PROMPT_FILE = "config_sentence_transformers.json"


def stored_prompts(folder: Path | str) -> tuple[str, str] | None:
    """Return the prompts for queries and documents that a model folder names, or None if it names none.

    Raises:
        ModelError: They are no texts by name; or one stands under another name than "document", which
            sentence-transformers 6.2 would not put before documents.
    """
    prompts = (read_object(folder, PROMPT_FILE) or {}).get("prompts") or {}
    file = Path(folder, PROMPT_FILE)
    if not isinstance(prompts, dict) or not all(p is None or isinstance(p, str) for p in prompts.values()):
        raise ModelError(f"{file}: prompts are no object of texts: copy or make the model again")
    other = next((name for name in ("passage", "corpus") if prompts.get(name)), None)
    if other and not prompts.get("document"):
        raise ModelError(
            f"{file}: the prompt {other!r} is not put before documents by sentence-transformers, which takes the one called "
            "'document': rename it, or take it out"
        )
    return (prompts.get("query") or "", prompts.get("document") or "") if prompts else None


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
