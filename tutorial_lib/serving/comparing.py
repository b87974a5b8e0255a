"""The live version beside the base model, for those who want to see what tuning has changed; nothing of it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tutorial_lib.retrieval.dense import exact_search
from tutorial_lib.serving.fields import Body, Text, UpTo100
from tutorial_lib.serving.models import ServedModel
from tutorial_lib.serving.search_contract import Hit, SearchRequest
from tutorial_lib.serving.searching import Search


class CompareRequest(Body):
    """A question to both."""

    model_config = ConfigDict(json_schema_extra={"example": {"query": "refund for annual plan", "k": 5}})

    query: Text
    k: UpTo100 = 10


class CompareResponse(BaseModel):
    """What each finds, best first; scores of two models do not compare."""

    version: int
    live: list[Hit]
    base: list[Hit]


@dataclass(frozen=True)
class BaseSearch:
    """Exact search with the base model of the run.

    Attributes:
        model: The base model.
        ids: Document ids in ascending order, length N.
        vectors: Of the documents by this model: float32, (N, D), unit length.
    """

    model: ServedModel
    ids: Sequence[str]
    vectors: NDArray[np.float32]

    def compared(self, search: Search, asked: CompareRequest) -> CompareResponse:
        """Return what the live version and the base model find.

        Raises:
            As ``Search.found``.
        """
        live = search.found(SearchRequest.model_validate({"query": asked.query, "k": asked.k}))
        vector = search.vector(self.model, asked.query)
        found = exact_search([""], vector, self.ids, self.vectors, k=asked.k)[""]
        base = [search.hit(asked.query, n, document_id, score) for n, (document_id, score) in enumerate(found.items(), 1)]
        return CompareResponse(version=live.version, live=live.results, base=base)
