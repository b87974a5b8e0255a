"""The encoder: texts in, unit vectors out."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import PeftModel
from safetensors import SafetensorError
from tqdm.auto import tqdm
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models import hardware
from tutorial_lib.models.files import one_line, read_json
from tutorial_lib.models.folder import check_complete, read_settings, resolve_model
from tutorial_lib.models.hardware import attend_by, default_device, side_by_side
from tutorial_lib.models.prompts import prompts_are_fixed, stored_prompts
from tutorial_lib.models.settings import DEFAULT_MODEL, POOLINGS, EncoderSettings, ModelError

PAD_TO = 16
"""Batches are padded to a multiple of this: the CPU kernels keep a buffer for every width they have met."""


class Encoder:
    """A transformer encoder with its tokenizer and settings; vectors have unit length, so dot products are cosines.

    Reference: Reimers and Gurevych 2019, "Sentence-BERT", arXiv:1908.10084.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: EncoderSettings, name: str
    ) -> None:
        """Wrap a loaded model; most callers want ``Encoder.load``."""
        if settings.pooling not in POOLINGS:
            raise ModelError(f"{name}: pooling {settings.pooling!r} is not supported: {', '.join(POOLINGS)} are")
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.settings = settings
        self.name = name
        # For the fingerprint, as loaded: encoding leaves its window and padding behind in the tokenizer.
        self._tokenizer_as_loaded = tokenizer.backend_tokenizer.to_str()
        self._bf16_copy: tuple[Any, Any] = (None, None)

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
        encoder = cls._load(model, device)
        encoder._set_prompts(query_prompt, document_prompt)
        return encoder

    @classmethod
    def _load(cls, model: str | Path, device: torch.device | None) -> Encoder:
        folder = resolve_model(model)
        if (Path(folder) / "adapter_config.json").exists():
            return cls._load_adapter(Path(folder), str(model), device)
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
        return cls(transformer.to(device or default_device()), tokenizer, read_settings(folder, transformer), str(model))

    @classmethod
    def _load_adapter(cls, folder: Path, name: str, device: torch.device | None) -> Encoder:
        base_name = read_json(folder, "adapter_config.json").get("base_model_name_or_path")
        weights = folder / "adapter_model.safetensors"  # PEFT itself would take a pickle in its place
        if not base_name or not weights.is_file():
            fault = f"{weights.name} is missing" if base_name else "adapter_config.json names no base model"
            raise ModelError(f"{folder} is no complete adapter: {fault}; train it again, or pass a merged model")
        base = cls._load(base_name, device)
        try:
            tuned = PeftModel.from_pretrained(base.model, str(folder)).merge_and_unload()
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"{folder} does not fit {base_name}, or is damaged: {one_line(error)} — train it "
                "again, or pass a merged model"
            ) from error
        stored = stored_prompts(folder)
        if stored is not None:  # it may have been trained with prompts that the base does not name
            base.settings = replace(base.settings, query_prompt=stored[0], document_prompt=stored[1])
        return cls(tuned, base.tokenizer, base.settings, name)

    def _set_prompts(self, query: str | None, document: str | None) -> None:
        own = (self.settings.query_prompt, self.settings.document_prompt)
        asked = (own[0] if query is None else query, own[1] if document is None else document)
        if asked != own and prompts_are_fixed(resolve_model(self.name)):
            raise ModelError(
                f"{self.name} was trained with the prompts {own[0]!r} (query) and {own[1]!r} (document), asked "
                f"for are {asked[0]!r} and {asked[1]!r}: vectors of other prompts do not fit it, leave them out"
            )
        self.settings = replace(self.settings, query_prompt=asked[0], document_prompt=asked[1])

    def changed(self) -> None:
        """Forget what was worked out from the weights; to be called when they were changed in place."""
        self.__dict__.pop("fingerprint", None)
        self._bf16_copy = (None, None)
        for module in self.model.modules():
            if hasattr(module, "_merged"):  # lora.MergedLinear's effective weight
                module._merged = None

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
        """Within the block, as in a pause of training: no dropout, the attention kernel that is fastest forward."""
        before, training = self.model.config._attn_implementation, self.model.training
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
        digest = hashlib.sha256(json.dumps(vars(self.settings), sort_keys=True).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        digest.update(self._tokenizer_as_loaded.encode())
        return digest.hexdigest()[:16]

    def encode_queries(self, texts: Sequence[str], **options: Any) -> NDArray[np.float32]:
        """Return query vectors: float32, (len(texts), D), unit length. Options as in ``encode``."""
        return self.encode([self.settings.query_prompt + t for t in texts], **options)

    def encode_documents(self, texts: Sequence[str], **options: Any) -> NDArray[np.float32]:
        """Return article vectors: float32, (len(texts), D), unit length. Options as in ``encode``."""
        return self.encode([self.settings.document_prompt + t for t in texts], **options)

    def encode(self, texts: Sequence[str], *, token_budget: int | None = None, label: str = "encode") -> NDArray[np.float32]:
        """Return one unit vector a text: float32, (len(texts), D).

        Texts are sorted by length and cut into batches of at most ``token_budget`` tokens (by default 2,048 on a CPU,
        where small batches stay in its cache, and 65,536 on a GPU), so that short texts are not padded to the longest
        one. In bfloat16 where the processor has units for it (cosine to float32 above 0.999).

        Raises:
            DataError: A text is not a string.
        """
        wrong = next((n for n, t in enumerate(texts) if not isinstance(t, str)), None)
        if wrong is not None:
            raise DataError(f"text {wrong} is {type(texts[wrong]).__name__}: pass strings")
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
        return vectors

    def _inference_model(self) -> Any:
        """Return the model to encode with: where bfloat16 is fast a copy in it, made anew when the weights have changed."""
        parameters = list(self.model.parameters())
        in_training = any(p.dtype == torch.bfloat16 for p in parameters)
        if in_training or not hardware.bf16_is_fast(self.device):
            return self.model
        # Changes in place, by an optimizer or a checkpoint, raise a tensor's version.
        state = (id(self.model), sum(p._version for p in parameters))
        if self._bf16_copy[0] != state:
            with torch.inference_mode(False), torch.no_grad():
                half = copy.deepcopy(self.model).eval()
                for parameter in half.parameters():  # not the buffers: rotary frequencies must stay exact
                    parameter.data = parameter.data.to(torch.bfloat16)
            attend_by(half, "sdpa")
            self._bf16_copy = (state, half)
        return self._bf16_copy[1]

    def tokenize(self, texts: Sequence[str], *, max_length: int | None = None) -> list[list[int]]:
        """Return token ids of each text, cut to ``max_length`` (and to the encoder's own limit)."""
        if not texts:
            return []
        limit = min(max_length or self.settings.max_length, self.settings.max_length)
        return self.tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]

    def pad(self, tokens: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        """Return ``input_ids`` and ``attention_mask`` of shape (batch, longest) on the model's device."""
        # A window that is no multiple may end where the model's positions do: then no token beyond the longest text.
        multiple = PAD_TO if self.settings.max_length % PAD_TO == 0 else None
        batch = self.tokenizer.pad(
            {"input_ids": [list(t) for t in tokens]}, padding=True, return_tensors="pt", pad_to_multiple_of=multiple
        )
        return {k: batch[k].to(self.device) for k in ("input_ids", "attention_mask")}


def length_batches(lengths: Sequence[int], token_budget: int) -> list[list[int]]:
    """Return positions grouped into batches, longest first, whose padded size stays within ``token_budget`` tokens."""
    batches: list[list[int]] = []
    width = 0
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if not batches or (len(batches[-1]) + 1) * width > token_budget:
            batches.append([])
            width = -(-max(1, lengths[n]) // PAD_TO) * PAD_TO
        batches[-1].append(n)
    return batches


def pooled(model: Any, inputs: dict[str, torch.Tensor], pooling: str) -> torch.Tensor:
    """Return one unit vector a row of ``inputs``: float32, (batch, D)."""
    hidden = model(**inputs).last_hidden_state.float()  # (batch, tokens, D)
    mask = inputs["attention_mask"]
    if pooling == "cls":
        vectors = hidden[:, 0]
    elif pooling == "lasttoken":
        last = mask.shape[1] - 1 - mask.flip(1).argmax(1)  # right- and left-padded alike
        vectors = hidden[torch.arange(len(hidden), device=hidden.device), last]
    else:
        weights = mask.unsqueeze(-1).float()
        vectors = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    return torch.nn.functional.normalize(vectors, dim=1)
