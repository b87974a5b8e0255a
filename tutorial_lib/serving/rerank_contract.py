"""Reranking: Jina's and Cohere's contract, versions 1 and 2, which differ in little.

https://docs.cohere.com/reference/rerank, https://docs.cohere.com/v1/reference/rerank, https://jina.ai/reranker
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator

from tutorial_lib.serving.errors import HALF_A_PAIR
from tutorial_lib.serving.fields import Body, Count, Text, Whole

Method = Literal["cosine", "late_interaction"]

SPARE = 10
"""Levels of JSON by which a document must stay below what can be written: an answer holds it a few levels deep."""


class RerankV2Request(Body):
    """Documents to order by how well they answer a query; ``method`` is this service's own."""

    model_config = ConfigDict(json_schema_extra={"example": {"query": "refund", "documents": ["Cancel a plan", "Refunds"]}})

    query: Text
    documents: Annotated[list[StrictStr], Field(min_length=1, fail_fast=True)]
    model: StrictStr | None = Field(None, description="One of those that /v1/models names; by default the first.")
    top_n: Count | None = Field(None, description="Documents to return; by default all.")
    max_tokens_per_doc: Count | None = Field(None, description="Read no more of each; by default the model's window.")
    priority: Whole | None = Field(None, description="Taken, and not heeded: who comes first is answered first.")
    method: Method = Field(
        "cosine", description="late_interaction: the mean of the cosine and of ColBERT's MaxSim over the same model's tokens."
    )

    @field_validator("documents")
    @classmethod
    def can_be_read_and_sent_back(cls, documents: list[Any]) -> list[Any]:
        """Refuse what no model reads, and no JSON in UTF-8 holds."""
        for n, document in enumerate(documents):
            if wrong := _unsendable(document):
                raise ValueError(f"documents[{n}]: {wrong}")
        return documents


class RerankRequest(RerankV2Request):
    """Version 1: documents may be objects, and may be sent back."""

    documents: Annotated[list[StrictStr | dict[str, Any]], Field(min_length=1, fail_fast=True)]  # type: ignore[assignment]
    return_documents: StrictBool = False
    rank_fields: Annotated[list[StrictStr], Field(min_length=1)] | None = Field(
        None, description="Fields of documents that are objects, read one below the other; by default text."
    )
    max_chunks_per_doc: Count | None = Field(None, description="Taken, and not heeded: the model's window alone is read.")


class RerankedItem(BaseModel):
    """A document by its place in the request, and how well it answers."""

    index: int
    relevance_score: float = Field(description="(1 + cosine) / 2: 0 to 1, 1 where the two say the same; 0.5 is no relation.")
    document: dict[str, Any] | None = None


class RerankResponse(BaseModel):
    """The documents, best first."""

    id: str
    model: str
    results: list[RerankedItem]
    usage: dict[str, int]
    meta: dict[str, Any]


def _unsendable(document: str | dict[str, Any]) -> str:
    r"""Return in words why a document cannot be written as JSON; empty where it can.

    >>> _unsendable({"text": "refund", "price": float("nan")})
    'it holds NaN or an infinite number, which are no JSON'
    """
    try:
        _written(document).encode()
    except UnicodeEncodeError:
        return HALF_A_PAIR
    except RecursionError:
        return "it is nested too deeply"
    except ValueError:
        return "it holds NaN or an infinite number, which are no JSON"
    return ""


def _written(document: str | dict[str, Any]) -> str:
    """Return the text, or an object as JSON, ``SPARE`` levels deeper than it is."""
    if isinstance(document, str):
        return document
    deeper: Any = document
    for _ in range(SPARE):
        deeper = [deeper]
    return json.dumps(deeper, ensure_ascii=False, allow_nan=False)


def text_of(document: str | Mapping[str, Any], fields: Sequence[str] | None) -> str:
    r"""Return the text of a document that may be an object.

    Raises:
        ValueError: It has none of the fields.

    >>> text_of({"title": "Refunds", "text": "Within 14 days."}, ["title", "text"])
    'Refunds\nWithin 14 days.'
    """
    if isinstance(document, str):
        return document
    found = [document[field] for field in fields or ["text"] if field in document]
    if not found:
        raise ValueError(
            f"it has no {' or '.join(map(repr, fields or ['text']))}: send texts, or name its fields in rank_fields"
        )
    return "\n".join(part if isinstance(part, str) else json.dumps(part) for part in found)


def rerank_body(
    number: str, model: str, scores: Sequence[float], asked: RerankV2Request, tokens: int, version: str
) -> dict[str, Any]:
    """Return the body of a ``RerankResponse``, best first, ties in the order of the request.

    Args:
        number: Of the answer.
        model: The model's name.
        scores: Cosines, -1 to 1, one a document.
        asked: The request.
        tokens: Read in all.
        version: Of the contract, "1" or "2".
    """
    order = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[: asked.top_n]
    results: list[dict[str, Any]] = [{"index": n, "relevance_score": min(1.0, max(0.0, (1 + scores[n]) / 2))} for n in order]
    if isinstance(asked, RerankRequest) and asked.return_documents:
        for result in results:
            document = asked.documents[result["index"]]
            result["document"] = {"text": document} if isinstance(document, str) else document
    meta = {"api_version": {"version": version}, "billed_units": {"search_units": 1}}
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"id": number, "model": model, "results": results, "usage": usage, "meta": meta}
