"""What strangers send to the routes of the search page and to every field there is; what may lie in a log of searches."""

import json

from tests.serving.hostile import BODIES, EMBED, EVENTS, RERANK, SCRIPT, SEARCH
from tests.serving.raw import request
from tutorial_lib.serving.comparing import CompareRequest
from tutorial_lib.serving.events_contract import EventRequest
from tutorial_lib.serving.openai_contract import EmbeddingsRequest
from tutorial_lib.serving.rerank_contract import RerankRequest, RerankV2Request
from tutorial_lib.serving.search_contract import SearchRequest

KNOWN, SHOWN = "known-search", "a02"
"""A search that has been made before and has shown all documents, and one of them."""

COMPARE, RERANK_V2 = "/compare", "/v2/rerank"
ASKED = {
    EMBED: (EmbeddingsRequest, {"model": "tuned", "input": "refund"}),
    SEARCH: (SearchRequest, {"query": "refund"}),
    RERANK: (RerankRequest, {"query": "refund", "documents": ["refund"]}),
    RERANK_V2: (RerankV2Request, {"query": "refund", "documents": ["refund"]}),
    EVENTS: (EventRequest, {"query_id": KNOWN, "action_name": "click", "object_id": SHOWN}),
    COMPARE: (CompareRequest, {"query": "refund"}),
}
"""Path -> what its bodies are checked by, and one that is answered."""

TEXTS = {(EMBED, "input"), (EMBED, "user"), *((path, "query") for path in (SEARCH, RERANK, RERANK_V2, COMPARE))}
"""Fields that take any text."""

LONG, DEEP = "refund " * 14_286, json.loads("[" * 500 + "]" * 500)
WRONG = {
    "a script": SCRIPT,
    "100,000 characters": LONG,
    "500 brackets": DEEP,
    "half a surrogate pair": "\ud800",
    "an object": {"$gt": ""},
    "a list of objects": [{"a": SCRIPT}],
    "-1e308": -1e308,
    "10**400": 10**400,
}
NUMBERS = ("priority", "top_n", "max_tokens_per_doc", "max_chunks_per_doc")
"""Fields that take a whole number of any size."""


def _taken(path, field, what):
    """Whether a field takes this: any text, or any number."""
    if what in ("a script", "100,000 characters"):
        return (path, field) in TEXTS
    if what == "half a surrogate pair":
        return field == "user"  # which nobody looks at
    return field in NUMBERS and what in ("-1e308", "10**400")


def fields():
    """Yield (name, bytes, statuses) for each field of each route and each wrong value."""
    for path, (model, body) in ASKED.items():
        for field in model.model_fields:
            for what, value in WRONG.items():
                statuses = {400, 404} | ({200} if _taken(path, field, what) else set())
                yield f"{path} {field}: {what}", request(path, {**body, field: value}), statuses


def bodies():
    """Yield (name, bytes, statuses) for each broken body and each route that is not tried elsewhere."""
    for path in ASKED.keys() - {SEARCH}:
        for name, body in BODIES.items():
            yield f"{path} {name}", request(path, body), {400, 413}


FLOOD = [f"X-{n}: {n}".encode() for n in range(10_000)]
FLOODS = {
    "10,000 headers": FLOOD,
    "a cookie of 100,000 letters": [b"Cookie: a=" + b"b" * 100_000],
    "one header 5,000 times": [b"Accept: */*"] * 5_000,
}
PAGES = ("/", "/page.js", "/page.css")


def floods():
    """Yield (name, bytes, statuses) of too many headers at each route."""
    asked = {path: body for path, (_, body) in ASKED.items()} | dict.fromkeys((*PAGES, "/document?id=a02"))
    for path, body in asked.items():
        for what, headers in FLOODS.items():
            yield f"{path} {what}", request(path, body, headers=headers), {0, 400, 431}


def _event(**changes):
    return request(EVENTS, {**ASKED[EVENTS][1], **changes})


EVENT = {
    "an unknown search": _event(query_id="nobody-asked-this"),
    "a search that was not shown this": _event(object_id="a99"),
    "a document of another index": _event(object_id="other/article"),
    "a document that leads elsewhere": _event(object_id="../../etc/passwd"),
    "a time long before": _event(timestamp="0001-01-01T00:00:00Z"),
    "a time long after": _event(timestamp="9999-12-31T23:59:59Z"),
    "a time as a number": _event(timestamp=-(10**18)),
    "a stay that began tomorrow": _event(action_name="leave", dwell_seconds=-3600),
    "a stay of eleven days": _event(action_name="leave", dwell_seconds=1e6),
    "a stay without an end": request(
        EVENTS, json.dumps({**ASKED[EVENTS][1], "action_name": "leave"})[:-1].encode() + b', "dwell_seconds": Infinity}'
    ),
    "a place of one's own": _event(position=1),
    "a version that nobody built": request(SEARCH, {"query": "refund", "version": 10**9}),
    "a document that is not there": request("/document?id=other%2Farticle"),
    "a document of 30,000 letters": request("/document?id=" + "a" * 30_000),
    "a document twice": request("/document?id=a98&id=a99"),
    "a document as a list": request("/document?id[]=a02"),
    "no document": request("/document"),
}
"""Refused by 400 or 404."""

ELSEWHERE = [
    "/page.js/../metrics",
    "/page.js%2f..%2f..%2fworkspace.json",
    "/page.css%00.html",
    "/page.js.map",
    "/PAGE.JS",
    "/page.js/",
    "/./page.js",
    "//page.js",
    "/index.html",
    "/web/page.js",
    "/events/../metrics",
    "/events/",
    "/compare/",
    "/search/",
    "/document/../../workspace.json",
    "/document/a02",
    "/events/queries-2026-01-01.jsonl",
    "/\\..\\..\\workspace.json",
    "/page.js%252e%252e",
    "/%c0%ae%c0%ae/workspace.json",
]
"""Paths that are none."""

ODD = [
    [b"Range: bytes=0-99999999999999"],
    [b"If-Modified-Since: Mon, 01 Jan 0001 00:00:00 GMT", b"Date: Fri, 31 Dec 9999 23:59:59 GMT"],
    [b"If-None-Match: *"],
    [b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /metrics", b"X-Forwarded-Host: evil.example"],
    [b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site"],
    [b"Accept: ../../etc/passwd", b"Accept-Language: " + SCRIPT.encode()],
]
"""Headers that change nothing."""

QUERY = "?q=%3Cscript%3Ealert(1)%3C/script%3E&file=../../workspace.json"
METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def pages():
    """Yield (name, bytes, statuses) of the page's files asked for oddly."""
    for path in PAGES:
        for headers in ODD:
            yield f"{path} {headers[0][:40]}", request(path, headers=headers), {200}
        yield f"{path} with a query", request(path + QUERY), {200}
        for method in METHODS:
            yield f"{method} {path}", request(path, method=method), {405}


ANSWERED = {
    "the longest names": request(SEARCH, {"query": "refund", "query_id": "0" * 64, "client_id": "." * 64}),
    "a comparison with a script": request(COMPARE, {"query": SCRIPT}),
    "a comparison of signs that are no words": request(COMPARE, {"query": "\x00\x1b[31m\u202e\ufeff"}),
    "a stay of no time": _event(action_name="leave", dwell_seconds=0),
    "another's click": _event(client_id="somebody-else"),
}
"""Answered by 200 or 202."""


def events():
    """Yield (name, bytes, statuses) of events, and of what a page asks beside them."""
    yield from ((name, content, {400, 404}) for name, content in EVENT.items())
    yield from ((name, content, {200, 202}) for name, content in ANSWERED.items())


DOCUMENTS = {
    **{
        f"a document {depth} deep": '"text": "refund", "more": ' + "[" * depth + "]" * depth for depth in (500, 900, 950, 980)
    },
    "a deep text": '"text": ' + "[" * 900 + "]" * 900,
    "half a surrogate pair": r'"text": "\ud800"',
    "half a surrogate pair beside the text": r'"text": "refund", "more": "\udc00"',
    "half a surrogate pair as a name": r'"text": "refund", "\ud800": 1',
    "NaN": '"text": "refund", "more": NaN',
    "Infinity as the text": '"text": Infinity',
    "a text that is nothing": '"text": null',
    "a script for a name": json.dumps({"text": "refund", SCRIPT: SCRIPT})[1:-1],
    "100,000 names": json.dumps({"text": "refund"} | {str(n): n for n in range(100_000)})[1:-1],
    "4,000 digits": '"text": "refund", "more": ' + "9" * 4_000,
}
"""The inside of documents of /v1/rerank, which may be any object: answered, or refused by 400."""


SURROGATE = request(RERANK_V2, {"query": "refund", "documents": ["refund", "\ud800"]})


def documents():
    """Yield (name, bytes, statuses) of such documents, to be sent back and not."""
    for what, document in DOCUMENTS.items():
        for back in ("false", "true"):
            body = f'{{"query": "refund", "documents": [{{{document}}}], "return_documents": {back}}}'
            yield f"{what}, sent back: {back}", request(RERANK, body.encode()), {200, 400}
    yield "a text of half a surrogate pair", SURROGATE, {400}
