"""Search: what is asked for, and what is answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from tutorial_lib.serving.fields import Body, Count, Name, Text, UpTo100


class SearchRequest(Body):
    """A question to the help centre."""

    model_config = ConfigDict(json_schema_extra={"example": {"query": "refund for annual plan", "k": 5}})

    query: Text
    k: UpTo100 = Field(10, description="Documents to return.")
    min_confidence: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = Field(
        None, description="Where the first document is less likely to answer than this, none is returned."
    )
    highlights: StrictBool = Field(False, description="Whether to mark in each snippet the words closest to the query's.")
    keywords: StrictBool | None = Field(
        None, description="Whether keyword search counts too; by default wherever the service was started with it."
    )
    version: Count | None = Field(None, description="By default the live one.")
    query_id: Name | None = Field(None, description="By default a new one.")
    client_id: Name | None = Field(None, description="Who asks, by a name that says nothing of them.")


class Highlight(BaseModel):
    """A word of a snippet that comes close to one of the query, by the model's own token vectors."""

    start: int = Field(description="Its first letter in the snippet, from 0.")
    end: int = Field(description="The letter behind its last.")
    cosine: float


class Hit(BaseModel):
    """A document that was found. Title and snippet are plain text, to be escaped by who shows them."""

    id: str
    position: int = Field(description="From 1.")
    title: str | None = Field(description="null where the index holds a document that this service has no text of.")
    snippet: str | None
    score: float = Field(
        description="Cosine, -1 to 1: two of one model can be compared. With keywords both fused, 0 to 1: two of one query."
    )
    confidence: float | None = Field(
        description="How likely a first document with this score answers, 0 to 1; null with keywords, and where the version "
        "was not calibrated."
    )
    highlights: list[Highlight] = []


class SearchResponse(BaseModel):
    """The documents closest to a query, best first; all of one version, scored by its own model."""

    query_id: str
    version: int
    model: str = Field(description="Fingerprint of the model that the version was made with.")
    keywords: bool = Field(False, description="Whether keyword search has counted.")
    results: list[Hit]


class DocumentText(BaseModel):
    """A document: plain text, to be escaped by who shows it."""

    id: str
    title: str
    text: str
