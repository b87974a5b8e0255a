"""Queries and events joined: what becomes of each kind, and that the click model reads them as its own."""

import json
from collections import Counter

import pytest

from tests.data.logs import day, learnt, lines
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.registry import find_source
from tutorial_lib.data.search_log import from_search_log
from tutorial_lib.data.ubi_log import SESSION, UbiLog


def query(n, text, client="", hits=("refund", "router", "coupon"), seconds=0):
    return {
        "query_id": f"q{n}",
        "user_query": text,
        "client_id": client,
        "timestamp": day(n).replace("00:00Z", f"{seconds // 60:02}:{seconds % 60:02}Z"),
        "query_response_hit_ids": list(hits),
    }


def event(n, action, document="", seconds=0, **attributes):
    place = {"position": {"ordinal": attributes.pop("ordinal")}} if "ordinal" in attributes else {}
    return {
        "action_name": action,
        "query_id": f"q{n}",
        "timestamp": day(n).replace("00:00Z", f"{seconds // 60:02}:{seconds % 60:02}Z"),
        "event_attributes": {"object": {"object_id": document}, **place, **attributes},
    }


@pytest.fixture
def joined(tmp_path):
    """Write records and return (rows without session and time, count)."""

    def joined(*rows):
        count = Counter()
        found = UbiLog(lines(tmp_path / "log.jsonl", rows)).rows(count)
        return [(row["query"], row["clicks"], row["ticket_followed"]) for _, row in found], dict(count)

    return joined


def click(document, rank, seconds):
    return {"article_id": document, "rank": rank, "dwell_seconds": seconds}


def test_a_click_has_its_place_among_what_was_shown_and_the_seconds_measured(joined):
    rows, count = joined(query(1, "money"), event(1, "click", "router", 5), event(1, "leave", "router", 9, dwell_seconds=3.5))
    assert rows == [("money", [click("router", 2, 3.5)], None)]
    assert count == {}


def test_what_nobody_measured_lasts_until_the_next_sign_of_the_visitor_or_a_session(joined):
    rows, _ = joined(
        query(1, "first", "c", seconds=0),
        event(1, "click", "refund", 10),
        event(1, "click", "coupon", 50),
        query(1, "another visitor", "d", seconds=12) | {"query_id": "q0"},
        query(1, "second", "c", seconds=60) | {"query_id": "q2"},
        event(1, "click", "router", 70) | {"query_id": "q2"},
    )
    assert [clicks for _, clicks, _ in rows] == [
        [click("refund", 1, 40.0), click("coupon", 3, 10.0)],
        [],
        [click("router", 2, SESSION)],
    ]


def test_what_was_said_to_answer_is_the_last_click_and_a_long_one(joined):
    rows, _ = joined(
        query(1, "money"),
        event(1, "click", "router", 5),
        event(1, "answered", "router", 9),
        event(1, "leave", "router", 9, dwell_seconds=4),
        event(1, "click", "refund", 20),
        event(1, "leave", "refund", 22, dwell_seconds=2),
    )
    assert rows[0][1] == [click("refund", 1, 2.0), click("router", 2, SESSION)]


def test_events_come_in_any_order_and_before_their_query(joined):
    rows, count = joined(
        event(1, "leave", "refund", 30, dwell_seconds=20), event(1, "click", "refund", 10), query(1, "money")
    )
    assert rows == [("money", [click("refund", 1, 20.0)], None)]
    assert count == {}
    early = event(1, "click", "refund") | {"timestamp": day(0)}
    rows, count = joined(query(1, "money"), early)
    assert rows[0][1] == [click("refund", 1, SESSION)]
    assert count == {"event before its query: a clock went back": 1}


def test_a_ticket_that_followed(joined):
    rows, _ = joined(query(1, "money"), event(1, "ticket") | {"message": "T-7"}, query(2, "a"), event(2, "ticket"))
    assert [ticket for _, _, ticket in rows] == ["T-7", "true"]


def test_what_is_left_out_is_counted_by_its_reason(joined):
    rows, count = joined(
        query(1, "money"),
        event(1, "hover", "refund"),
        event(1, "click", "unknown"),
        event(1, "click", ordinal=3),
        event(9, "click", "refund"),
        {"message": "hello"},
        event(1, "click", "unknown", ordinal=7),
    )
    assert rows[0][1] == [click("unknown", 7, SESSION)]
    assert count == {
        "event of another action": 1,
        "event without a document or its place": 2,
        "event of no known query": 1,
        "neither query nor event": 1,
    }


def test_a_second_page_is_one_search_with_the_first_and_two_wordings_of_one_id_are_none(joined):
    rows, count = joined(
        query(1, "Money back", hits=["a", "b"]),
        query(1, "money back", hits=["b", "c"]),
        event(1, "click", "c"),
        query(2, "one"),
        query(2, "other"),
        query(2, "third"),
        event(2, "click", "refund"),
    )
    assert rows == [("Money back", [click("c", 3, SESSION)], None)]
    assert count == {"searches that share a query_id": 3, "event of no known query": 1}


def test_a_half_line_of_a_killed_writer_is_counted_and_the_next_line_is_read(tmp_path):
    file = tmp_path / "queries-2026-01-02.jsonl"
    whole = json.dumps(query(1, "money"))
    file.write_text(f"{whole}\n{whole[:30]}\n{json.dumps(query(2, 'other'))}\n{whole[:9]}")
    count = Counter()
    assert [row["query"] for _, row in UbiLog(tmp_path).rows(count)] == ["money", "other"]
    assert count == {"broken row": 2}


def test_a_file_that_is_no_such_log_is_refused(tmp_path):
    file = tmp_path / "log.jsonl"
    file.write_text(f"{json.dumps(query(1, 'a'))}\nno\nno\n")
    with pytest.raises(
        DataError, match=r"log.jsonl: 2 of 3 lines are broken: this is no log of searches \(.* line 2: not JSON"
    ):
        list(UbiLog(file).rows())
    with pytest.raises(DataError, match=r"log.jsonl: no query \(a record with user_query\), only 1 events: pass the folder"):
        list(UbiLog(lines(file, [event(1, "click", "refund")])).rows())


def test_pairs_are_those_of_the_same_clicks_in_our_own_columns(articles, tmp_path):
    ubi = []
    for n in range(2):  # two visitors say so; at the first place one is not enough
        ubi += [query(n, "money back", f"c{n}"), event(n, "click", "refund", 5), event(n, "answered", "refund", 9)]
    ubi += [query(5, "it blinks", "c5"), event(5, "click", "coupon", 5), event(5, "leave", "coupon", 9, dwell_seconds=31)]
    ubi += [query(6, "no time", "c6") | {"timestamp": None}, event(6, "answered", "coupon", 5)]
    dataset = from_search_log(lines(tmp_path / "log.jsonl", ubi), articles, divide=False)
    assert learnt(dataset) == {"money back": ["refund"], "it blinks": ["coupon"]}
    read = dataset.card["read"]
    assert (read["searches"], read["clicks"], read["satisfied"], read["no usable date"]) == (4, 4, 4, 1)
    failed = [query(1, "it blinks"), event(1, "ticket") | {"message": "T7"}]
    solved = from_search_log(lines(tmp_path / "log.jsonl", failed), articles, divide=False, solved={"T7": ["router"]})
    assert learnt(solved) == {"it blinks": ["router"]}


def test_a_folder_of_day_files_is_a_help_desks_search_log(articles, tmp_path):
    folder = tmp_path / "events"
    folder.mkdir()
    log = lines(folder / "queries-2026-01-02.jsonl", [query(1, "money")])
    desk = HelpDesk(tmp_path / "tickets.csv", articles, folder, Columns())
    (tmp_path / "tickets.csv").write_text("ticket_id\n")
    source = find_source(tmp_path / "tickets.csv", desk)
    before = source.key()
    lines(log, [query(1, "money"), query(2, "other")])
    assert source.key() != before
