"""The encoder: texts in, unit vectors out."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tutorial_lib.models.batching import PAD_TO, length_batches, pooled
from tutorial_lib.models.complete import check_finite, check_strings, positions
from tutorial_lib.models.fingerprint import fingerprint_of
from tutorial_lib.models.half_precision import HalfCopy
from tutorial_lib.models.hardware import attend_by, side_by_side
from tutorial_lib.models.loading import load_parts, with_prompts
from tutorial_lib.models.matrix import check_matrix, turned
from tutorial_lib.models.merged_linear import forget_merged
from tutorial_lib.models.settings import DEFAULT_MODEL, EncoderSettings, ModelError, check_pooling
from tutorial_lib.private_api import attention_kernel


class Encoder:
    """A transformer encoder with its tokenizer and settings; vectors have unit length, so dot products are cosines.

    >>> encoder = Encoder.load()
    >>> vectors = encoder.encode(["How do I get my money back?", "Refunds", "Restart the router"])
    >>> vectors.shape, bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
    ((3, 384), True)

    Reference: Reimers and Gurevych 2019, "Sentence-BERT", arXiv:1908.10084.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: EncoderSettings, name: str
    ) -> None:
        """Wrap a loaded model; most callers want ``Encoder.load``.

        Args:
            model: The transformer.
            tokenizer: Its tokenizer, unused so far: the fingerprint takes it as it is now.
            settings: What else decides a vector.
            name: For messages and records.

        Raises:
            ModelError: The settings name a pooling that is not supported.
        """
        check_pooling(settings, name)
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.settings = settings
        self.name = name
        # For the fingerprint, as loaded: encoding leaves its window and padding behind in the tokenizer.
        self._tokenizer_as_loaded = tokenizer.backend_tokenizer.to_str()
        self._half = HalfCopy()
        self.matrix: NDArray[np.float32] | None = None
        self.query_matrix: NDArray[np.float32] | None = None

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        *,
        device: torch.device | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
    ) -> Encoder:
        """Load a base model, a merged model, or a PEFT adapter folder (whose base is loaded and merged into it).

        Weights are read as safetensors only, and no code that comes with a model is ever run.

        Args:
            model: Name of the course's base model, a folder, or a Hub id.
            device: Where to run; by default a GPU if there is one.
            query_prompt: Text to put before every query; by default what the model folder names.
            document_prompt: Text to put before every article; by default what the model folder names.

        Raises:
            ModelError: The folder is missing, incomplete, damaged, or of a kind that is not supported; or it names the
                prompts that it was trained with, and others are asked for.
        """
        parts = load_parts(model, device)
        settings = with_prompts(parts.settings, str(model), query_prompt, document_prompt)
        made = cls(parts.model, parts.tokenizer, settings, str(model))
        return made._with(matrix=parts.matrix, query_matrix=parts.query_matrix)

    def with_window(self, tokens: int) -> Encoder:
        """Return this encoder with another window; the two share weights and tokenizer.

        ``save_model`` stores the window with the model, and sentence-transformers reads it there too.

        Args:
            tokens: How many tokens of a text are read, special tokens included.

        Raises:
            ModelError: The window has no room for a word between the special tokens, or the model has fewer positions.
        """
        least, most = self.tokenizer.num_special_tokens_to_add() + 1, positions(self.model)
        if not least <= tokens <= most:
            raise ModelError(f"the window of {self.name} cannot be {tokens} tokens: pass {least} to {most}")
        return self._with(settings=replace(self.settings, max_length=int(tokens)))

    def with_matrix(self, matrix: NDArray[np.float32], *, queries_only: bool = False) -> Encoder:
        """Return this encoder with its vectors multiplied by ``matrix``, (D, D); the two share weights and tokenizer.

        Args:
            matrix: What to multiply by, behind any matrix that is there.
            queries_only: Multiply those of queries alone: documents, and every index of them, stay as they are.

        Raises:
            ModelError: It has another shape, or is not finite; or it is for both, and there is one for queries, the last.
        """
        matrix, name = check_matrix(matrix, self.dimension, self.name), "query_matrix" if queries_only else "matrix"
        if self.query_matrix is not None and not queries_only:
            raise ModelError(f"{self.name} has a matrix for queries alone, which comes last: pass one with queries_only=True")
        before = getattr(self, name)
        return self._with(**{name: matrix if before is None else matrix @ before})

    def _with(self, **changes: Any) -> Encoder:
        other = copy.copy(self)
        vars(other).update(changes)
        other._forget_fingerprints()
        return other

    def _forget_fingerprints(self) -> None:
        vars(self).pop("fingerprint", None)
        vars(self).pop("document_fingerprint", None)

    def changed(self) -> None:
        """Forget what was worked out from the weights, when they change in place, as in ``training`` and ``inference``."""
        self._forget_fingerprints()
        self._half.forget()
        forget_merged(self.model)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Within the block: the attention kernel whose backward pass is the faster one on short texts on a CPU."""
        if self.device.type == "cpu":
            attend_by(self.model, "eager")
        try:
            yield
        finally:
            attend_by(self.model, "sdpa")
            self.model.eval()
            self.changed()

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Within the block, as in a pause of training: no dropout, the attention kernel that is fastest forward.

        The weights are taken to have changed since they were last used so.
        """
        before, training = attention_kernel(self.model), self.model.training
        self.changed()
        attend_by(self.model, "sdpa")
        self.model.eval()
        try:
            yield
        finally:
            attend_by(self.model, before)
            self.model.train(training)

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return self.model.device

    @property
    def dimension(self) -> int:
        """Length D of a vector."""
        return int(self.model.config.hidden_size)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of weights and settings: two encoders with the same fingerprint give the same vectors."""
        return fingerprint_of(self.model, self.settings, self._tokenizer_as_loaded, self.matrix, self.query_matrix)

    @cached_property
    def document_fingerprint(self) -> str:
        """Hash of what decides documents' vectors: ``fingerprint`` of this encoder without its matrix for queries alone."""
        return self.fingerprint if self.query_matrix is None else self._with(query_matrix=None).fingerprint

    def encode_queries(self, texts: Sequence[str], **options: Any) -> NDArray[np.float32]:
        """Return vectors of queries behind their prompt: float32, (len(texts), D), unit length; options: ``encode``."""
        vectors = self.encode([self.settings.query_prompt + t for t in texts], **options)
        return vectors if self.query_matrix is None else turned(vectors, self.query_matrix)

    def encode_documents(self, texts: Sequence[str], **options: Any) -> NDArray[np.float32]:
        """Return vectors of documents behind their prompt: float32, (len(texts), D), unit length; options: ``encode``."""
        return self.encode([self.settings.document_prompt + t for t in texts], **options)

    def encode(self, texts: Sequence[str], *, token_budget: int | None = None, label: str = "encode") -> NDArray[np.float32]:
        """Return one unit vector a text, one of documents: float32, (len(texts), D).

        Texts are sorted by length and cut into batches of at most ``token_budget`` tokens (by default 2,048 on a CPU,
        where small batches stay in its cache, and 65,536 on a GPU), so that short texts are not padded to the longest
        one. In bfloat16 where the processor has units for it (cosine to float32 above 0.999).

        Raises:
            DataError: A text is not a string.
            NotFiniteError: A text has no vector of finite numbers.
        """
        check_strings(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens = self.tokenize(texts)
        budget = token_budget or (2048 if self.device.type == "cpu" else 65_536)
        model = self._inference_model()

        def encode_batch(batch: list[int]) -> int:
            with torch.inference_mode():
                vectors[batch] = pooled(model, self.pad([tokens[n] for n in batch]), self.settings.pooling).cpu().numpy()
            return len(batch)

        batches = length_batches([len(t) for t in tokens], budget)
        with (
            tqdm(total=len(texts), desc=label, unit="text", disable=len(texts) <= 1000) as bar,
            side_by_side(self.device, len(batches)) as run,
        ):
            for size in run(encode_batch, batches):
                bar.update(size)
        check_finite(vectors, texts, self.name)
        return vectors if self.matrix is None else turned(vectors, self.matrix)

    def _inference_model(self) -> Any:
        """Return the model to encode with: where bfloat16 is fast, a copy in it."""
        return self._half.for_inference(self.model, self.device)

    def tokenize(self, texts: Sequence[str], *, max_length: int | None = None) -> list[list[int]]:
        """Return token ids of each text, special tokens included, cut to ``max_length`` and to the encoder's own limit."""
        if not texts:
            return []
        limit = min(max_length or self.settings.max_length, self.settings.max_length)
        return self.tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]

    def pad(self, tokens: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """Return ``input_ids`` and ``attention_mask``, int64, (batch, longest), on the model's device."""
        # A window that is no multiple may end where the model's positions do: then no token beyond the longest text.
        multiple = PAD_TO if self.settings.max_length % PAD_TO == 0 else None
        batch = self.tokenizer.pad(
            {"input_ids": [list(t) for t in tokens]}, padding=True, return_tensors="pt", pad_to_multiple_of=multiple
        )
        return {k: batch[k].to(self.device) for k in ("input_ids", "attention_mask")}
