"""OpenAI's embeddings API, one request at a time; what comes back is checked before anybody uses it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.at_once import pause
from tutorial_lib.http import EndpointError, JsonClient, address, key_in, one_line
from tutorial_lib.models.remote_settings import RemoteSettings


@dataclass(frozen=True)
class Answered:
    """What one request brought.

    Attributes:
        vectors: float32, (texts, D), unit length.
        tokens: As the endpoint counts them; None where it does not say.
        truncated: Texts of which the endpoint says that it read the beginning alone; most endpoints refuse such a text, or do
            not say.
    """

    vectors: NDArray[np.float32]
    tokens: int | None
    truncated: int = 0


class EmbeddingsApi:
    """Sends texts and gives vectors; may be used by many threads at once."""

    def __init__(self, settings: RemoteSettings, *, sleep: Callable[[float], None] = pause) -> None:
        """Take settings; nothing is sent yet.

        Args:
            settings: Which model, where and how.
            sleep: Waits between tries.
        """
        self.settings = settings
        self._client = JsonClient(settings.http, sleep=sleep)

    def ask(self, texts: Sequence[str], fields: Mapping[str, Any]) -> Answered:
        """Return the vectors of ``texts``.

        Args:
            texts: What is sent, at least one text.
            fields: Further fields of the request.

        Raises:
            EndpointError: The endpoint refuses, cannot be reached, or answers what are no such vectors.
        """
        s = self.settings
        body = {"model": s.model, "input": list(texts), "encoding_format": "base64", **fields}
        body |= {} if s.dimensions is None else {"dimensions": s.dimensions}
        key = key_in(s.key)  # none for many a server of one's own
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        reply, _ = self._client.post(f"{s.url}/embeddings", body, headers=headers, secrets=(key,))
        try:
            vectors = vectors_in(reply, len(texts))
            if s.dimensions is not None and vectors.shape[1] != s.dimensions:
                raise EndpointError(
                    f"answered vectors of {vectors.shape[1]} numbers where dimensions={s.dimensions} were wanted"
                )
        except EndpointError as error:
            raise EndpointError(one_line(f"{s.model} at {address(s.url)} {error}", (key,))) from None
        return Answered(vectors, tokens_in(reply), reply["truncated"] if isinstance(reply.get("truncated"), int) else 0)


def vectors_in(reply: Any, texts: int) -> NDArray[np.float32]:
    """Return the vectors of a reply in the order of the texts: float32, (texts, D), unit length.

    Args:
        reply: Decoded JSON in the form of OpenAI's: each vector in base64 (float32, little-endian) or as a list.
        texts: How many were sent, at least 1.

    Raises:
        EndpointError: It holds no vectors, more or fewer than texts, or what is no vector; the message says what the
            endpoint "answered".
    """
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list) or not all(isinstance(d, dict) and {"index", "embedding"} <= set(d) for d in data):
        raise EndpointError(f"answered no embeddings ({json.dumps(reply)[:200]})")
    if len(data) != texts:
        raise EndpointError(f"answered {len(data)} vectors for {texts} texts")
    if {d["index"] for d in data if isinstance(d["index"], int)} != set(range(texts)):
        raise EndpointError(f"answered vectors whose index is not each of 0 to {texts - 1} once")
    rows = [_numbers(d["embedding"]) for d in sorted(data, key=lambda d: d["index"])]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1 or lengths[0] == 0:
        raise EndpointError(f"answered vectors of {' and '.join(map(str, lengths))} numbers")
    return _unit(np.stack(rows))


def tokens_in(reply: Any) -> int | None:
    """Return how many tokens a reply says that it took, or None where it does not say.

    >>> tokens_in({"usage": {"prompt_tokens": 8, "total_tokens": 8}})
    8
    """
    usage = reply.get("usage") if isinstance(reply, dict) else None
    found = [usage.get(name) for name in ("total_tokens", "prompt_tokens")] if isinstance(usage, dict) else []
    return next((n for n in found if isinstance(n, int) and n > 0), None)


def _numbers(embedding: Any) -> NDArray[np.float32]:
    """Return one vector as it was sent."""
    try:
        if isinstance(embedding, str):
            return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4").astype(np.float32)
        with np.errstate(over="ignore"):  # infinity is told below
            row = np.asarray(embedding, dtype=np.float32)
        if row.ndim == 1:
            return row
    except (ValueError, TypeError, OverflowError):
        pass
    raise EndpointError(f"answered what is no vector ({json.dumps(embedding)[:80]})")


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    wrong = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)).ravel())
    if len(wrong):
        what = "zeros" if norms[wrong[0], 0] == 0 else "numbers that are not finite"
        raise EndpointError(f"answered a vector of {what} for {len(wrong)} of {len(vectors)} texts")
    return (vectors / norms).astype(np.float32)
