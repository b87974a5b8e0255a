"""Which documents the last searches have shown: an event is taken of these alone."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from tutorial_lib.serving.errors import ApiError

SEARCHES = 50_000
"""Whose documents are remembered; of an older one no event is taken."""

EVENTS = 100
"""Of one search at most: a flood of them is no visitor."""


@dataclass
class _Shown:
    client_id: str | None
    documents: tuple[str, ...]
    events: int = 0


class Shown:
    """The last searches by their query_id.

    >>> shown = Shown()
    >>> shown.add("q1", "c1", ["billing/refund", "billing/plans"])
    >>> shown.place("q1", "billing/plans")
    2
    """

    def __init__(self, searches: int = SEARCHES, events: int = EVENTS) -> None:
        self._searches: dict[str, _Shown] = {}
        self._lock = threading.Lock()
        self.searches, self.events = searches, events

    def add(self, query_id: str, client_id: str | None, documents: Iterable[str]) -> None:
        """Note a search, as the newest; one that is brought again, a second page say, has shown both."""
        ids = tuple(map(sys.intern, documents))
        with self._lock:
            if before := self._searches.pop(query_id, None):
                ids = tuple(dict.fromkeys((*before.documents, *ids)))
            self._searches[query_id] = _Shown(client_id, ids, before.events if before else 0)
            if len(self._searches) > self.searches:
                del self._searches[next(iter(self._searches))]

    def client_of(self, query_id: str) -> str | None:
        """Return who has searched.

        Raises:
            ApiError: There is no such search.
        """
        return self._of(query_id).client_id

    def place(self, query_id: str, document: str) -> int:
        """Return at which place, from 1, a search has shown a document.

        Raises:
            ApiError: There is no such search, or it has not shown this.
        """
        documents = self._of(query_id).documents
        if document not in documents:
            raise ApiError(
                404,
                f"search {query_id} has shown {len(documents)} documents, and {document!r} is none: send the id of one",
                param="object_id",
                code="object_not_found",
            )
        return documents.index(document) + 1

    def count(self, query_id: str) -> None:
        """Count an event of a search.

        Raises:
            ApiError: There is no such search, or it has too many.
        """
        search = self._of(query_id)
        with self._lock:
            if search.events >= self.events:
                said = f"search {query_id} has {search.events} events, and no visitor has more: search again"
                raise ApiError(429, said, param="query_id", code="too_many_events")
            search.events += 1

    def _of(self, query_id: str) -> _Shown:
        with self._lock:
            found = self._searches.get(query_id)
        if found is None:
            raise ApiError(
                404,
                f"there is no search {query_id} among the last {self.searches:,}: send the query_id of an answer to /search",
                param="query_id",
                code="query_not_found",
            )
        return found
