"""What strangers send to a real server: each is answered in words or hung up on, nothing is let in, nothing leaks."""

import json
import re

from tests.serving.hostile import BODIES, FIELDS, HARMLESS, HTTP, PATHS
from tests.serving.raw import KEY, request

STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
LEAKS = ("Traceback", 'File "', "site-packages", "tutorial_lib/", "/tmp/", KEY, "root:x:", "workspace.json", "X-Evil: 1\r\n")


def told(answer):
    """Hold an answer to showing nothing of the inside, and return its status and error message, if it has one."""
    text = answer.decode("utf-8", "replace")
    assert not [leak for leak in LEAKS if leak.lower() in text.lower()], text[:2000]
    if not answer:
        return 0, "hung up"
    status = int(STATUS.match(answer)[1])
    body = text.partition("\r\n\r\n")[2]
    return status, json.loads(body)["error"]["message"] if body.startswith('{"error"') else body


def test_each_is_refused_in_words_or_answered_and_nothing_leaks(process):
    counts = {"tried": 0, "named": 0, "answered": 0, "hung up": 0}

    def try_one(name, content, statuses):
        status, said = told(process.send(content))
        assert status in statuses, (name, status, said[:300])
        assert said or status < 400, name
        counts["tried"] += 1
        counts["named" if status >= 400 else "answered" if status else "hung up"] += 1

    for name, body in BODIES.items():
        try_one(name, request("/search", body), {400, 413})
    for name, content in FIELDS.items():
        try_one(name, content, {400, 404})
    for name, content in HARMLESS.items():
        try_one(name, content, {200})
    for path in PATHS:
        try_one(path, request(path), {400, 404, 405})
        try_one(f"{path} without a key", request(path).replace(b"Authorization", b"X-Nothing"), {401})
    for name, content in HTTP.items():
        allowed = {0, 400, 401, 404, 405, 408, 413, 415, 426, 431} | ({200} if "number" in name else set())
        try_one(name, content, allowed)
    print(f"{counts}, leaked 0")  # shown by pytest -s
    assert counts["tried"] == len(BODIES) + len(FIELDS) + len(HARMLESS) + 2 * len(PATHS) + len(HTTP)
    with process.client() as client:
        assert client.post("/search", json={"query": "reset password"}).status_code == 200


def test_the_log_holds_no_query_no_key_and_one_object_a_line(process):
    with process.client() as client:
        client.post("/search", json={"query": "a very private question"}, headers={"X-Request-ID": "find-me"})
    log = process.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    note = next(line for line in lines if line.get("request_id") == "find-me")
    assert (note["route"], note["status"], note["method"]) == ("/search", 200, "POST")
    assert "very private" not in log
    assert KEY not in log
    assert "alert(" not in log
