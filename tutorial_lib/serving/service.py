"""What the routes work with: the models, the thread that they run on, limits, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from tutorial_lib.data.dataset import Document
from tutorial_lib.serving.batching import Batcher, BusyError, Work
from tutorial_lib.serving.comparing import BaseSearch, CompareRequest, CompareResponse
from tutorial_lib.serving.errors import ApiError, NotReadyError
from tutorial_lib.serving.event_log import EventLog
from tutorial_lib.serving.events_contract import EventRequest, EventResponse
from tutorial_lib.serving.keys import Keys
from tutorial_lib.serving.keywords import Keywords
from tutorial_lib.serving.limits import Limits, check_number, check_texts
from tutorial_lib.serving.live import Live
from tutorial_lib.serving.metrics import Metrics
from tutorial_lib.serving.models import Models, ServedModel
from tutorial_lib.serving.openai_contract import EmbeddingsRequest, embeddings_body
from tutorial_lib.serving.search_contract import SearchRequest, SearchResponse
from tutorial_lib.serving.searching import Record, Search, Searched

Answer = TypeVar("Answer")

SEARCHING = 64
"""Searches that are answered at the same time; their queries are encoded together."""

SEARCHES_WAITING = 512
"""Searches that may wait or be answered."""


@dataclass
class Service:
    """A service without its HTTP.

    Attributes:
        models: Those that are served.
        limits: Of requests.
        keys: Of which a request must bring one.
        hosts: Names that the service may be called by; "*" for any.
        metrics: What is counted.
        live: The index that is searched, if there is one.
        documents: Document id -> document: what a search shows.
        record: Is told what was searched and shown.
        events: Records the same, and what becomes of it.
        base: Searches by the base model, to compare.
        candidate: Number of a version that searches interleave with the live one.
        keywords: Keyword search that counts beside the vectors.
    """

    models: Models
    limits: Limits = field(default_factory=Limits)
    keys: Keys = field(default_factory=Keys)
    hosts: Sequence[str] = ("*",)
    metrics: Metrics = field(default_factory=Metrics)
    live: Live | None = None
    documents: Mapping[str, Document] = field(default_factory=dict)
    record: Record | None = None
    events: EventLog | None = None
    base: BaseSearch | None = None
    candidate: int | None = None
    keywords: Keywords | None = None

    def __post_init__(self) -> None:
        """Start the thread that the models run on."""
        limits, live = self.limits, self.live
        self.batcher = Batcher(batch=limits.batch, waiting=limits.waiting, observe=self.metrics.batch.observe)
        self.metrics.watch(lambda: self.batcher.waiting, lambda: live.number if live else 0)
        self._searching = ThreadPoolExecutor(SEARCHING, "search")
        told = (self._record, self.metrics.unrecorded.inc, self.candidate, self.keywords)
        self._searches = Search(live, self.documents, self.batcher, limits.seconds, *told) if live else None
        self._asked = 0

    def start(self) -> None:
        """Begin to follow the index, and to record."""
        if self.events:
            self.events.start(self.metrics.unrecorded.inc)
        if self.live:
            self.live.start()

    def close(self) -> None:
        """Answer what waits, and stop."""
        self._searching.shutdown(cancel_futures=True)
        self.batcher.close()
        if self.live:
            self.live.close()
        if self.events:
            self.events.close()

    def _record(self, searched: Searched) -> None:
        for record in (self.record, self.events):
            if record:
                record(searched)

    async def search(self, asked: SearchRequest) -> SearchResponse:
        """Return the documents closest to a query.

        Raises:
            ApiError: The query is too long, or as ``Search.answer``.
            BusyError: Too many wait.
            NotReadyError: There is no index, or it cannot answer now.
            TimeoutError: It took too long.
        """
        return await self._searched(asked.query, lambda searches: searches.answer(asked))

    async def compare(self, asked: CompareRequest) -> CompareResponse:
        """Return what the live version and the base model find.

        Raises:
            ApiError: There are no vectors of the base model, or as ``search``.
            BusyError: Too many wait.
            NotReadyError: There is no index, or it cannot answer now.
            TimeoutError: It took too long.
        """
        base = self.base
        if base is None:
            said = "there is nothing to compare with: this run holds no vectors of its base model (base_vectors)"
            raise ApiError(409, said, code="no_base_vectors")
        return await self._searched(asked.query, lambda searches: base.compared(searches, asked))

    async def _searched(self, query: str, find: Callable[[Search], Answer]) -> Answer:
        """Return what ``find`` does, in a thread, in time."""
        searches = self._searches
        if searches is None:
            raise NotReadyError("this service has no index to search")
        check_texts([query], self.limits.query_characters, "query")
        if self._asked >= SEARCHES_WAITING:
            raise BusyError(self._asked, 1.0)
        self._asked += 1  # counted on the event loop alone
        try:
            loop, seconds = asyncio.get_running_loop(), self.limits.seconds
            return await asyncio.wait_for(loop.run_in_executor(self._searching, find, searches), seconds)
        finally:
            self._asked -= 1

    def event(self, asked: EventRequest) -> EventResponse:
        """Record what became of a search.

        Raises:
            ApiError: Nothing is recorded here, or the event cannot be.
            BusyError: Too many wait to be written.
        """
        if self.events is None:
            raise ApiError(409, "this service records no events", code="not_recorded")
        return self.events.event(asked)

    def document(self, document_id: str) -> Document:
        """Return a document.

        Raises:
            ApiError: There is none of this id.
        """
        if document_id not in self.documents:
            raise ApiError(404, f"there is no document {document_id!r} here", param="id", code="document_not_found")
        return self.documents[document_id]

    def ready(self) -> dict[str, Any]:
        """Return which version answers.

        Raises:
            NotReadyError: None can.
        """
        if self.live is None:
            return {"status": "ready", "version": None, "model": None}
        version = self.live.pair().version
        return {"status": "ready", "version": version.number, "model": version.fingerprint}

    async def encoded(self, work: Work, items: Sequence[Any]) -> list[Any]:
        """Return what ``work`` gives for each item, worked on together with those of other requests, in time.

        Raises:
            BusyError: Too many wait.
            TimeoutError: It took too long.
        """
        return await self.batcher.run(work, items, self.limits.seconds)

    async def embeddings(self, asked: EmbeddingsRequest) -> dict[str, Any]:
        """Return the body of an answer to a request for embeddings.

        Raises:
            ApiError: It asks for too much, for a model that is not there, or for vectors that it does not have.
            BusyError: Too many wait.
            TimeoutError: It took too long.
        """
        model, texts = self.models.get(asked.model), asked.texts
        check_number(len(texts), self.limits.inputs, "input", "texts")
        check_texts(texts, self.limits.characters, "input")
        model.check_size(asked.dimensions)
        prompted = [model.prompt(asked.input_type) + text for text in texts]
        counts = await asyncio.to_thread(model.count_tokens, prompted)
        long = self.check_tokens(model, counts, cut=asked.truncate)
        vectors = np.array(await self.encoded(model.encoder.encode, prompted), dtype=np.float32)
        vectors = model.cut(vectors, asked.dimensions)
        return await asyncio.to_thread(embeddings_body, vectors, asked.model, asked.encoding_format, sum(counts), long)

    def check_tokens(self, model: ServedModel, counts: Sequence[int], *, cut: bool, param: str = "input") -> int:
        """Return how many texts are longer than the model's window.

        Args:
            model: That is to read them.
            counts: Tokens of each text.
            cut: Whether such texts are cut, or refused.
            param: The field that holds them.

        Raises:
            ApiError: They are refused, or all texts together have too many tokens.
        """
        check_number(sum(counts), self.limits.tokens, param, "tokens")
        long = [n for n, count in enumerate(counts) if count > model.window]
        if long and not cut:
            raise ApiError(
                400,
                f"{param}[{long[0]}] has {counts[long[0]]:,} tokens, and {model.name!r} reads {model.window}: send shorter "
                "texts, or leave out truncate=false",
                param=param,
                code="context_length_exceeded",
            )
        return len(long)
