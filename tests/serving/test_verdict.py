"""From records of searches and clicks to who is preferred, and what is refused."""

import json

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.serving.verdict import preferences

TEAMS = {"a": "1+2", "b": "1", "x": "2"}


def query(n, teams=TEAMS, version=1, **fields):
    attributes = {"version": version} | ({"teams": teams} if teams is not None else {})
    return {"query_id": f"q{n}", "user_query": "refund", "query_attributes": attributes} | fields


def event(n, document, action="click"):
    return {"query_id": f"q{n}", "action_name": action, "event_attributes": {"object": {"object_id": document}}}


@pytest.fixture
def log(tmp_path):
    def written(*records, name="queries-2026-01-01.jsonl"):
        with (tmp_path / name).open("a") as file:
            file.writelines(f"{record if isinstance(record, str) else json.dumps(record)}\n" for record in records)
        return tmp_path

    return written


def test_clicks_are_credited_whatever_file_and_order_they_stand_in(log):
    log(event(1, "x"), event(1, "x"), event(2, "b", "answered"), event(9, "x"), name="a-first.jsonl")
    folder = log(query(1), query(2), query(3), query(4), query(5, None))
    log(event(3, "a"), event(4, "b"), event(4, "x"), event(5, "x"), event(2, "x", "leave"), name="events-2026-01-01.jsonl")
    (found,) = preferences(folder)
    assert (found.live, found.candidate) == ("1", "2")
    assert found.won.tolist() == [1, -1, 0, 0]  # x; b; what both have; one of each


def test_each_pair_has_its_own_line_and_a_client_its_searches(log):
    folder = log(query(1, client_id="c"), query(2, client_id="c"), query(3, {"a": "2+3"}, version=2))
    first, second = preferences(folder, planned=5)
    assert (first.live, first.candidate, list(first.clients), first.planned) == ("1", "2", ["c", "c"], 5)
    assert (second.live, second.candidate, list(second.clients)) == ("2", "3", ["q3"])


def test_a_line_that_was_cut_is_passed_over(log):
    (found,) = preferences(log(query(1), '{"query_id": "q2", "user_qu'))
    assert found.searches == 1


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([query(1, None)], "no search in .* was interleaved: serve the run with --candidate"),
        ([query(1, ["a"])], r"line 1: query_attributes.teams is \['a'\], not an object"),
        ([query(1, {"a": 2})], "not an object of texts"),
        ([query(1, {"a": "1+2", "b": "3"})], r"names the versions \['1', '2', '3'\], not 1 and one other"),
        ([query(1, version=7)], "not 7 and one other"),
    ],
)
def test_what_cannot_be_is_refused(log, records, said):
    with pytest.raises(DataError, match=said):
        preferences(log(*records))


def test_no_log(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match="there is no event log in"):
            preferences(folder)
