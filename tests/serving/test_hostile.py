"""What strangers send to a real server: each is answered in words or hung up on, nothing is let in, nothing leaks."""

import json
import re
import time

from tests.serving.calls import client_of
from tests.serving.hostile import BODIES, FIELDS, HARMLESS, HTTP, PATHS, SCRIPT
from tests.serving.hostile_log import CLICK, GOOD, LINES
from tests.serving.hostile_page import ELSEWHERE, KNOWN, bodies, documents, events, fields, floods, pages
from tests.serving.raw import KEY, request
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.ubi_log import UbiLog
from tutorial_lib.monitoring.searches import read_searches
from tutorial_lib.serving.event_log import EventLog
from tutorial_lib.serving.verdict import preferences

STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
LEAKS = ("Traceback", 'File "', "site-packages", "tutorial_lib/", "/tmp/", KEY, "root:x:", "workspace.json", "X-Evil: 1\r\n")


def told(answer):
    """Hold an answer to showing nothing of the inside, and return its status and error message, if it has one."""
    text = answer.decode("utf-8", "replace")
    assert not [leak for leak in LEAKS if leak.lower() in text.lower()], text[:2000]
    if not answer:
        return 0, "hung up"
    status = int(STATUS.match(answer)[1])
    head, _, body = text.partition("\r\n\r\n")
    if "<script>" in body:  # no browser takes it for a page
        assert "content-type: application/json" in head and "x-content-type-options: nosniff" in head
    assert "access-control-" not in head.lower()
    return status, json.loads(body)["error"]["message"] if body.startswith('{"error"') else body


class Tries:
    """Sends what strangers send, holds each answer to a status that it may have, and counts what came of it."""

    def __init__(self, process):
        self.process, self.counts = process, {"tried": 0, "named": 0, "answered": 0, "hung up": 0}

    def one(self, name, content, statuses):
        status, said = told(self.process.send(content))
        assert status in statuses, (name, status, said[:300])
        assert said or status < 400, name
        self.counts["tried"] += 1
        self.counts["named" if status >= 400 else "answered" if status else "hung up"] += 1

    def done(self, what):
        """Print the figures, which ``pytest -s`` shows, and hold the service to answering as before."""
        print(f"{what}: {self.counts}, leaked 0")
        with self.process.client() as client:
            assert client.post("/search", json={"query": "reset password"}).status_code == 200


def test_each_is_refused_in_words_or_answered_and_nothing_leaks(process):
    tries = Tries(process)
    for name, body in BODIES.items():
        tries.one(name, request("/search", body), {400, 413})
    for name, content in FIELDS.items():
        tries.one(name, content, {400, 404})
    for name, content in HARMLESS.items():
        tries.one(name, content, {200})
    for path in PATHS:
        tries.one(path, request(path), {400, 404, 405})
        tries.one(f"{path} without a key", request(path).replace(b"Authorization", b"X-Nothing"), {401})
    for name, content in HTTP.items():
        allowed = {0, 400, 401, 404, 405, 408, 413, 415, 426, 431} | ({200} if "number" in name else set())
        tries.one(name, content, allowed)
    assert tries.counts["tried"] == len(BODIES) + len(FIELDS) + len(HARMLESS) + 2 * len(PATHS) + len(HTTP)
    tries.done("embeddings, search, rerank, HTTP itself")


def test_the_same_of_every_field_and_of_the_routes_of_the_page(process):
    tries = Tries(process)
    with process.client() as client:
        assert client.post("/search", json={"query": "refund", "query_id": KNOWN, "k": 100}).status_code == 200
    for made in (fields(), bodies(), floods(), pages(), documents(), events()):
        for name, content, statuses in made:
            tries.one(name, content, statuses)
    for path in ELSEWHERE:
        tries.one(path, request(path), {400, 404, 405})
    recorded = b"".join(file.read_bytes() for file in process.events.glob("events-*.jsonl"))
    assert b"script" not in recorded and b"passwd" not in recorded
    tries.done("every field, events, comparing, documents, page files")


def written(file, what, seconds=10.0):
    """Return the file once a whole line of it holds ``what``: a request is noted after it was answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and what not in file.read_text().rpartition("\n")[0]:
        time.sleep(0.05)
    return file.read_text()


def test_the_log_holds_no_query_no_key_and_one_object_a_line(process):
    with process.client() as client:
        client.post("/search", json={"query": "a very private question"}, headers={"X-Request-ID": "find-me"})
    log = written(process.log, "find-me")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    note = next(line for line in lines if line.get("request_id") == "find-me")
    assert (note["route"], note["status"], note["method"]) == ("/search", 200, "POST")
    assert "very private" not in log
    assert KEY not in log
    assert "alert(" not in log


def test_a_log_that_others_have_written_is_read_or_named(models, tmp_path):
    counts = {"tried": 0, "named": 0, "read": 0}
    for number, (name, line) in enumerate(LINES.items()):
        folder = tmp_path / f"log {number}"
        folder.mkdir()
        known = [json.dumps(record).encode() for record in (GOOD, CLICK)]
        (folder / "queries-2026-01-02.jsonl").write_bytes(b"\n".join([known[0], line, known[1]]) + b"\n")
        with client_of(models, events=EventLog(folder, list)) as client:
            for query_id, shown in (("good", "router"), ("bad", "other/article"), ("bad", SCRIPT)):
                event = {"query_id": query_id, "action_name": "click", "object_id": shown}
                answer = client.post("/events", json=event)
                assert answer.status_code in (202, 404), (name, answer.text)
                assert not [leak for leak in LEAKS if leak in answer.text], name
        for read in (lambda log: list(UbiLog(log).rows()), read_searches, preferences):
            counts["tried"] += 1
            try:
                read(folder)
                counts["read"] += 1
            except DataError as error:
                assert str(folder) in str(error) and len(str(error)) < 1000, name
                counts["named"] += 1
    print(f"a log of searches: {counts}, leaked 0")
    assert counts["tried"] == 3 * len(LINES)
