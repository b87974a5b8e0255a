"""The models that are served: found by name, or by the fingerprint that the index notes with its vectors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import EncoderSettings, ModelError, TextEncoder
from tutorial_lib.serving.errors import ApiError, NotReadyError
from tutorial_lib.serving.openai_contract import ModelItem

INPUT_TYPES = ("text", "query", "document")
"""What a text may be sent as: plainly, or put behind the model's prompt for one of the two."""


class ServedEncoder(TextEncoder, Protocol):
    """What a served model must offer beside ``TextEncoder``; ``Encoder`` does."""

    tokenizer: Any
    settings: EncoderSettings

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, put behind no prompt: float32, (len(texts), D)."""
        ...


@dataclass(frozen=True)
class ServedModel:
    """A model under the name that requests call it by.

    Attributes:
        name: "tuned", say.
        encoder: The model.
        sizes: Lengths below the whole that its vectors may be cut to, because it was trained for them.
    """

    name: str
    encoder: ServedEncoder
    sizes: tuple[int, ...] = ()

    def prompt(self, input_type: str) -> str:
        """Return what is put before a text of one of ``INPUT_TYPES``."""
        settings = self.encoder.settings
        return {"query": settings.query_prompt, "document": settings.document_prompt}.get(input_type, "")

    @property
    def window(self) -> int:
        """Tokens of a text that are read."""
        return self.encoder.settings.max_length

    @cached_property
    def _counter(self) -> Tokenizer:
        # One of its own: a count may be made while the model's cuts and pads what it encodes.
        whole = Tokenizer.from_str(self.encoder.tokenizer.backend_tokenizer.to_str())
        whole.no_truncation()
        whole.no_padding()
        return whole

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special ones included and beyond the window too."""
        return [len(read.ids) for read in self._counter.encode_batch_fast(list(texts))]

    def first_tokens(self, texts: Sequence[str], most: int) -> list[str]:
        """Return of each text the beginning that ``most`` tokens hold, special ones not counted."""
        read = self._counter.encode_batch(list(texts), add_special_tokens=False)  # with offsets, unlike the fast one
        ends = [own.offsets[most - 1][1] if len(own.ids) > most else len(text) for text, own in zip(texts, read, strict=True)]
        return [text[:end] for text, end in zip(texts, ends, strict=True)]

    def check_size(self, size: int | None) -> None:
        """Refuse a length that vectors of this model cannot have.

        Raises:
            ApiError: The model was not trained to be cut there.
        """
        allowed = [*self.sizes, self.encoder.dimension]
        if size is not None and size not in allowed:
            there = ", ".join(map(str, allowed))
            raise ApiError(
                400,
                f"dimensions is {size}: vectors of {self.name!r} have {there}, it was not trained to be cut elsewhere",
                param="dimensions",
                code="invalid_value",
            )

    def cut(self, vectors: NDArray[np.float32], size: int | None) -> NDArray[np.float32]:
        """Return ``vectors``, (N, D), cut to their first ``size`` numbers and scaled to unit length again: (N, size)."""
        if size is None or size == self.encoder.dimension:
            return vectors
        part = vectors[:, :size]
        return part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)


class Models:
    """The models held in memory: those with a name, and those that the versions of the index were made with."""

    def __init__(self, named: Iterable[ServedModel], load: Callable[[str], ServedEncoder] = Encoder.load) -> None:
        """Hold ``named``, the first of which is the default.

        Args:
            named: Models that requests may name.
            load: Reads a model folder.
        """
        self.named = {model.name: model for model in named}
        self._load = load
        self._loaded: dict[str, ServedModel] = {}
        self._loading = threading.Lock()

    def get(self, name: str | None) -> ServedModel:
        """Return the model that a request names; without a name the first.

        Raises:
            ApiError: There is none of this name; those there are are named.
        """
        if name is None:
            return next(iter(self.named.values()))
        if name not in self.named:
            there = ", ".join(self.named)
            raise ApiError(404, f"there is no model {name!r} here, only {there}", param="model", code="model_not_found")
        return self.named[name]

    def listed(self) -> list[ModelItem]:
        """Return what ``/v1/models`` says of the named models."""
        return [
            ModelItem(
                id=model.name,
                fingerprint=model.encoder.fingerprint,
                dimensions=[*model.sizes, model.encoder.dimension],
                window=model.window,
            )
            for model in self.named.values()
        ]

    def held(self, fingerprint: str) -> ServedModel | None:
        """Return the model of this fingerprint if it is in memory."""
        named = next((m for m in self.named.values() if m.encoder.fingerprint == fingerprint), None)
        return named or self._loaded.get(fingerprint)

    def find(self, fingerprint: str, folder: str) -> ServedModel:
        """Return the model that a version of the index was made with, read from its folder if it is not in memory.

        Args:
            fingerprint: Of the model.
            folder: Where the version says that it lies.

        Raises:
            NotReadyError: It is not in memory, and the folder is gone, damaged, or holds another model by now.
        """
        with self._loading:
            if model := self.held(fingerprint):
                return model
            encoder = self._read(folder)
            if encoder.fingerprint != fingerprint:
                found = encoder.fingerprint
                detail = f"it was made with {fingerprint}, and {folder} holds {found} by now"
                raise NotReadyError("the model that this version was built with is gone", detail)
            logging.getLogger(__name__).info("model read", extra={"folder": folder, "fingerprint": fingerprint})
            self._loaded[fingerprint] = ServedModel(f"model {fingerprint}", encoder)
            return self._loaded[fingerprint]

    def _read(self, folder: str) -> ServedEncoder:
        if not Path(folder).is_dir():  # a Hub's name is never looked up while requests wait
            raise NotReadyError("the model that this version was built with is gone", f"there is no folder {folder}")
        try:
            return self._load(folder)
        except (ModelError, OSError) as error:
            raise NotReadyError("the model that this version was built with cannot be read", str(error)) from None

    def keep_only(self, fingerprints: Iterable[str]) -> None:
        """Let go of models without a name that no version was made with."""
        kept = set(fingerprints)
        with self._loading:
            self._loaded = {fingerprint: model for fingerprint, model in self._loaded.items() if fingerprint in kept}
