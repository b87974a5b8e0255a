"""The records: which fields of the published schema they have, of which kind and length."""

from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tutorial_lib.serving.events_contract import EventRequest, event_record, query_record
from tutorial_lib.serving.search_contract import Hit, SearchRequest, SearchResponse

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TEXT = (str, 100)
QUERY_FIELDS = {
    "application": TEXT,
    "query_id": TEXT,
    "client_id": TEXT,
    "user_query": (str, None),
    "timestamp": (str, None),
    "query_response_id": (str, None),
    "query_response_hit_ids": (list, None),
    "query_attributes": (dict, None),
}
EVENT_FIELDS = {
    "application": TEXT,
    "action_name": TEXT,
    "query_id": TEXT,
    "client_id": TEXT,
    "timestamp": (str, None),
    "message_type": TEXT,
    "message": (str, 1024),
    "event_attributes": (dict, None),
}
"""Field -> kind and most characters, as version 1.3.0 has them; of a query user_query is needed, of an event the action and
the time, and where it has attributes a position, and of an object its id."""


def check(record, fields):
    assert record.keys() <= fields.keys()
    for name, value in record.items():
        kind, most = fields[name]
        assert isinstance(value, kind), name
        assert most is None or len(value) <= most, name
    assert datetime.fromisoformat(record["timestamp"]).utcoffset().total_seconds() == 0


@pytest.fixture
def answer():
    hits = [Hit(id=a, position=n, title=a, snippet="", score=0.9 / n, confidence=0.5 / n) for n, a in enumerate("ab", 1)]
    return SearchResponse(query_id="q" * 64, version=3, model="f1", results=hits)


def test_a_query_fits_the_schema(answer):
    record = query_record(WHEN, SearchRequest(query="Maria's refund", client_id="c" * 64), answer, "<PERSON> refund")
    check(record, QUERY_FIELDS)
    assert (record["user_query"], record["query_response_hit_ids"]) == ("<PERSON> refund", ["a", "b"])
    assert record["query_attributes"] == {"version": 3, "model": "f1", "k": 10, "scores": [0.9, 0.45], "confidence": [0.5]}
    assert record["timestamp"] == "2026-01-02T03:04:05.000Z"
    check(query_record(WHEN, SearchRequest(query="refund"), answer, "refund"), QUERY_FIELDS)


def test_an_interleaved_list_says_whose_its_documents_are(answer):
    record = query_record(WHEN, SearchRequest(query="refund"), answer, "refund", {"a": "3", "b": "4"})
    check(record, QUERY_FIELDS)
    assert record["query_attributes"]["teams"] == {"a": "3", "b": "4"}


@pytest.mark.parametrize("action", ["click", "leave", "answered"])
def test_an_event_fits_the_schema(action):
    asked = EventRequest(query_id="q1", action_name=action, object_id="a", dwell_seconds=1.23456)
    record = event_record(WHEN, asked, 2, "c1")
    check(record, EVENT_FIELDS)
    assert record["event_attributes"] == {"object": {"object_id": "a"}, "position": {"ordinal": 2}, "dwell_seconds": 1.235}


def test_a_ticket_has_no_place_on_the_page_and_so_no_attributes():
    record = event_record(WHEN, EventRequest(query_id="q1", action_name="ticket", ticket_id="T-7"), None, None)
    check(record, EVENT_FIELDS)
    assert (record["message_type"], record["message"]) == ("TICKET", "T-7")
    assert "event_attributes" not in record


@pytest.mark.parametrize(
    "wrong",
    [
        {"action_name": "buy"},
        {"query_id": "<b>"},
        {"object_id": ""},
        {"object_id": "a" * 1001},
        {"dwell_seconds": -1},
        {"dwell_seconds": 1e9},
        {"dwell_seconds": float("nan")},
        {"ticket_id": "a b"},
        {"client_id": "maria@example.com"},
        {"timestamp": "2026-01-01"},
    ],
)
def test_what_an_event_cannot_hold_is_refused(wrong):
    with pytest.raises(ValidationError):
        EventRequest(**{"query_id": "q1", "action_name": "click", "object_id": "a", **wrong})


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"action_name": "click", "object_id": "a"}, True),
        ({"action_name": "click"}, False),
        ({"action_name": "answered", "object_id": None}, False),
        ({"action_name": "leave", "object_id": "a"}, False),
        ({"action_name": "leave", "object_id": "a", "dwell_seconds": 1}, True),
        ({"action_name": "ticket"}, True),
    ],
)
def test_the_schema_says_what_each_action_needs(fields, fits):
    schema = Draft202012Validator(EventRequest.model_json_schema())
    assert schema.is_valid({"query_id": "q1", **fields}) == fits
