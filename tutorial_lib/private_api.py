"""The only place where private names of other libraries are used: a release of theirs that breaks one breaks it here."""

from __future__ import annotations

from typing import Any


def can_choose_attention(model: Any) -> bool:
    """Return whether the attention kernel of a transformers model can be chosen.

    ``set_attn_implementation`` asks the same and warns where the answer is no (MPNet's), which would be each time we encode;
    the question has no public form (transformers 5.0 to 5.23).
    """
    return bool(model._can_set_attn_implementation())


def attention_kernel(model: Any) -> str:
    """Return the attention kernel that a transformers model uses, such as "sdpa".

    There is a public way to set it and none to read it (transformers 5.0 to 5.23).
    """
    return model.config._attn_implementation


def use_lora_layer(config: Any, plain: type, adapted: type) -> None:
    """Let PEFT put ``adapted`` in place of the layers of type ``plain`` that it adapts.

    PEFT documents it for layers of one's own, and has it under a private name (peft 0.19 to 0.21).
    """
    config._register_custom_module({plain: adapted})


def file_of_model(model: str, name: str) -> str | None:
    """Return the path of file ``name`` of a model on the Hub, or None if the model has no such file.

    ``cached_file`` raises without this option, and what it raises is not told apart from a Hub out of reach
    (transformers 5.0 to 5.23).
    """
    from transformers.utils import cached_file

    return cached_file(model, name, _raise_exceptions_for_missing_entries=False)
