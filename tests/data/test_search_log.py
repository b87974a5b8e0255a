import json

import pytest

from tests.data.logs import (
    COLUMNS,
    WORDS,
    click,
    day,
    learnt,
    read_searches,
    search,
    table,
    twice,
)
from tutorial_lib.data.columns import Columns, SearchColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.search_log import ClickSettings, from_search_log


def test_searches_are_divided_by_time_too(articles):
    dataset = read_searches(articles, [])
    assert dataset.counts() == {"articles": 10, "train": 7, "dev": 1, "test": 2}
    assert [dataset.queries[q].text for q in dataset.qrels["test"]] == ["plain domain", "plain camera"]
    query = dataset.queries[next(iter(dataset.qrels["dev"]))]
    assert query.metadata == {"source": "search", "created_at": "2026-01-08T00:00:00+00:00", "click_weight": 2.0}


def test_only_the_last_click_counts(articles):
    rows = twice(3, "money back", click("coupon"), click("refund"))
    dataset = read_searches(articles, rows)
    assert learnt(dataset) == {"money back": ["refund"]}
    assert dataset.card["read"]["clicks before the last"] == 2


def test_the_reader_must_have_stayed(articles):
    rows = twice(3, "money back", click("refund", dwell=29)) + twice(4, "blinking", click("router", dwell=30))
    dataset = read_searches(articles, rows)
    assert learnt(dataset) == {"blinking": ["router"]}
    assert dataset.card["read"]["left within 30 s"] == 2
    assert learnt(read_searches(articles, rows, clicks=ClickSettings(min_dwell=20))) == {
        "blinking": ["router"],
        "money back": ["refund"],
    }


def test_a_click_is_worth_its_rank_to_the_power_of_the_bias(articles):
    # 2 ** 0.7 is 1.62 and 3 ** 0.7 is 2.16: one click at rank 3 is enough for weight 2, one at rank 1 or 2 is not.
    rows = [
        search(3, "first place", click("refund", 1)),
        search(3, "second place", click("refund", 2)),
        search(3, "third place", click("refund", 3)),
        *twice(3, "second place twice", click("refund", 2)),
    ]
    dataset = read_searches(articles, rows)
    assert learnt(dataset) == {"third place": ["refund"], "second place twice": ["refund"]}
    weights = {v.text: v.metadata["click_weight"] for v in dataset.queries.values()}
    assert weights["third place"] == 2.158
    assert weights["second place twice"] == 3.249
    assert dataset.card["read"]["(query, article) too weak"] == 2
    assert len(learnt(read_searches(articles, rows, clicks=ClickSettings(min_weight=1.0)))) == 4
    unbiased = ClickSettings(position_bias=0.0)  # every click is worth 1
    assert learnt(read_searches(articles, rows, clicks=unbiased)) == {"second place twice": ["refund"]}


def test_clicks_add_up_by_article_over_spellings(articles):
    rows = [
        search(5, "Money back!", click("refund")),
        search(3, "the money-back", click("refund")),
        *twice(4, "money back", click("coupon")),
        search(4, "money back", click("router")),
    ]
    dataset = read_searches(articles, rows)
    assert learnt(dataset) == {"Money back!": ["coupon", "refund"]}
    query = next(v for v in dataset.queries.values() if v.text == "Money back!")
    assert query.metadata["created_at"] == "2026-01-04T00:00:00+00:00"  # the first of them
    assert query.metadata["click_weight"] == 2.0


@pytest.mark.parametrize(
    ("followed", "pairs"),
    [
        ("T7", {"it blinks": ["refund", "router"]}),
        ("T8", {}),
        (True, {}),
        ("true", {}),
        (None, {"it blinks": ["camera"]}),
        (False, {"it blinks": ["camera"]}),
        ("", {"it blinks": ["camera"]}),
    ],
)
def test_a_search_that_failed_takes_the_article_of_its_ticket(articles, followed, pairs):
    row = search(3, "it blinks", click("camera", rank=5), ticket_followed=followed)
    dataset = read_searches(articles, [row], solved={"T7": ["router", "refund", "fax"]})
    assert learnt(dataset) == pairs
    assert dataset.card["read"].get("failed, answered by the ticket", 0) == (followed == "T7")
    assert learnt(read_searches(articles, [row])) == ({} if followed else pairs)  # nobody knows what solved the ticket


def test_searches_that_say_nothing_are_counted(articles):
    rows = [
        search(3, " ? "),
        search(3, "nothing found"),
        search(3, "old", click("fax", 9)),
        *twice(3, "new", click("camera")),
    ]
    read = read_searches(articles, rows).card["read"]
    assert read["searches"] == 25
    assert read["clicks"] == 23
    assert read["satisfied"] == 22
    assert [read[k] for k in ("empty searches", "given up without a click", "article not in the help centre")] == [1, 1, 1]


def test_a_click_a_row_gives_the_same_dataset(articles):
    rows = [
        *twice(3, "money back", click("coupon"), click("refund")),
        search(4, "nothing found"),
        search(5, "third", click("router", 3), ticket_followed="T7"),
        search(6, "brief", click("router", 3, dwell=1)),
    ]
    nested = read_searches(articles, rows)
    flat = []
    for row in map(json.loads, articles.with_name("searches.jsonl").read_text().splitlines()):
        clicks = row.pop("clicks")
        flat += [{**row, **one} for one in clicks or [{"article_id": "", "rank": "", "dwell_seconds": ""}]]
    read = from_search_log(table(articles.with_name("searches.csv"), flat), articles, COLUMNS)
    assert (read.corpus, read.queries, read.qrels) == (nested.corpus, nested.queries, nested.qrels)
    assert read.card["read"] == nested.card["read"]


def test_search_logs_that_cannot_be_used(articles):
    with pytest.raises(DataError, match=r"searches.jsonl line 21: a click needs article_id, rank \(from 1 to 1,000,000\)"):
        read_searches(articles, [search(3, "x", {"article_id": "refund", "rank": 1})])
    with pytest.raises(DataError, match=r"searches.jsonl line 21: clicks is 3, not a list: where a row is one click, "):
        read_searches(articles, [{**search(3, "x"), "clicks": 3}])
    with pytest.raises(DataError, match=r"searches.jsonl: no search keeps an article .*: lower min_weight or min_dwell"):
        read_searches(articles, [], clicks=ClickSettings(min_weight=9))
    file = table(articles.with_name("searches.csv"), [{"session_id": "s", "created_at": day(1), "query": "x"}])
    with pytest.raises(DataError, match=r"no column 'clicks' \(wanted for clicks\); the file has session_id, created_at, q"):
        from_search_log(file, articles)
    with pytest.raises(DataError, match=r"no column 'article_id' \(wanted for article_id\)"):
        from_search_log(file, articles, Columns(search=SearchColumns(clicks=None, ticket_followed=None)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rank": float("nan")},
        {"rank": float("inf")},
        {"rank": -5},
        {"rank": 0},
        {"rank": 10**400},
        {"dwell_seconds": float("nan")},
        {"dwell_seconds": -1},
        {"article_id": ["refund"]},
    ],
)
def test_a_click_without_a_place_or_a_time_is_refused(articles, wrong):
    with pytest.raises(DataError, match=r"searches.jsonl line 21: a click needs"):
        read_searches(articles, [search(3, "x", {**click("refund"), **wrong})])


def test_a_query_that_is_an_object_is_refused(articles):
    with pytest.raises(DataError, match=r"searches.jsonl line 21: column 'query' \(wanted for query\) holds an object \(q\)"):
        read_searches(articles, [search(3, {"q": "x"})])


def test_of_rows_of_one_search_any_may_name_the_ticket_and_one_may_be_a_repeat_without_a_click(articles):
    def row(n, query, article="", followed=""):
        return {
            "session_id": f"s{n}",
            "created_at": day(n),
            "query": query,
            "article_id": article,
            "rank": 3 if article else "",
            "dwell_seconds": 60 if article else "",
            "ticket_followed": followed,
        }

    plain = [row(n, f"plain {WORDS[n]}", WORDS[n]) for n in range(10)]
    repeated = [row(11, "money back", "refund"), row(11, "money back")]
    failed = [row(12, "it blinks", "camera"), row(12, "it blinks", followed="T7")]
    file = table(articles.with_name("flat.csv"), [*plain, *repeated, *failed])
    dataset = from_search_log(file, articles, COLUMNS, solved={"T7": ["router"]})
    assert learnt(dataset) == {"money back": ["refund"], "it blinks": ["router"]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_dwell": -1}, "min_dwell is -1: pass seconds, 0 or more"),
        ({"position_bias": -0.1}, "position_bias is -0.1: pass 0 .* to 5; 0.7 is usual"),
        ({"min_weight": 0}, "min_weight is 0: pass a sum of click weights above 0; 1 is one click"),
        ({"min_weight": float("nan")}, "min_weight is nan"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(given, message):
    with pytest.raises(ValueError, match=message):
        ClickSettings(**given)
