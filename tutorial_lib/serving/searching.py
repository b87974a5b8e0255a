"""A search from the request to the answer, and a place for who records what was searched and shown."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import Document
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.serving.batching import Batcher
from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.keywords import DEPTH, Keywords
from tutorial_lib.serving.live import Live, Pair
from tutorial_lib.serving.models import ServedModel
from tutorial_lib.serving.online import interleaved
from tutorial_lib.serving.search_contract import Highlight, Hit, SearchRequest, SearchResponse
from tutorial_lib.serving.snippets import snippet

CLOSE = 0.5
"""Cosine from which on a word of a snippet is marked."""


@dataclass(frozen=True)
class Searched:
    """What was searched and shown, as an event log needs it.

    Attributes:
        when: In UTC.
        asked: The request.
        answer: What it was answered; its ``query_id`` is that of the clicks to come.
        teams: Of an interleaved list: document id -> number of the version that it is of, "1+2" where it is of both.
    """

    when: datetime
    asked: SearchRequest
    answer: SearchResponse
    teams: Mapping[str, str] | None = None


Record = Callable[[Searched], None]
"""Is called after each search, in a thread that may wait; what it raises is logged and fails no search."""


@dataclass(frozen=True)
class Search:
    """Answers questions by the live version of an index.

    Attributes:
        live: Which version that is.
        documents: Document id -> document: what is shown.
        batcher: The thread that models run on.
        seconds: That a query may wait for its vector.
        record: Is told what was searched and shown.
        unrecorded: Is called where that has failed.
        candidate: Number of a version to interleave with the live one.
        keywords: Keyword search that counts too, unless a request says otherwise.
    """

    live: Live
    documents: Mapping[str, Document]
    batcher: Batcher
    seconds: float
    record: Record | None = None
    unrecorded: Callable[[], None] = lambda: None
    candidate: int | None = None
    keywords: Keywords | None = None

    def answer(self, asked: SearchRequest) -> SearchResponse:
        """Return the documents closest to a query, and note them.

        Raises:
            As ``found``.
        """
        answer, teams = self.found(asked), None
        if self.candidate and asked.version is None:
            answer, teams = interleaved(answer, asked, self.candidate, self.found)
        self._note(asked, answer, teams)
        return answer

    def found(self, asked: SearchRequest) -> SearchResponse:
        """Return the documents closest to a query; nobody is told.

        Raises:
            ApiError: There is no such version; it does not say what its scores are worth, and ``min_confidence`` is given; or
                keywords are asked for, and there are none.
            BusyError: Too many wait.
            NotReadyError: No version can answer now.
            TimeoutError: It took too long.
        """
        words = self._keywords(asked)
        depth = max(asked.k, DEPTH) if words else asked.k
        found = self.live.search(lambda model: self.vector(model, asked.query), depth, asked.version)
        best = found.hits
        if words:
            best = words.fused(asked.query, best, self.live.documents_of(found.pair.version), asked.k)
        scores = list(best.values())
        confidence = [None] * len(scores) if words else self._confidence(found.pair, scores, asked.min_confidence)
        enough = asked.min_confidence is None or (confidence[0] or 0.0) >= asked.min_confidence
        hits = [
            self.hit(asked.query, n, document_id, score, worth)
            for n, (document_id, score, worth) in enumerate(zip(best, scores, confidence, strict=True), 1)
            if enough
        ]
        if asked.highlights:
            self._mark(found.pair.model, asked.query, hits)
        version = found.pair.version
        return SearchResponse(
            query_id=asked.query_id or uuid.uuid4().hex,
            version=version.number,
            model=version.fingerprint,
            keywords=bool(words),
            results=hits,
        )

    def _keywords(self, asked: SearchRequest) -> Keywords | None:
        """Return the keyword search that counts for a request, None where none does."""
        if asked.keywords and self.keywords is None:
            said = "this service was started without --keywords: leave keywords out"
            raise ApiError(409, said, param="keywords", code="no_keywords")
        words = None if asked.keywords is False else self.keywords
        if words and asked.min_confidence is not None:
            said = "what a score with keywords is worth is not known: leave min_confidence out, or send keywords as false"
            raise ApiError(409, said, param="min_confidence", code="not_calibrated")
        return words

    def vector(self, model: ServedModel, query: str) -> NDArray[np.float32]:
        """Return the vector of a query by a model: float32, (1, D)."""
        prompted = [model.prompt("query") + query]
        return np.array(self.batcher.submit(model.encoder.encode, prompted).result(self.seconds), dtype=np.float32)

    def _confidence(self, pair: Pair, scores: Sequence[float], wanted: float | None) -> Sequence[float | None]:
        calibration = pair.version.calibration
        if calibration is None and wanted is not None:
            raise ApiError(
                409,
                f"version {pair.version.number} does not say what its scores are worth: leave min_confidence out, or build "
                "it with a calibration",
                param="min_confidence",
                code="not_calibrated",
            )
        return [None] * len(scores) if calibration is None else calibration.confidence(scores).tolist()

    def hit(self, query: str, position: int, document_id: str, score: float, confidence: float | None = None) -> Hit:
        """Return what is shown of a document that was found."""
        document = self.documents.get(document_id)
        return Hit(
            id=document_id,
            position=position,
            title=document.title if document else None,
            snippet=snippet(document.text, query) if document else None,
            score=score,
            confidence=confidence,
        )

    def _mark(self, model: ServedModel, query: str, hits: Sequence[Hit]) -> None:
        """Mark the words of each snippet that come close to the query's."""
        if not isinstance(model.encoder, Encoder):
            said = "this model gives no vectors of tokens: leave highlights out"
            raise ApiError(409, said, param="highlights", code="no_token_vectors")
        shown = [hit for hit in hits if hit.snippet]
        items = [(model.encoder, query, hit.snippet) for hit in shown]
        for hit, words in zip(shown, self.batcher.submit(_closest, items).result(self.seconds), strict=True):
            hit.highlights = words

    def _note(self, asked: SearchRequest, answer: SearchResponse, teams: Mapping[str, str] | None) -> None:
        if self.record is None:
            return
        try:
            self.record(Searched(datetime.now(UTC), asked, answer, teams))
        except Exception:
            self.unrecorded()
            logging.getLogger(__name__).exception("a search was not recorded", extra={"query_id": answer.query_id})


def _closest(items: Sequence[tuple[Encoder, str, str]]) -> list[list[Highlight]]:
    """Return for each (encoder, query, snippet) the words of the snippet that are close to a word of the query."""
    marked = []
    for encoder, query, text in items:
        matches = LateInteraction(encoder, {"": text}).matches(query, "")
        close = {(m.start, m.end): m.cosine for m in sorted(matches, key=lambda m: m.cosine) if m.cosine >= CLOSE}
        marked.append([Highlight(start=a, end=b, cosine=cosine) for (a, b), cosine in sorted(close.items())])
    return marked


def log_query(searched: Searched) -> None:
    """Log what was searched, its text too: for those who have asked for that."""
    answer = searched.answer
    note = {"query_id": answer.query_id, "query": searched.asked.query, "version": answer.version}
    logging.getLogger(__name__).info("searched", extra={**note, "found": [hit.id for hit in answer.results]})
