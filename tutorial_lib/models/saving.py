"""Saving an encoder so that others load it: sentence-transformers' folder."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE, sha256_of
from tutorial_lib.models.prompts import prompts_record


def save_model(encoder: Encoder, folder: Path, card: str) -> None:
    """Write ``encoder`` as a folder that ``SentenceTransformer(folder)`` and ``Encoder.load(folder)`` both read.

    Weights are written as safetensors only. Their SHA-256 is written beside them and checked by ``Encoder.load``.
    """
    from sentence_transformers import SentenceTransformer  # here: it takes seconds
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    folder.mkdir(parents=True, exist_ok=True)
    settings = encoder.settings
    with tempfile.TemporaryDirectory(dir=folder) as bare:
        encoder.model.save_pretrained(bare, safe_serialization=True)
        encoder.tokenizer.save_pretrained(bare)
        # As the fingerprint knows it: without the window and padding that encoding leaves behind.
        Path(bare, "tokenizer.json").write_text(encoder._tokenizer_as_loaded, encoding="utf-8")
        modules = [
            Transformer(bare, max_seq_length=settings.max_length),
            Pooling(encoder.dimension, settings.pooling),
            Normalize(),
        ]
        record = prompts_record(settings)
        model = SentenceTransformer(modules=modules, device="cpu", **record)
        model.save_pretrained(str(folder), create_model_card=False)
    sums = {file.name: sha256_of(file) for file in sorted(folder.glob("*.safetensors"))}
    (folder / CHECKSUM_FILE).write_text(json.dumps(sums, indent=2), encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")
