import json
from datetime import timedelta

import pytest

from tests.monitoring.matters import START
from tutorial_lib.data.columns import Columns, SearchColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.support_desk_year2 import SUPPORT_DESK_YEAR2_FILES
from tutorial_lib.monitoring.searches import LONGEST, Click, read_searches


def row(hours=0, query="refund", session="s1", clicks=(), ticket=None, **changes):
    at = (START + timedelta(hours=hours)).isoformat()
    return {
        "session_id": session,
        "created_at": at,
        "query": query,
        "clicks": list(clicks),
        "ticket_followed": ticket,
        **changes,
    }


def read(folder, *rows):
    file = folder / "log.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return read_searches(file)


def click(article="a", dwell=40.0):
    return {"article_id": article, "rank": 1, "dwell_seconds": dwell}


def test_a_row_is_a_search_with_its_clicks(tmp_path):
    log = read(tmp_path, row(clicks=[click("a", 3.0), click("b")], ticket=None), row(1, ticket="T-7"))
    assert log.searches[0].clicks == (Click("a", 1, 3.0), Click("b", 1, 40.0))
    assert [s.ticket for s in log.searches] == [False, True]
    assert log.notes == ()


@pytest.mark.parametrize(
    ("clicks", "ticket", "answer"),
    [([], None, None), ([click()], None, "a"), ([click(dwell=5.0)], None, None), ([click()], "T-1", None)],
)
def test_what_was_read_last_and_long_enough_answers_if_no_ticket_followed(tmp_path, clicks, ticket, answer):
    assert read(tmp_path, row(clicks=clicks, ticket=ticket)).searches[0].answer == answer


def test_rows_out_of_order_are_sorted_and_clocks_that_go_back_are_told(tmp_path):
    log = read(tmp_path, row(5, session="a"), row(2, session="b"), row(4, session="a", query="router"))
    assert [(s.session_id, s.query) for s in log.searches] == [("b", "refund"), ("a", "router"), ("a", "refund")]
    assert log.notes == (
        "log.jsonl: 1 rows are older than the row before them: sorted by time",
        "log.jsonl: the clock went back within 1 sessions, 'a' among them",
    )


def test_what_is_no_search_is_left_out_and_counted(tmp_path):
    log = read(
        tmp_path,
        row(0),
        row(0),
        row(1, query="x" * 100_000),
        row(2, query="??"),
        row(3, session=""),
        row(4, created_at="9999-12-31T00:00:00Z"),
    )
    assert len(log.searches) == 1
    assert log.notes == (
        f"log.jsonl: left out 1 searches that stand twice, 1 searches with a query of more than {LONGEST:,} characters, "
        "1 searches without a query, 1 searches without a session_id, 1 searches with no usable date",
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(query="!")], r"no search can be used \(1 searches without a query\)"),
        ([{**row(), "clicks": "a"}], "line 1: clicks is 'a', not a list"),
        ([row(clicks=[{"article_id": "a"}])], "line 1: a click needs article_id, rank"),
        ([row(clicks=[{**click(), "rank": 0}])], "line 1: a click needs article_id, rank"),
        ([row(clicks=[{**click(), "dwell_seconds": float("inf")}])], "line 1: a click needs"),
        ([row(), row(24 * 7 * 60, query="late")], r"from 2026-01-05 to 2027-03-01 \('late'\): a clock was wrong"),
        ([row(created_at="soon")], "line 1: 'soon' is not a time"),
    ],
)
def test_what_cannot_be_a_log_is_refused(tmp_path, rows, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, *rows)


def test_a_log_of_one_click_a_row_without_tickets_is_read(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text(
        "session_id,created_at,query,article_id,rank,dwell_seconds\n"
        "s,2026-01-05T08:00:00Z,refund,a,1,4\ns,2026-01-05T08:00:00Z,refund,b,2,50\nt,2026-01-05T09:00:00Z,router,,,\n"
    )
    log = read_searches(file, Columns(search=SearchColumns(clicks=None, ticket_followed=None)))
    assert [(s.query, s.answer, s.ticket) for s in log.searches] == [("refund", "b", None), ("router", None, None)]


def test_the_second_year_is_read_whole():
    log = read_searches(SUPPORT_DESK_YEAR2_FILES / "search_log.jsonl")
    assert (len(log.searches), log.notes) == (1203, ())


def test_only_what_is_later_is_kept_and_told(tmp_path):
    log = read(tmp_path, row(0, session="a"), row(1, session="b"), row(2, session="c"))
    later = log.without_before(log.searches[1].when)
    assert [s.session_id for s in later.searches] == ["c"]
    assert later.notes == ("log.jsonl: 2 searches up to 2026-01-05 01:00, which are from before, are left out",)
    assert log.without_before(START - timedelta(days=1)) is log


def test_the_log_of_the_service_is_read_too(tmp_path):
    query = {"query_id": "q1", "client_id": "v1", "user_query": "refund", "timestamp": START.isoformat()}
    opened = {"object": {"object_id": "b"}, "position": {"ordinal": 2}}
    event = {"action_name": "click", "query_id": "q1", "timestamp": (START + timedelta(seconds=5)).isoformat()}
    records = [query | {"query_response_hit_ids": ["a", "b"]}, event | {"event_attributes": opened}]
    (tmp_path / "queries-2026-01-05.jsonl").write_text(json.dumps(records[0]) + "\n", encoding="utf-8")
    (tmp_path / "events-2026-01-05.jsonl").write_text(json.dumps(records[1]) + "\n", encoding="utf-8")
    (search,) = read_searches(tmp_path).searches
    assert (search.session_id, search.query, search.when) == ("v1", "refund", START)
    assert [(c.article_id, c.rank) for c in search.clicks] == [("b", 2)]
