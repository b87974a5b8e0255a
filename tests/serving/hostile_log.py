"""What may lie in a log of searches that others have written, or whose clock went astray: name -> a line, as bytes."""

import json

from tests.serving.hostile import SCRIPT

GOOD = {
    "application": "tutorial-lib",
    "query_id": "good",
    "client_id": "c1",
    "user_query": "refund",
    "timestamp": "2026-01-02T03:04:05.678Z",
    "query_response_id": "good",
    "query_response_hit_ids": ["refund", "router"],
    "query_attributes": {"version": 1, "teams": {"refund": "1", "router": "2"}},
}
CLICK = {
    "application": "tutorial-lib",
    "action_name": "click",
    "query_id": "good",
    "timestamp": "2026-01-02T03:04:09.000Z",
    "event_attributes": {"object": {"object_id": "router"}, "position": {"ordinal": 2}, "dwell_seconds": 60.0},
}


def _query(**changes):
    return json.dumps({**GOOD, "query_id": "bad", **changes}).encode()


def _click(**changes):
    return json.dumps({**CLICK, **changes}).encode()


def _stay(**changes):
    return _click(event_attributes={**CLICK["event_attributes"], **changes})


def _deep(depth):
    return b'{"query_id": "bad", "user_query": "refund", "x": ' + b"[" * depth + b"]" * depth + b"}"


TIMES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "-271821-04-20", "yesterday", SCRIPT, 1e308, -1e18, 10**30, True]
LINES = {
    "the search of another index": _query(query_response_hit_ids=["other/article", "other/page"]),
    **{f"a search at {when!r:.40}": _query(timestamp=when) for when in TIMES},
    **{f"a click at {when!r:.40}": _click(timestamp=when) for when in TIMES},
    "a search at NaN": _query(timestamp=float("nan")),
    "a time that is an object": _query(timestamp={"$date": 1}),
    "a click before its search": _click(timestamp="2026-01-01T00:00:00Z"),
    "a click a thousand years after": _click(timestamp="3026-01-01T00:00:00Z"),
    "a click of no search": _click(query_id="nobody-asked-this"),
    "a click on what was not shown": _stay(object={"object_id": "other/article"}),
    "a click with a script": _stay(object={"object_id": SCRIPT}),
    "a click at place -1": _stay(position={"ordinal": -1}),
    "a click at place 1e300": _stay(position={"ordinal": 1e300}),
    "a stay of 1e300 seconds": _stay(dwell_seconds=1e300),
    "a stay of NaN": _stay(dwell_seconds=float("nan")),
    "a stay of -1": _stay(dwell_seconds=-1),
    "attributes that are a list": _click(event_attributes=[SCRIPT]),
    "an action of its own": _click(action_name=SCRIPT),
    "an action that is a list": _click(action_name=["click"]),
    "a query of 100,000 characters": _query(user_query="refund " * 14_286),
    "a query with a script": _query(user_query=SCRIPT),
    "a query with NUL": _query(user_query="a\x00b"),
    "a query of half a surrogate pair": _query(user_query="\ud800"),
    "a query that is an object": _query(user_query={"a": 1}),
    "a query that is nothing": _query(user_query=None),
    "a query_id with a script": _query(query_id=SCRIPT),
    "a query_id that leads elsewhere": _query(query_id="../../etc/passwd"),
    "a query_id of 100,000 characters": _query(query_id="a" * 100_000),
    "a query_id that is a list": _query(query_id=["bad"]),
    "no query_id": _query(query_id=None),
    "another search under one query_id": _query(query_id="good", user_query="router"),
    "a client_id with a script": _query(client_id=SCRIPT),
    "a client_id that is an object": _query(client_id={}),
    "100,000 documents": _query(query_response_hit_ids=[str(n) for n in range(100_000)]),
    "documents that are a text": _query(query_response_hit_ids="refund"),
    "documents that are objects": _query(query_response_hit_ids=[{"id": "refund"}, None, 1, SCRIPT]),
    "teams that are a text": _query(query_attributes={"version": 1, "teams": "1"}),
    "teams of four versions": _query(query_attributes={"version": 1, "teams": {"refund": "1+2+3+4"}}),
    "teams of scripts": _query(query_attributes={"version": SCRIPT, "teams": {SCRIPT: SCRIPT}}),
    "attributes that are a text": _query(query_attributes=SCRIPT),
    "a record within a record": json.dumps({"_source": GOOD}).encode(),
    "a list within a record": json.dumps({"_source": [GOOD]}).encode(),
    "nothing": b"",
    "a list": b"[]",
    "a number": b"1",
    "half a line": b'{"user_query": "ref',
    "an object of nothing": b"{}",
    "a key twice": b'{"user_query": "a", "user_query": "b"}',
    "NUL": b"\x00" * 1000,
    "no UTF-8": b'{"user_query": "caf\xe9"}',
    "overlong UTF-8": b'{"user_query": "\xc0\xaf"}',
    "a byte order mark within": b'\xef\xbb\xbf{"user_query": "a"}',
    "a million brackets": b"[" * 1_000_000,
    **{f"{depth} brackets": _deep(depth) for depth in (500, 900, 950, 980, 100_000)},
    "deep half a surrogate pair": b'{"user_query": "\\ud83d", "x": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a number of 100,000 digits": b'{"user_query": "a", "x": ' + b"9" * 100_000 + b"}",
}
