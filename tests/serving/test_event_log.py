"""What is searched and clicked reaches the files: redacted, by one writer, after a restart, on a full disk; pairs come."""

import json
import signal
import threading
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.data.logs import learnt, lines
from tests.serving.calls import client_of, refusal
from tutorial_lib.data.columns import ArticleColumns, Columns
from tutorial_lib.data.dataset import DataError, Document
from tutorial_lib.data.search_log import from_search_log
from tutorial_lib.data.ubi_log import UbiLog
from tutorial_lib.index import FlatStore, VectorIndex, reindex
from tutorial_lib.serving import event_log
from tutorial_lib.serving.errors import ApiError
from tutorial_lib.serving.event_log import EventLog
from tutorial_lib.serving.live import Live
from tutorial_lib.serving.search_contract import SearchRequest, SearchResponse
from tutorial_lib.serving.searching import Searched

DOCUMENTS = {a: Document(a, a, f"{a} page") for a in ("password", "refund", "router")}


def redact(queries):
    return [query.replace("Maria", "<PERSON>") for query in queries]


@pytest.fixture
def opened(models, tmp_path):
    """Return a function that gives a client of a service that records in a folder, the index made once."""

    def open_index():
        return VectorIndex(FlatStore(tmp_path / "flat"))

    texts = {a: document.full_text for a, document in DOCUMENTS.items()}
    reindex(open_index(), texts, models.get("tuned").encoder, tmp_path / "work")

    def opened(events=None, **options):
        events = events or EventLog(tmp_path / "events", redact, every=0.01)
        return client_of(models, live=Live(open_index, models), documents=DOCUMENTS, events=events, **options)

    return opened


def search(client, query="refund", **fields):
    answer = client.post("/search", json={"query": query, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client, query_id, action="click", **fields):
    return client.post("/events", json={"query_id": query_id, "action_name": action, **fields})


def recorded(folder, kind):
    return [json.loads(line) for file in sorted(folder.glob(f"{kind}-*.jsonl")) for line in file.read_text().splitlines()]


def test_pairs_come_of_clicks(opened, tmp_path):
    with opened() as client:
        for visitor in ("c1", "c2"):  # at the first place it takes two
            body = search(client, "money back for Maria", client_id=visitor, k=3)
            first = body["results"][0]["id"]
            for action, fields in [("click", {}), ("leave", {"dwell_seconds": 4}), ("answered", {})]:
                told = post(client, body["query_id"], action, object_id=first, **fields)
                assert (told.status_code, told.json()["position"]) == (202, 1)
    articles = lines(
        tmp_path / "articles.jsonl", [{"article_id": a, "title": a, "body": d.text} for a, d in DOCUMENTS.items()]
    )
    columns = Columns(articles=ArticleColumns(created_at=None, superseded_by=None))
    dataset = from_search_log(tmp_path / "events", articles, columns, divide=False)
    assert learnt(dataset) == {"money back for <PERSON>": [first]}
    assert dataset.card["read"]["satisfied"] == 2


def test_what_is_written(opened, tmp_path):
    with opened() as client:
        body = search(client, client_id="c1", k=2)
        post(client, body["query_id"], "leave", object_id=body["results"][1]["id"], dwell_seconds=2.5)
        post(client, body["query_id"], "ticket", ticket_id="T-7")
    (query,) = recorded(tmp_path / "events", "queries")
    assert (query["user_query"], query["client_id"], query["query_id"]) == ("refund", "c1", body["query_id"])
    day = query["timestamp"][:10]
    assert f"queries-{day}.jsonl" in {file.name for file in (tmp_path / "events").iterdir()}
    assert query["query_response_hit_ids"] == [hit["id"] for hit in body["results"]]
    leave, ticket = recorded(tmp_path / "events", "events")
    assert leave["event_attributes"]["position"] == {"ordinal": 2}
    assert (leave["client_id"], leave["event_attributes"]["dwell_seconds"]) == ("c1", 2.5)
    assert ticket["message"] == "T-7"


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"query_id": "unknown", "object_id": "refund"}, 404, "there is no search unknown among the last"),
        ({"object_id": "../etc/passwd"}, 404, "has shown 3 documents, and '../etc/passwd' is none"),
        ({}, 400, "object_id: it is missing, and 'click' needs it"),
        ({"action_name": "leave", "object_id": "refund"}, 400, "dwell_seconds: it is missing, and 'leave' needs it"),
        ({"action_name": "buy", "object_id": "refund"}, 400, "action_name: Input should be 'click', 'leave'"),
        ({"object_id": "refund", "position": 7}, 400, "there is no field 'position' here"),
        ({"object_id": "refund", "client_id": "<script>"}, 400, "client_id: String should match pattern"),
        ({"object_id": "r" * 100_000}, 400, "object_id: String should have at most 1000 characters"),
    ],
)
def test_an_event_that_cannot_be_is_refused_and_not_written(opened, tmp_path, fields, status, said):
    with opened() as client:
        body = search(client)
        answer = client.post("/events", json={"query_id": body["query_id"], "action_name": "click", **fields})
        assert said in refusal(answer, status)["message"]
    assert recorded(tmp_path / "events", "events") == []


def test_a_flood_of_events_is_stopped(opened, tmp_path, monkeypatch):
    with opened() as client:
        query_id = search(client)["query_id"]
        statuses = [post(client, query_id, object_id="refund").status_code for _ in range(102)]
    assert statuses == [202] * 100 + [429] * 2
    assert len(recorded(tmp_path / "events", "events")) == 100


def test_after_a_restart_pages_that_are_open_go_on(opened, tmp_path):
    with opened() as client:
        body = search(client, client_id="c1")
    (tmp_path / "events" / "queries-2026-01-01.jsonl").write_bytes(b'{"query_id": "half a li\x00\xff')
    with opened() as client:
        assert post(client, body["query_id"], object_id="router").json()["position"] in (1, 2, 3)
    (event,) = recorded(tmp_path / "events", "events")
    assert event["client_id"] == "c1"


def test_a_folder_has_one_writer(tmp_path):
    first = EventLog(tmp_path / "events", redact)
    with pytest.raises(DataError, match=r"another service records in .*events: pass another --events, or --no-events"):
        EventLog(tmp_path / "events", redact)
    first.close()
    EventLog(tmp_path / "events", redact).close()


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match=r"searches cannot be recorded in .*file/events"):
        EventLog(tmp_path / "file" / "events", redact)


@pytest.fixture
def disk(monkeypatch):
    """A disk that is full while the event is set."""
    full, seen = threading.Event(), threading.Event()
    append = event_log.DayFiles.append

    def appended(self, *args):
        if full.is_set():
            seen.set()
            raise OSError(28, "No space left on device")
        append(self, *args)

    monkeypatch.setattr(event_log.DayFiles, "append", appended)
    full.seen = seen
    return full


def test_while_the_disk_is_full_searches_are_answered_and_notes_wait(opened, disk, tmp_path, caplog):
    disk.set()
    with opened() as client:
        body = search(client)
        assert post(client, body["query_id"], object_id="refund").status_code == 202
        assert disk.seen.wait(30)
        assert recorded(tmp_path / "events", "queries") == []
        disk.clear()
    assert [len(recorded(tmp_path / "events", kind)) for kind in ("queries", "events")] == [1, 1]
    assert "the event log cannot be written" in caplog.text


def test_what_finds_no_place_to_wait_is_counted(opened, disk, tmp_path, models):
    disk.set()
    log = EventLog(tmp_path / "events", redact, waiting=2, every=0.01)
    with opened(log) as client:
        first = search(client)
        search(client)
        search(client)
        assert "tutorial_unrecorded_searches_total 1.0" in client.get("/metrics").text
        told = [post(client, first["query_id"], object_id="refund") for _ in range(3)]
        assert [answer.status_code for answer in told] == [202, 202, 429]
        assert "2 texts wait already" in refusal(told[-1], 429)["message"]
    assert recorded(tmp_path / "events", "queries") == []


def test_what_is_left_at_the_end_is_counted_too(tmp_path, disk, searched):
    lost = []
    log = EventLog(tmp_path / "events", redact, every=0.01)
    log.start(lost.append)
    disk.set()
    log(searched("refund"))
    log.close()
    assert lost == [1]


@pytest.fixture
def searched():
    """Return a function that makes a search by its query."""

    def searched(query, query_id="q1", when=None):
        answer = SearchResponse(query_id=query_id, version=1, model="f", results=[])
        return Searched(when or datetime.now(UTC), SearchRequest(query=query), answer)

    return searched


def test_a_query_that_cannot_be_redacted_is_not_written(tmp_path, searched, caplog):
    def fails(queries):
        raise RuntimeError("no model")

    lost = []
    log = EventLog(tmp_path / "events", fails, every=0.01)
    log.start(lost.append)
    log(searched("Maria"))
    log.close()
    assert lost == [1]
    assert recorded(tmp_path / "events", "queries") == []
    assert "no model" in caplog.text


def test_a_clock_that_goes_back_over_midnight_loses_nothing(tmp_path, searched):
    log = EventLog(tmp_path / "events", redact)
    for n, day in enumerate((2, 1, 2)):
        log(searched(f"query {n}", f"q{n}", datetime(2026, 1, day, 12, tzinfo=UTC)))
    log.close()
    written = {file.name: len(file.read_text().splitlines()) for file in (tmp_path / "events").glob("*.jsonl")}
    assert written == {"queries-2026-01-01.jsonl": 1, "queries-2026-01-02.jsonl": 2}


def test_after_its_end_nothing_is_taken(tmp_path, searched):
    log = EventLog(tmp_path / "events", redact)
    log(searched("refund"))
    log.close()
    with pytest.raises(event_log.BusyError):
        log(searched("refund", "q2"))
    assert len(recorded(tmp_path / "events", "queries")) == 1


def test_kill_9_loses_nothing_that_is_a_second_old(process):
    def holds(kind, query_id):
        return lambda: any(record["query_id"] == query_id for record in recorded(process.events, kind))

    with process.client() as client:
        body = search(client, "reset password", client_id="c1", k=2)
        first, second = (hit["id"] for hit in body["results"])
        assert post(client, body["query_id"], object_id=first).status_code == 202
    process.wait(holds("queries", body["query_id"]))
    process.wait(holds("events", body["query_id"]))
    process.end(signal.SIGKILL)
    newest = max(process.events.glob("events-*.jsonl"), key=lambda file: file.stat().st_mtime)
    with newest.open("a") as file:
        file.write('{"action_name": "click", "query_')  # what a kill in the middle of a write would leave
    process.start()
    with process.client() as client:
        assert post(client, body["query_id"], "answered", object_id=second).status_code == 202
    assert process.end() == 0
    count = Counter()
    row = next(row for _, row in UbiLog(process.events).rows(count) if row["query"] == "reset password")
    assert [click["article_id"] for click in row["clicks"]] == [first, second]
    assert count["broken row"] == 1


def test_a_service_that_records_nothing_says_so(client):
    assert refusal(post(client, "q1", object_id="a"), 409)["code"] == "not_recorded"


def test_what_a_search_has_shown_is_asked_of_the_log(tmp_path, searched):
    log = EventLog(tmp_path / "events", redact)
    log(searched("refund"))
    with pytest.raises(ApiError, match="has shown 0 documents"):
        log.event(event_log.EventRequest(query_id="q1", action_name="click", object_id="a"))
    log.close()
