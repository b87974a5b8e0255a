"""A double of PromptLayer: what its SDK, 1.5.16, asks the service for, and what the SDK makes of a definition.

``Service`` answers over HTTP what ``evals.run``, ``log_request`` and ``track.score`` ask. ``Client`` does in this process, to
the same definition, what the SDK does, for where the SDK is not installed; a test holds the two together where it is.
"""

from __future__ import annotations

import json
import re
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

RESERVED = {
    "input",
    "expected",
    "expected_trace",
    "Input",
    "Expected",
    "Expected Trace",
    "Output",
    "output",
    "Trace",
    "trace",
}
FAILED = {"status": "FAILED", "error": "the scorer raised"}


def execute(code, row):
    """Return what a scorer gives for a row, as the service does it: the code is the body of a function of ``data``."""
    space = {}
    exec("def execute(data):\n" + textwrap.indent(code, "    "), space)
    try:
        return space["execute"](row)
    except Exception:
        return FAILED


def as_cell(value):
    return value if isinstance(value, str | int | float) else json.dumps(value)


class EvaluationFailedError(Exception):
    """As the SDK's: it comes with the result."""

    def __init__(self, message, result):
        super().__init__(message)
        self.result = result


class Client:
    """What the SDK makes of a definition. ``loses`` holds titles of scores that the service does not give."""

    def __init__(self, api_key="pl_secret", loses=()):
        self.api_key = api_key
        self.loses = loses
        self.logged = []
        self.tracked = []
        self.evals = SimpleNamespace(run=self._run)
        self.track = SimpleNamespace(score=self._track)

    def _run(self, definition):
        check(definition)
        results = [self._case(case, definition) for case in definition["dataset"]]
        cards = {}
        for title in results[0]["scores"]:
            values = [case["scores"][title] for case in results]
            cards[title] = sum(value is None or value not in (0, False, FAILED) for value in values)
        result = {"name": definition["name"], "results": results, "score_cards": cards}
        if any(value == FAILED for case in results for value in case["scores"].values()):
            raise EvaluationFailedError(f"Evaluation {definition['name']!r} failed: one or more scorecard evaluators", result)
        return result

    def _case(self, case, definition):
        row = {name: as_cell(value) for name, value in {**case, "Output": definition["runner"](case["input"])}.items()}
        codes = {scorer["title"]: scorer["config"]["code"] for scorer in definition["scorers"]}
        scores = {title: None if title in self.loses else execute(code, row) for title, code in codes.items()}
        return {"input": case["input"], "expected": case.get("expected"), "output": row["Output"], "scores": scores}

    def log_request(self, **request):
        assert {"provider", "model", "input", "output", "request_start_time", "request_end_time"} <= set(request)
        self.logged.append(request)
        return {"id": len(self.logged)}

    def _track(self, request_id, score, score_name=None):
        assert isinstance(score, int) and 0 <= score <= 100  # as the SDK asks for
        self.tracked.append((request_id, score, score_name))
        return True


def check(definition):
    """What the SDK refuses, of what a definition of ours could get wrong."""
    assert definition["name"].strip() and callable(definition["runner"])
    assert isinstance(definition["scorers"], list) and definition["scorers"]
    titles = [scorer["title"] for scorer in definition["scorers"]]
    assert len(set(titles)) == len(titles) and not set(titles) & RESERVED
    assert isinstance(definition["dataset"], list) and definition["dataset"]
    for case in definition["dataset"]:
        assert "input" in case
        assert not (set(case) - {"input", "expected", "expected_trace"}) & (RESERVED | set(titles))


class Service:
    """The service, with one table and one sheet. ``asked`` notes method and path of each request, ``bodies`` what was sent.

    Attributes:
        priced: Whether a case has a price.
        loses: Titles of scores that are not given.
        refuses: (status, body) of every answer, or None.
    """

    def __init__(self):
        self.asked, self.bodies = [], []
        self.priced, self.loses, self.refuses = True, (), None
        self.columns = [{"id": "c0", "title": "Column A", "type": "TEXT"}]
        self.rows, self.steps = [{"row_index": 0, "cells": {}}], []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def reply(self, method, path, body):
        if self.refuses:
            return self.refuses
        for verb, pattern, answer in ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                return 201 if "log-request" in path else 200, answer(self, body, *found.groups())
        return 404, {"message": f"the double knows no {method} {path}"}

    def column(self, body, name=None):
        column = {"id": name or f"c{len(self.columns)}", "type": "TEXT", **body}
        self.columns = [c for c in self.columns if c["id"] != column["id"]] + [column]
        return {"column": column}

    def add_trace(self, body):
        index = len(self.rows) + 1
        cells = {c["id"]: {"id": f"{index}-{c['id']}", "value": ""} for c in self.columns}
        self.rows.append({"row_index": index, "cells": cells})
        return {"row_index": index, "row": self.rows[-1]}

    def set_cell(self, body, cell):
        index, column = cell.split("-")
        row = next(row for row in self.rows if row["row_index"] == int(index))
        row["cells"][column] = {"id": cell, **body}
        return {"cell": row["cells"][column]}

    def configure(self, body):
        self.steps = [{**step, "id": f"s{n}"} for n, step in enumerate(body["steps"])]
        return {"scorecard": {"steps": self.steps}}

    def scores(self, row_index):
        row = next(row for row in self.rows if row["row_index"] == int(row_index))
        titles = {c["id"]: c["title"] for c in self.columns}
        data = {titles[c]: cell["value"] for c, cell in row["cells"].items()}
        given = [step for step in self.steps if step["title"] not in self.loses]
        return {"step_results": {step["id"]: _step(execute(step["primitive_config"]["code"], data)) for step in given}}


def _step(value):
    return (
        {"verdict": "error", "error_message": value["error"]} if value == FAILED else {"verdict": "pass", "raw_value": value}
    )


TABLE, SHEET = {"id": "t1", "title": "desk", "workspace_id": 1}, {"id": "h1", "title": "Sheet 1"}
_TABLES, _SHEET = "/api/public/v2/tables", "/api/public/v2/tables/t1/sheets/h1"
DONE = {"id": "k1", "status": "completed", "aggregate_score": 0.5}
ROUTES = [
    ("GET", _TABLES, lambda s, b: {"success": True, "tables": []}),
    ("POST", _TABLES, lambda s, b: {"table": {**TABLE, "title": b["title"]}}),
    ("GET", f"{_TABLES}/t1/sheets", lambda s, b: {"sheets": [SHEET]}),
    ("PATCH", _SHEET, lambda s, b: {"sheet": {**SHEET, **b}}),
    ("GET", f"{_SHEET}/columns", lambda s, b: {"columns": s.columns}),
    ("POST", f"{_SHEET}/columns", Service.column),
    ("PATCH", rf"{_SHEET}/columns/(\w+)", Service.column),
    ("GET", f"{_SHEET}/rows", lambda s, b: {"rows": s.rows, "columns": s.columns}),
    ("DELETE", f"{_SHEET}/rows", lambda s, b: {"success": s.rows.clear() is None}),
    ("PATCH", rf"{_SHEET}/cells/([\w-]+)", Service.set_cell),
    ("PATCH", f"{_SHEET}/scorecard", Service.configure),
    ("POST", f"{_SHEET}/scorecard/recalculate", lambda s, b: {"calculation_id": "k1"}),
    ("GET", f"{_SHEET}/scorecard", lambda s, b: {"scorecard": {"steps": s.steps}, "latest_calculation": DONE}),
    ("GET", rf"{_SHEET}/scorecard/rows/(\d+)", lambda s, b, index: s.scores(index)),
    ("GET", r"/api/public/v2/traces/(\w+)", lambda s, b, t: {"spans": [{"request_log_id": 5}] if s.priced else []}),
    ("GET", r"/api/public/v2/requests/5", lambda s, b: {"price": 0.01}),
    ("POST", "/api/public/v2/dataset-versions/add-trace", Service.add_trace),
    ("POST", "/v1/traces", lambda s, b: {}),
    ("POST", "/log-request", lambda s, b: {"id": 7, "prompt_version": None}),
    ("POST", "/library-track-score", lambda s, b: {"success": True}),
]


def _handler(service):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            is_json = "json" in (self.headers.get("Content-Type") or "")
            body = json.loads(sent) if sent and is_json else {}
            service.asked.append((self.command, path))
            service.bodies.append(body)
            status, reply = service.reply(self.command, path, body)
            content = b"" if path == "/v1/traces" else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf" if path == "/v1/traces" else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass

    return Handler
