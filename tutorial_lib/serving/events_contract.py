"""Events: what a page may tell of a search, and the records of both in the User Behavior Insights schema 1.3.

Published at https://o19s.github.io/ubi/schema/1.3.0/query.request.schema.json and …/event.schema.json. Written of a
**query**: ``application``, ``query_id``, ``client_id``, ``user_query``, ``timestamp``, ``query_response_id``,
``query_response_hit_ids`` and ``query_attributes`` (``version``, ``model``, ``k``, ``scores``, ``confidence``, of an
interleaved list ``teams``). Of an **event**: ``application``, ``action_name``, ``query_id``, ``client_id``, ``timestamp``,
``event_attributes`` with ``object.object_id``, ``position.ordinal`` (from 1) and our ``dwell_seconds``; of a ticket
``message_type`` and ``message``.
Not written: ``session_id`` and ``user_id`` (a client is a visit), ``object_id_field``, ``position.xy``.
``data/ubi.py`` reads both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from tutorial_lib.serving.fields import Body, Name
from tutorial_lib.serving.search_contract import SearchRequest, SearchResponse

APPLICATION = "tutorial-lib"
LONGEST_STAY = 86_400.0
"""Seconds; a tablet may lie on a table overnight."""

Id = Annotated[StrictStr, Field(min_length=1, max_length=1000)]
"""Of a document."""


def _needs(action: str, **fields: str) -> dict[str, JsonValue]:
    """Return as JSON Schema that an action needs fields of a type."""
    needed: dict[str, JsonValue] = {name: {"type": kind} for name, kind in fields.items()}
    then: dict[str, JsonValue] = {"required": list(fields), "properties": needed}
    return {"if": {"properties": {"action_name": {"const": action}}}, "then": then}


class EventRequest(Body):
    """What became of a search."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"query_id": "8e1c0f", "action_name": "click", "object_id": "billing/refund"},
            "allOf": [
                _needs("click", object_id="string"),
                _needs("answered", object_id="string"),
                _needs("leave", object_id="string", dwell_seconds="number"),
            ],
        }
    )

    query_id: Name = Field(description="Of the answer to /search.")
    action_name: Literal["click", "leave", "answered", "ticket"] = Field(
        description="A document was opened; closed again; said to answer; a ticket followed."
    )
    object_id: Id | None = Field(
        None, description="The document, one of those that the search has shown; needed but for a ticket."
    )
    dwell_seconds: Annotated[float, Field(ge=0, le=LONGEST_STAY, allow_inf_nan=False)] | None = Field(
        None, description="For how long it was read; needed for leave."
    )
    ticket_id: Name | None = Field(None, description="Of the ticket that followed.")
    client_id: Name | None = Field(None, description="By default that of the search.")


class EventResponse(BaseModel):
    """The event as it is recorded, by the clock of this service."""

    query_id: str
    action_name: str
    object_id: str | None
    position: int | None = Field(description="Where the search has shown it, from 1.")
    timestamp: str


def query_record(
    when: datetime, asked: SearchRequest, answer: SearchResponse, text: str, teams: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the record of a search.

    Args:
        when: When it was answered.
        asked: The request.
        answer: What was shown.
        text: The query without personal data.
        teams: Of an interleaved list: document id -> number of the version that it is of.
    """
    attributes: dict[str, Any] = {
        "version": answer.version,
        "model": answer.model,
        "k": asked.k,
        "scores": [round(hit.score, 4) for hit in answer.results],
        "confidence": [hit.confidence and round(hit.confidence, 4) for hit in answer.results[:1]],
        **({"teams": dict(teams)} if teams else {}),
    }
    return {
        "application": APPLICATION,
        "query_id": answer.query_id,
        **_client(asked.client_id),
        "user_query": text,
        "timestamp": stamp(when),
        "query_response_id": answer.query_id,
        "query_response_hit_ids": [hit.id for hit in answer.results],
        "query_attributes": attributes,
    }


def event_record(when: datetime, asked: EventRequest, position: int | None, client_id: str | None) -> dict[str, Any]:
    """Return the record of an event.

    Args:
        when: When it was told.
        asked: The request.
        position: Of the document from 1; None for a ticket.
        client_id: Whose it is.
    """
    record = {
        "application": APPLICATION,
        "action_name": asked.action_name,
        "query_id": asked.query_id,
        **_client(client_id),
        "timestamp": stamp(when),
    }
    if position is None:
        return record | {"message_type": "TICKET"} | ({"message": asked.ticket_id} if asked.ticket_id else {})
    attributes: dict[str, Any] = {"object": {"object_id": asked.object_id}, "position": {"ordinal": position}}
    if asked.dwell_seconds is not None:
        attributes["dwell_seconds"] = round(asked.dwell_seconds, 3)
    return record | {"event_attributes": attributes}


def stamp(when: datetime) -> str:
    """Return a time in UTC as OpenSearch wants it.

    >>> from datetime import UTC
    >>> stamp(datetime(2026, 1, 2, 3, 4, 5, 678000, UTC))
    '2026-01-02T03:04:05.678Z'
    """
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _client(client_id: str | None) -> dict[str, str]:
    return {"client_id": client_id} if client_id else {}
