"""OpenAI's embeddings: what is asked for, and what is answered.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator

from tutorial_lib.serving.fields import Body, Count, Text


class EmbeddingsRequest(Body):
    """Texts to turn into vectors; ``input_type`` and ``truncate`` are this service's own."""

    model_config = ConfigDict(json_schema_extra={"example": {"model": "tuned", "input": "refund"}})

    model: Text = Field(description="One of those that /v1/models names.")
    input: Text | Annotated[list[Text], Field(min_length=1)] = Field(description="A text, or a list of texts.")
    encoding_format: Literal["float", "base64"] = Field("float", description="base64: float32, little-endian.")
    dimensions: Count | None = Field(None, description="One of the model's sizes (/v1/models).")
    user: StrictStr | None = Field(None, description="Taken, and not kept.")
    input_type: Literal["text", "query", "document"] = Field(
        "text", description="text: as it is. query, document: behind the prompt that the model was trained with, if any."
    )
    truncate: StrictBool = Field(True, description="Whether a text longer than the model's window is cut, or refused.")

    @field_validator("input", mode="before")
    @classmethod
    def no_tokens(cls, value: Any) -> Any:
        """Refuse what is neither a text nor a list of texts, with a word for those who send tokens."""
        if isinstance(value, str):
            texts = [value]
        elif isinstance(value, list):
            texts = value
        else:
            raise ValueError(f"input is {_called(value)}: send a text or a list of texts")
        if not texts:
            raise ValueError("input is an empty list: send at least one text")
        for n, text in enumerate(texts):
            if isinstance(text, int | list) and not isinstance(text, bool):
                raise ValueError(
                    "input holds token numbers, which are another tokenizer's: send texts (LangChain: "
                    "OpenAIEmbeddings(check_embedding_ctx_length=False))"
                )
            if not isinstance(text, str):
                raise ValueError(f"input[{n}] is {_called(text)}: send texts")
            if not text:
                raise ValueError("input is an empty text" if texts is not value else f"input[{n}] is an empty text")
        return value

    @property
    def texts(self) -> list[str]:
        """The texts, one or more."""
        return [self.input] if isinstance(self.input, str) else self.input


class EmbeddingItem(BaseModel):
    """The vector of one text."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(description="Numbers, or their bytes as float32 in base64; unit length.")


class Usage(BaseModel):
    """Tokens of all texts, special ones included; beyond the window they are counted too."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsResponse(BaseModel):
    """One vector a text, in their order; ``truncated`` is this service's own."""

    object: Literal["list"] = "list"
    data: list[EmbeddingItem]
    model: str
    usage: Usage
    truncated: int = Field(description="Texts that were longer than the model's window, of which the rest was not read.")


class ModelItem(BaseModel):
    """A model; ``fingerprint``, ``dimensions`` and ``window`` are this service's own."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "tutorial-lib"
    fingerprint: str = Field(description="Equal for two models only if they give the same vectors.")
    dimensions: list[int] = Field(description="Lengths that vectors may have, the whole one last.")
    window: int = Field(description="Tokens of a text that are read.")


class ModelsResponse(BaseModel):
    """The models that requests may name."""

    object: Literal["list"] = "list"
    data: list[ModelItem]


def embeddings_body(
    vectors: NDArray[np.float32], model: str, encoding_format: str, tokens: int, truncated: int
) -> dict[str, Any]:
    """Return the body of an ``EmbeddingsResponse`` as JSON can hold it.

    Args:
        vectors: float32, (N, D).
        model: As the request named it.
        encoding_format: "float" or "base64".
        tokens: Of all texts.
        truncated: Texts that were cut.
    """
    rows: Sequence[Any] = [in_base64(row) for row in vectors] if encoding_format == "base64" else vectors.tolist()
    data = [{"object": "embedding", "index": n, "embedding": row} for n, row in enumerate(rows)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage, "truncated": truncated}


def in_base64(vector: NDArray[np.float32]) -> str:
    """Return the bytes of a vector, float32 and little-endian on every machine.

    >>> in_base64(np.float32([1, 0]))
    'AACAPwAAAAA='
    """
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()


def _called(value: Any) -> str:
    kinds = {type(None): "null", bool: "a truth value", dict: "an object", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "something else")
