"""A hosted embedding model as an encoder: what it costs is told before it is spent, and what was paid for is kept."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.at_once import at_once, pause
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.embeddings_api import EmbeddingsApi
from tutorial_lib.models.remote_settings import RemoteSettings
from tutorial_lib.models.remote_texts import ByBytes, CountsTokens, requests, sendable
from tutorial_lib.models.vector_cache import VectorCache

CACHE = "vectors.sqlite"
"""In the folder of kept vectors."""


@dataclass(frozen=True)
class Estimate:
    """What vectors would cost, before they are asked for.

    Attributes:
        texts: Texts given.
        new: Different ones among them whose vectors are not kept yet.
        tokens: Tokens of these.
        cost: Money for them.
        counted_by: Which tokenizer counted.
    """

    texts: int
    new: int
    tokens: int
    cost: float
    counted_by: str


class RemoteEncoder:
    """A ``TextEncoder`` over HTTP, behind any endpoint that speaks as OpenAI's embeddings do.

    A vector is kept under a hash of all that decides it: address, model, dimensions, further fields, prompt and text. What
    broke off goes on from there, and what was paid for is not asked for again. That a provider changes what stands behind
    a name cannot be seen from here: a new length of its vectors alone is noticed.

    Attributes:
        settings: Which model, where and how.
        count: What counts tokens before they are sent.
        tokens: Tokens that were asked for so far, as the endpoint counts them; where it does not, as ``count`` does.
        truncated: Texts of which the endpoint said so far that it read the beginning alone.
    """

    def __init__(
        self,
        settings: RemoteSettings,
        cache: Path | None = None,
        *,
        count: CountsTokens | None = None,
        sleep: Callable[[float], None] = pause,
    ) -> None:
        """Take settings; nothing is sent yet.

        Args:
            settings: Which model, where and how.
            cache: Folder of kept vectors, made if need be; without it none is kept.
            count: Counts as the model's own tokenizer does; by default tokens are estimated (``ByBytes``).
            sleep: Waits between tries.
        """
        self.settings = settings
        self.count = count or ByBytes()
        self.tokens = self.truncated = 0
        self._kept = VectorCache(cache / CACHE) if cache else None
        self._api = EmbeddingsApi(settings, sleep=sleep)
        self._length = settings.dimensions
        self._said: set[str] = set()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.settings.model

    @property
    def fingerprint(self) -> str:
        """Hash of all that is known to decide a vector."""
        s = self.settings
        sides = [s.query_prompt, dict(s.query_fields), s.document_prompt, dict(s.document_fields)]
        return _hash([s.url, s.model, s.dimensions, *sides, s.max_tokens, self.count.name])[:16]

    @property
    def dimension(self) -> int:
        """Length D of a vector; where nobody has said so yet, the endpoint is asked for one.

        Raises:
            EndpointError: As ``encode_queries``.
        """
        if self._length is None:
            return self.encode_queries(["How long is a vector?"]).shape[1]
        return self._length

    @property
    def spent(self) -> float:
        """Money for the tokens that were asked for so far."""
        return self.settings.cost(self.tokens)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of queries, put behind their prompt: float32, (len(texts), D), unit length.

        Raises:
            DataError: A text is no string, empty or too long; or the vectors would cost more than may be spent.
            EndpointError: The endpoint refuses, cannot be reached, or answers what are no vectors; what it answered before
                is kept.
        """
        return self._encode(texts, self.settings.query_prompt, self.settings.query_fields)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of documents, put behind their prompt: float32, (len(texts), D), unit length.

        What is raised is as of ``encode_queries``.
        """
        return self._encode(texts, self.settings.document_prompt, self.settings.document_fields)

    def estimate(self, *, queries: Sequence[str] = (), documents: Sequence[str] = ()) -> Estimate:
        """Return what the vectors of these texts would cost; nothing is sent.

        Raises:
            DataError: A text is no string, empty or too long.
        """
        s = self.settings
        wanted = dict(self._keyed(queries, s.query_prompt, s.query_fields))
        wanted |= dict(self._keyed(documents, s.document_prompt, s.document_fields))
        return self._estimate(len(queries) + len(documents), self._new(wanted, self._find(wanted)))

    def check_cost(self, estimate: Estimate) -> None:
        """Refuse what would cost, with what was spent before, more than may be spent.

        Raises:
            DataError: It would.
        """
        s = self.settings
        if self.spent + estimate.cost > s.max_cost:
            before = f", beside {self.spent:.4g} spent already" if self.spent else ""
            raise DataError(
                f"{s.model} would cost about {estimate.cost:.4g}{before}: {estimate.tokens:,} tokens "
                f"({estimate.counted_by}) of {estimate.new:,} texts not kept yet, at {s.price:g} a million; max_cost is "
                f"{s.max_cost:g}: pass more, or fewer texts"
            )

    # --- from texts to vectors ----------------------------------------------------------------------------------------

    def _encode(self, texts: Sequence[str], prompt: str, fields: Mapping[str, Any]) -> NDArray[np.float32]:
        keyed = self._keyed(texts, prompt, fields)
        if not keyed:
            return np.zeros((0, self.dimension), dtype=np.float32)
        found = self._find(dict(keyed))
        new = self._new(dict(keyed), found)
        self.check_cost(self._estimate(len(texts), new))
        keys, tokens = list(new), [self.count(text) for text in new.values()]
        batches = [{keys[n]: new[keys[n]] for n in batch} for batch in requests(tokens, self.settings)]
        ask, truncated = partial(self._ask, fields=fields), self.truncated
        workers, label = self.settings.workers, f"vectors of {self.name}"
        for answered in at_once(ask, batches, workers=workers, label=label, unit="text", size=len):
            found |= answered
        if self.truncated > truncated:
            self._say(f"{self.name} read the beginning alone of {self.truncated - truncated:,} of {len(new):,} texts")
        return np.stack([found[key] for key, _ in keyed])

    def _keyed(self, texts: Sequence[str], prompt: str, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return each text as it is sent, behind the key that its vector is kept under."""
        s = self.settings
        sent, note = sendable(texts, prompt, s, self.count)
        if note:
            self._say(note)
        return [(_hash([s.url, s.model, s.dimensions, dict(fields), text]), text) for text in sent]

    def _say(self, note: str) -> None:
        """Say what was done to texts, once."""
        if note not in self._said:
            self._said.add(note)
            print(f"note: {note}", file=sys.stderr, flush=True)  # noqa: T201

    def _find(self, wanted: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
        found = self._kept.find(list(wanted)) if self._kept else {}
        for vector in found.values():
            self._check_length(vector)
        return found

    @staticmethod
    def _new(wanted: Mapping[str, str], found: Mapping[str, Any]) -> dict[str, str]:
        return {key: text for key, text in wanted.items() if key not in found}

    def _estimate(self, texts: int, new: Mapping[str, str]) -> Estimate:
        tokens = sum(map(self.count, new.values()))
        return Estimate(texts, len(new), tokens, self.settings.cost(tokens), self.count.name)

    def _ask(self, batch: Mapping[str, str], fields: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of one request's texts by key, kept before anything else is done with them."""
        if self.spent > self.settings.max_cost:  # the estimate was too low
            raise DataError(
                f"{self.name} has cost {self.spent:.4g} by now, more than was estimated, and max_cost is "
                f"{self.settings.max_cost:g}: pass more to go on; what was paid for is kept"
            )
        reply = self._api.ask(list(batch.values()), fields)
        with self._lock:
            self.tokens += sum(map(self.count, batch.values())) if reply.tokens is None else reply.tokens
            self.truncated += reply.truncated
            self._check_length(reply.vectors[0])
        answered = dict(zip(batch, reply.vectors, strict=True))
        if self._kept:
            self._kept.keep(answered)
        return answered

    def _check_length(self, vector: NDArray[np.float32]) -> None:
        self._length = self._length or len(vector)
        if len(vector) != self._length:
            raise DataError(
                f"{self.name} gives vectors of {len(vector)} numbers and of {self._length}: another model answers under its "
                "name now, keep its vectors in another folder"
            )


def _hash(parts: Sequence[Any]) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
