"""Tickets and searches of the second year: in order, linked to what existed, written one by one, drifting with the world."""

import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.support_desk import counts, jsonl, planted, raw_tickets, text_checks
from tutorial_lib.data.support_desk_year2 import SUPPORT_DESK_YEAR2_FILES as FOLDER
from tutorial_lib.text import tokenize

README = Path(__file__).resolve().parents[2] / "data" / "README.md"
MONTHS = [f"2026-{m:02}" for m in range(7, 13)] + [f"2027-{m:02}" for m in range(1, 7)]
QUARTERS = [MONTHS[n : n + 3] for n in range(0, 12, 3)]


@pytest.fixture(scope="module")
def articles():
    return {a["article_id"]: a for a in jsonl("articles.jsonl", FOLDER)}


@pytest.fixture(scope="module")
def tickets():
    return raw_tickets(FOLDER)


@pytest.fixture(scope="module")
def truth():
    return planted(FOLDER)


@pytest.fixture(scope="module")
def searches():
    return jsonl("search_log.jsonl", FOLDER)


def share(searches, months, words):
    """The share of searches of ``months`` that hold one of ``words``."""
    asked = [set(tokenize(s["query"])) for s in searches if s["created_at"][:7] in months]
    return sum(bool(words & a) for a in asked) / len(asked)


# --- tickets ------------------------------------------------------------------------------------------------------


def test_there_is_enough_of_everything():
    found = counts(FOLDER)
    assert found["tickets"] >= 400 and found["searches"] >= 1200 and found["golden"] >= 120
    assert found["article_words"][0] >= 80 and found["article_words"][2] <= 250
    assert {"wrong", "pasted", "missing", "superseded", "absent", "none", "noise"} < set(found["recorded"])


def test_tickets_are_of_the_year_in_order_and_link_what_existed(articles, tickets, truth):
    rows = list(tickets.values())
    assert [r["created_at"] for r in rows] == sorted(r["created_at"] for r in rows)
    assert [r["ticket_id"] for r in rows] == sorted(r["ticket_id"] for r in rows) and rows[0]["ticket_id"] > max(
        raw_tickets()
    )
    assert {r["created_at"][:7] for r in rows} == set(MONTHS)
    for r in rows:
        for a in filter(None, [*r["linked_articles"].split(";"), r["resolved_by"]]):
            absent = truth[r["ticket_id"]]["recorded"] == "absent"
            assert (a not in articles) if absent else (articles[a]["created_at"] <= r["created_at"][:10]), r


def test_what_is_said_of_a_ticket_stands_in_it(articles, tickets, truth):
    assert list(tickets) == list(truth)
    for t, told in truth.items():
        text = f"{tickets[t]['subject']}\n{tickets[t]['message']}"
        assert all(value in text for _, value in told["personal_data"]), t
        assert text.endswith(told["tail"] or "")
        assert all(articles[a]["created_at"] <= tickets[t]["created_at"][:10] for a in told["answers"]), t
        assert (tickets[t]["resolved_by"] in told["answers"]) == (told["recorded"] in ("right", "noise")), t
        if told["copy_of"]:
            assert tickets[told["copy_of"]]["created_at"] < tickets[t]["created_at"]


def test_texts_were_written_not_templated():
    found = text_checks(FOLDER)
    assert found["distinct_3grams"] >= 0.75
    assert found["similar"] == [] and found["titles"] == []


def test_no_two_tickets_share_twelve_words(tickets, truth):
    holders = defaultdict(set)
    for t, row in tickets.items():
        words = tokenize(row["message"].removesuffix(truth[t]["tail"] or ""))
        for n in range(len(words) - 11):
            holders[tuple(words[n : n + 12])].add(truth[t]["copy_of"] or t)
    assert len(holders) > 5000 and [run for run, held in holders.items() if len(held) > 1] == []


# --- searches -----------------------------------------------------------------------------------------------------


def test_searches_are_of_the_year_in_order_and_show_what_existed(searches, articles):
    assert [s["created_at"] for s in searches] == sorted(s["created_at"] for s in searches)
    assert {s["created_at"][:7] for s in searches} == set(MONTHS)
    for s in searches:
        shown = {r["rank"]: r["article_id"] for r in s["results"]}
        assert list(shown) == list(range(1, len(shown) + 1)) and len(shown) <= 8
        assert all(articles[a]["created_at"] <= s["created_at"][:10] for a in shown.values())
        assert all(shown[c["rank"]] == c["article_id"] and c["dwell_seconds"] >= 0 for c in s["clicks"])


def test_a_session_is_an_hour_of_one_visitor_and_a_ticket_follows_its_last_search(searches, tickets):
    sessions = defaultdict(list)
    for s in searches:
        sessions[s["session_id"]].append(s)
    assert Counter(map(len, sessions.values())).keys() == {1, 2, 3}
    for session in sessions.values():
        first, last = (datetime.fromisoformat(session[n]["created_at"]) for n in (0, -1))
        assert last - first < timedelta(hours=1)
        assert not any(s["ticket_followed"] for s in session[:-1])
        followed = session[-1]["ticket_followed"]
        assert followed is None or session[-1]["created_at"] < tickets[followed]["created_at"]
    named = [s["ticket_followed"] for s in searches if s["ticket_followed"]]
    assert len(named) == len(set(named)) > 200


def test_higher_places_are_clicked_more(searches):
    clicked = Counter(c["rank"] for s in searches for c in s["clicks"])
    assert clicked[1] > clicked[2] > clicked[5]
    assert 0.2 < sum(not s["clicks"] for s in searches) / len(searches) < 0.4


def test_words_drift_as_the_world_does(searches):
    lookout, gantry = ([share(searches, q, {name}) for q in QUARTERS] for name in ("lookout", "gantry"))
    new_name = [n / (n + o) for n, o in zip(lookout, gantry, strict=True)]
    assert new_name[0] == 0 and new_name == sorted(new_name) and 0.6 < new_name[3] < 0.9  # both names live on
    whistle = [share(searches, q, {"whistle", "sms", "text", "texts", "texting"}) for q in QUARTERS]
    assert max(whistle[:2]) < 0.02 < 0.06 < whistle[2] < whistle[3]
    tender = [
        share(searches, q, {"tender", "stock", "stocktake", "part", "parts", "inventory", "material"}) for q in QUARTERS
    ]
    assert tender == sorted(tender) and tender[0] < 0.06 < 0.1 < tender[3]
    sumwell = [share(searches, q, {"sumwell"}) for q in QUARTERS]
    assert max(sumwell[1], sumwell[2]) > sumwell[0] > 0 and sumwell[3] < 0.02  # talked about as it ends, then forgotten
    price = {"price", "prices", "fare", "fares", "increase", "rise"}
    burst = share(searches, ["2027-02", "2027-03"], price)
    assert burst > 2 * share(searches, [m for m in MONTHS if m not in ("2027-02", "2027-03")], price)


def test_the_datasheet_counts_by_month(tickets, searches):
    """Rows of months: tickets, searches, and those naming the Lookout, the Gantry, Whistle, the Tender and Sumwell."""
    rows = re.findall(r"^\| (2026|2027)-(\d\d) \| ([\d |]+) \|$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [f"{year}-{month}" for year, month, _ in rows] == MONTHS
    names = ("lookout", "gantry", "whistle", "tender", "sumwell")
    for (_, _, said), month in zip(rows, MONTHS, strict=True):
        asked = [s["query"].lower() for s in searches if s["created_at"].startswith(month)]
        opened = sum(t["created_at"].startswith(month) for t in tickets.values())
        assert [int(n) for n in said.split(" | ")] == [opened, len(asked), *(sum(n in q for q in asked) for n in names)]
