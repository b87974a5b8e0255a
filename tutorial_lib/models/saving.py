"""Saving an encoder so that others load it: sentence-transformers' folder."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tutorial_lib.models.described import TRANSFORMER_FILES
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.files import CHECKSUM_FILE, sha256_of
from tutorial_lib.models.prompts import PROMPT_FILE, prompts_record


def save_model(encoder: Encoder, folder: Path, card: str) -> None:
    """Write ``encoder`` as a folder that ``SentenceTransformer(folder)`` and ``Encoder.load(folder)`` both read.

    A matrix is a module Dense; one for queries alone stands in a module Router, so that ``encode_query`` passes it and
    ``encode_document`` and ``encode`` do not. Weights are written as safetensors only. Their SHA-256 is written beside them
    and checked by ``Encoder.load``.
    """
    from sentence_transformers import SentenceTransformer  # here: it takes seconds
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

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
            *_behind_pooling(encoder),
        ]
        record = prompts_record(settings)
        model = SentenceTransformer(modules=modules, device="cpu", **record)
        model.save_pretrained(str(folder), create_model_card=False)
    write_checksums(folder)
    (folder / "README.md").write_text(card, encoding="utf-8")


def write_checksums(folder: Path) -> None:
    """Write beside all weights in ``folder``, and in folders within it, their SHA-256."""
    for home in sorted({file.parent for file in folder.rglob("*.safetensors")}):
        sums = {file.name: sha256_of(file) for file in sorted(home.glob("*.safetensors"))}
        (home / CHECKSUM_FILE).write_text(json.dumps(sums, indent=2), encoding="utf-8")


def _behind_pooling(encoder: Encoder) -> list[Any]:
    """Return the modules that turn pooled vectors, by the encoder's matrices if it has any, and scale them."""
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Router  # here: it takes seconds

    def dense(matrix: NDArray[np.float32]) -> Any:
        size, weight = len(matrix), torch.from_numpy(matrix)
        return Dense(size, size, bias=False, activation_function=None, init_weight=weight)

    both = [] if encoder.matrix is None else [dense(encoder.matrix)]
    if encoder.query_matrix is None:
        return [*both, Normalize()]
    queries: list[Any] = [dense(encoder.query_matrix), Normalize()]
    documents: list[Any] = [Normalize()]
    return [*both, Router.for_query_document(queries, documents, default_route="document")]


def describe(encoder: Encoder, folder: Path) -> None:
    """Write all of sentence-transformers' files but the weights: modules, window, prompts, tokenizer."""
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer  # here: it takes seconds

    settings = encoder.settings
    modules = {"": Transformer, "1_Pooling": Pooling, "2_Normalize": Normalize}
    listed = [
        {"idx": n, "name": str(n), "path": path, "type": f"{kind.__module__}.{kind.__qualname__}"}
        for n, (path, kind) in enumerate(modules.items())
    ]
    for module, path in ((Pooling(encoder.dimension, settings.pooling), "1_Pooling"), (Normalize(), "2_Normalize")):
        (folder / path).mkdir(exist_ok=True)
        module.save(str(folder / path))
    encoder.tokenizer.save_pretrained(str(folder))
    # As the fingerprint knows it: without the window and padding that encoding leaves behind.
    (folder / "tokenizer.json").write_text(encoder._tokenizer_as_loaded, encoding="utf-8")
    for name, content in (
        ("modules.json", listed),
        (TRANSFORMER_FILES[0], {"max_seq_length": settings.max_length}),
        (PROMPT_FILE, prompts_record(settings)),
    ):
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
