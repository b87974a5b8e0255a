"""Saving an encoder so that others load it: sentence-transformers' folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE, sha256_of
from tutorial_lib.models.prompts import PROMPT_FILE, prompts_record


def save_model(encoder: Encoder, folder: Path, card: str) -> None:
    """Write ``encoder`` as a folder that ``SentenceTransformer(folder)`` and ``Encoder.load(folder)`` both read.

    The SHA-256 of the weights is written beside them and checked by ``Encoder.load``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder.model.save_pretrained(str(folder), safe_serialization=True)
    encoder.tokenizer.save_pretrained(str(folder))
    s = encoder.settings
    prefix = "sentence_transformers.models"
    files: dict[str, Any] = {
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{prefix}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{prefix}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{prefix}.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": s.max_length, "do_lower_case": False},
        PROMPT_FILE: prompts_record(s),
        "1_Pooling/config.json": {
            "word_embedding_dimension": encoder.dimension,
            **{
                f"pooling_mode_{k}": s.pooling == v
                for k, v in {"cls_token": "cls", "mean_tokens": "mean", "lasttoken": "lasttoken"}.items()
            },
        },
        CHECKSUM_FILE: {f.name: sha256_of(f) for f in sorted(folder.glob("*.safetensors"))},
    }
    (folder / "2_Normalize").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")
