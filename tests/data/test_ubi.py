"""Records in the UBI schema: which files hold them, and what is read of one."""

import gzip
import json
import os
from datetime import UTC, datetime

import pytest

from tests.data.logs import lines
from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.ubi import UbiEvent, UbiQuery, UbiRecord, is_ubi, records, ubi_files

QUERY = {"query_id": "q1", "user_query": "money back", "timestamp": "2026-01-01T00:00:00Z", "client_id": "c1"}
EVENT = {
    "action_name": "click",
    "query_id": "q1",
    "timestamp": "2026-01-01T00:01:00Z",
    "event_attributes": {"object": {"object_id": "refund"}, "position": {"ordinal": 2}, "dwell_seconds": 12.5},
}


@pytest.fixture
def read(tmp_path):
    return lambda fields: UbiRecord(tmp_path / "log.jsonl", 7, fields, ExportFormat()).read()


def test_a_folder_of_json_lines_is_such_a_log_and_its_lock_is_no_part_of_it(tmp_path):
    assert not is_ubi(tmp_path)
    for name in ("queries-2026-01-02.jsonl", "events-2026-01-02.ndjson", ".lock", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [file.name for file in ubi_files(tmp_path)] == ["events-2026-01-02.ndjson", "queries-2026-01-02.jsonl"]
    assert is_ubi(tmp_path)


def test_a_file_is_known_by_its_names_unless_the_mapping_names_them(tmp_path):
    log = lines(tmp_path / "log.jsonl", [QUERY])
    assert is_ubi(log)
    assert not is_ubi(log, query="user_query")
    assert is_ubi(lines(log, [EVENT]))
    assert not is_ubi(lines(log, [{"query": "money back", "clicks": []}]))
    assert not is_ubi(tmp_path / "none.jsonl")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "log.jsonl")
    for path in (tmp_path, tmp_path / "log.jsonl"):
        with pytest.raises(DataError, match=r"log.jsonl is a pipe"):
            is_ubi(path)


def test_records_of_an_export_are_unwrapped_and_a_half_line_is_told(tmp_path):
    file = tmp_path / "log.jsonl.gz"
    half = json.dumps(QUERY)[:20]
    with gzip.open(file, "wt") as out:
        out.write(json.dumps({"_index": "ubi_queries", "_source": QUERY}) + "\n" + half)
    (first, second) = records(file)
    assert first == (1, QUERY)
    assert (second[0], second[1].startswith("not JSON")) == (2, True)


def test_a_query(read):
    when = datetime(2026, 1, 1, tzinfo=UTC)
    assert read(QUERY) == UbiQuery("q1", "money back", when, "c1", ())
    shown = read({**QUERY, "query_response_hit_ids": ["a", 7, "a"]})
    assert shown.hits == ("a", "7")


def test_an_event(read):
    assert read(EVENT) == UbiEvent("click", "q1", datetime(2026, 1, 1, 0, 1, tzinfo=UTC), "refund", 2, 12.5, "")
    bare = read({"action_name": "scroll"})
    assert (bare.query_id, bare.when, bare.document, bare.ordinal, bare.seconds) == ("", None, "", 0, None)


@pytest.mark.parametrize("ordinal", [0, -1, 10**400, True, "3", float("nan")])
def test_a_place_that_can_be_none_is_none(read, ordinal):
    fields = {**EVENT, "event_attributes": {"object": {"object_id": "refund"}, "position": {"ordinal": ordinal}}}
    assert read(fields).ordinal == 0


@pytest.mark.parametrize("stamp", [1767225600, 1767225600000, "1767225600", "2026-01-01T01:00:00+01:00"])
def test_times_count_seconds_or_milliseconds_or_are_written_out(read, stamp):
    assert read({**QUERY, "timestamp": stamp}).when == datetime(2026, 1, 1, tzinfo=UTC)


def test_what_is_neither_query_nor_event(read):
    assert read({"message": "hello"}) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**QUERY, "user_query": {"match": "x"}}, r"log.jsonl line 7: user_query holds an object \(match\)"),
        ({**QUERY, "query_response_hit_ids": "a"}, "query_response_hit_ids is 'a', not a list"),
        ({**QUERY, "timestamp": "yesterday"}, "line 7: timestamp 'yesterday' is not a time"),
        ({**EVENT, "event_attributes": ["a"]}, r"event_attributes is \['a'\], not an object"),
        ({**EVENT, "query_id": ["q1"]}, "query_id holds a list of 1, not one value"),
    ],
)
def test_what_a_field_cannot_hold_is_named_with_its_line(read, fields, said):
    with pytest.raises(DataError, match=said):
        read(fields)
