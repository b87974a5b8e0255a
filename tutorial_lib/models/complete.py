"""Whether a model that was loaded is one: whole, of one piece with its tokenizer, and turning text into numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import normalizers
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.described import Described
from tutorial_lib.models.settings import ModelError, NotFiniteError

UNLIMITED = 10**9
"""From here on, a number of positions or of tokens stands for "no limit"."""


def check_complete(model: PreTrainedModel, loading: Mapping[str, Iterable[Any]], name: str) -> None:
    """Refuse a model of which transformers had to make up a part, or left out layers; it does so in silence.

    Args:
        model: The model; weights of a pooler that its file lacks are set to zero.
        loading: What transformers says of the loading: names of parameters that are missing, and of those not expected.
        name: The model's name, for the message.

    Raises:
        ModelError: Parameters are missing, or layers are left over.
    """
    missing = set(loading["missing_keys"])
    unused = {k for k in missing if k.startswith("pooler.")}  # never read here; drawn at random, it blurs the fingerprint
    with torch.no_grad():
        for key in unused:
            model.get_parameter(key).zero_()
    lost = sorted(missing - unused)
    if lost:
        raise ModelError(
            f"{name} has no weights for {len(lost)} parameters, first {lost[0]}: the model file is "
            "incomplete or of another kind than config.json says, copy or make it again"
        )
    layers = int(getattr(model.config, "num_hidden_layers", UNLIMITED))
    beyond = sorted(k for k in loading["unexpected_keys"] if any(int(n) >= layers for n in re.findall(r"\.(\d+)\.", str(k))))
    if beyond:
        raise ModelError(
            f"{name} has weights of layers beyond the {layers} of its config.json, first {beyond[0]}: copy it again"
        )


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, name: str) -> None:
    """Refuse a tokenizer that cannot be used with ``model`` as this package uses it.

    Raises:
        ModelError: It has no vocabulary, none of Rust, no token for padding, tokens that the model lacks, or marks tokens by
            numbers that are not passed to the model here.
    """
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise ModelError(
            f"{name} has a tokenizer in Python only ({type(tokenizer).__name__}): pass a model with tokenizer.json"
        )
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(f"{name} has no tokenizer files: pass a folder with tokenizer.json beside model.safetensors")
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{name} has no token for padding: name one as pad_token in tokenizer_config.json")
    table: Any = model.get_input_embeddings()
    rows, highest = table.weight.shape[0], max(tokenizer.get_vocab().values())
    if highest >= rows:
        raise ModelError(
            f"{name}: its tokenizer has token {highest} and the model knows {rows} tokens from 0 on: the two do not belong "
            "together, copy or make the model again"
        )
    if any(tokenizer("a").get("token_type_ids", ())):
        raise ModelError(f"{name}: its tokenizer sets token_type_ids, which is not supported: pass another model")


def positions(model: PreTrainedModel) -> int:
    """Return for how many tokens the model has positions: RoBERTa's kin and MPNet count from behind the padding's index."""
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    limit = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1:  # XLNet says -1
        return UNLIMITED
    return limit - (0 if padding is None else padding + 1)


def window_of(said: Described, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> int:
    """Return how many tokens of a text are read: what the files say, else the tokenizer, and no more than have positions.

    Raises:
        ModelError: Nobody says a number, or it is none.
    """
    window = tokenizer.model_max_length if said.window is None else said.window
    if not isinstance(window, int | float) or window != window or window < 1:
        raise ModelError(f"{name}: tokenizer_config.json sets model_max_length to {window!r}: pass a whole number")
    window = int(min(window, positions(model)))
    if window >= UNLIMITED:
        raise ModelError(f"{name} says nowhere how long a text may be: set model_max_length in tokenizer_config.json")
    if window <= (least := tokenizer.num_special_tokens_to_add()):
        raise ModelError(f"{name} reads {window} tokens of a text, of which {least} are special: pass another model")
    return window


def put_in_lower_case(tokenizer: PreTrainedTokenizerBase) -> None:
    """Let the tokenizer put texts into lower case before anything else, as sentence-transformers' do_lower_case does."""
    own: Any = tokenizer.backend_tokenizer.normalizer
    steps: list[Any] = [*iter(own)] if type(own) is normalizers.Sequence else [own] if own else []
    if not any(isinstance(step, normalizers.Lowercase) for step in steps):
        tokenizer.backend_tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *steps])


def check_output(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """Encode one word, and refuse what does not give a vector a token, of finite numbers.

    Raises:
        ModelError: The model cannot read a text, or what comes out is of another kind.
    """
    inputs = tokenizer("a", return_tensors="pt")
    inputs = {k: inputs[k].to(model.device) for k in ("input_ids", "attention_mask")}
    try:
        with torch.inference_mode():
            hidden = model.eval()(**inputs).last_hidden_state
            fits = hidden.shape == (*inputs["input_ids"].shape, model.config.hidden_size)
    except Exception as error:  # of whatever kind: the architecture is another's
        raise ModelError(f"{name} cannot read a text ({' '.join(str(error).split())[:200]}): pass another model") from error
    if not fits:
        raise ModelError(f"{name} gives no vector of its hidden_size for each token: pass another model")
    if not bool(hidden.isfinite().all()):
        raise ModelError(f"{name} gives vectors that are not finite numbers: its weights are damaged, make the model again")


def check_finite(vectors: NDArray[np.float32], texts: Sequence[str], name: str) -> None:
    """Refuse vectors of ``texts``, (len(texts), D), that are not all finite numbers.

    Raises:
        NotFiniteError: Some are not; the first text is named.
    """
    finite = np.asarray(np.isfinite(vectors).all(axis=1))
    if not finite.all():
        first = int(finite.argmin())
        raise NotFiniteError(
            f"{name} gives no finite vector for {len(finite) - int(finite.sum())} of {len(texts)} texts, first text "
            f"{first} ({texts[first][:40]!r}): its weights are damaged, or its training has diverged"
        )


def check_strings(texts: Sequence[str]) -> None:
    """Refuse texts that are not strings.

    Raises:
        DataError: One is something else.
    """
    wrong = next((n for n, t in enumerate(texts) if not isinstance(t, str)), None)
    if wrong is not None:
        raise DataError(f"text {wrong} is {type(texts[wrong]).__name__}: pass strings")
