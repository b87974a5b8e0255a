import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.cleaning.tickets import superseded_documents
from tutorial_lib.data.columns import Columns, ExportFormat, SearchColumns
from tutorial_lib.data.dataset import SPLITS, DataError
from tutorial_lib.data.help_desk import Export, combine, solved_tickets
from tutorial_lib.data.search_log import ClickSettings, from_search_log
from tutorial_lib.data.splits import split_by_time
from tutorial_lib.data.ticket_log import from_ticket_log

WORDS = ("refund", "router", "password", "invoice", "coupon", "backup", "printer", "webhook", "domain", "camera")
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(n):
    """Return the n-th day of the log as exports write it."""
    return (START + timedelta(days=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


def table(file, rows):
    """Write dicts of equal keys as CSV."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def articles(tmp_path):
    """Ten articles named after one word each; camera is published on day 85."""
    return table(
        tmp_path / "articles.csv",
        [
            {
                "article_id": w,
                "title": w,
                "body": f"All about the {w}.",
                "created_at": day(85 if w == "camera" else -9),
                "superseded_by": "",
            }
            for w in WORDS
        ],
    )


def ticket(n, message=None, resolved_by=None, **changes):
    """Return ticket n: of day n, about word n (from 0), solved with that word's article."""
    word = WORDS[n % 10]
    return {
        "ticket_id": f"T{n}",
        "created_at": day(n),
        "subject": "",
        "message": message or f"question {n} on the {word}",
        "resolved_by": word if resolved_by is None else resolved_by,
        "reopened": "false",
        **changes,
    }


def read_tickets(articles, rows, **options):
    return from_ticket_log(table(articles.with_name("tickets.csv"), rows), articles, **options)


def days(dataset, split):
    return [int(q.split("T")[1]) for q in sorted(dataset.qrels[split], key=lambda q: int(q.split("T")[1]))]


# --- tickets ------------------------------------------------------------------------------------------------------


def test_a_ticket_is_subject_and_message_with_the_article_that_solved_it(articles):
    rows = [ticket(n) for n in range(10)]
    rows[3].update(subject="Help!", message="The invoice\nis wrong", reopened="True")
    dataset = read_tickets(articles, rows)
    assert dataset.queries["ticket/T3"].text == "Help!\nThe invoice\nis wrong"
    assert dataset.queries["ticket/T3"].metadata == {
        "source": "ticket",
        "ticket_id": "T3",
        "reopened": True,
        "created_at": "2026-01-04T00:00:00+00:00",
    }
    assert dataset.qrels["train"]["ticket/T3"] == {"invoice": 1}
    assert solved_tickets(dataset)["T9"] == ["camera"]


def test_the_splits_follow_each_other_in_time(articles):
    dataset = read_tickets(articles, [ticket(n) for n in range(100)])
    assert dataset.counts() == {"articles": 10, "train": 70, "dev": 10, "test": 20}
    assert [days(dataset, s) for s in SPLITS] == [[*range(70)], [*range(70, 80)], [*range(80, 100)]]
    assert dataset.card["starts"] == {"dev": "2026-03-12T00:00:00+00:00", "test": "2026-03-22T00:00:00+00:00"}


@given(st.lists(st.integers(0, 12), min_size=10, max_size=40))
def test_no_split_reaches_into_the_next_whatever_the_times(tmp_path_factory, offsets):
    folder = tmp_path_factory.mktemp("log")
    help_centre = table(
        folder / "articles.csv", [{"article_id": "a", "title": "A", "body": "x", "created_at": "", "superseded_by": ""}]
    )
    rows = [ticket(n, resolved_by="a", created_at=day(d)) for n, d in enumerate(offsets)]
    try:
        dataset = read_tickets(help_centre, rows)
    except DataError as error:
        assert "no query falls into" in str(error)
        return
    times = [[dataset.queries[q].metadata["created_at"] for q in dataset.qrels[s]] for s in SPLITS]
    assert max(times[0]) < min(times[1])
    assert max(times[1]) < min(times[2])
    assert sum(map(len, times)) == len(offsets)


def test_splits_from_given_days_on(articles):
    rows = [ticket(n) for n in range(20)]
    dataset = read_tickets(articles, rows, dev_from="2026-01-06", test_from="2026-01-08")
    assert [days(dataset, s) for s in SPLITS] == [[0, 1, 2, 3, 4], [5, 6], [*range(7, 20)]]
    without_test = read_tickets(articles, rows, dev_from="2026-01-06")
    assert [len(without_test.qrels[s]) for s in SPLITS] == [5, 15, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"dev_from": "2027-01-01", "test_from": "2027-02-01"},
            r"no query falls into dev \(dev from 2027-01-01, test from 2027-"
            r"02-01; 20 queries from 2026-01-01 to 2026-01-20\): pass other",
        ),
        ({"dev_from": "2025-12-01", "test_from": "2026-01-10"}, "no query falls into train"),
        ({"dev_from": "2026-01-10", "test_from": "2027-01-01"}, "no query falls into test"),
        ({"dev_from": "2026-01-10", "test_from": "2026-01-05"}, "dev starts on 2026-01-10, after test on 2026-01-05"),
        ({"test_from": "2026-01-05"}, "dev starts on 2026-01-15, after test on 2026-01-05: pass an earlier dev_from"),
        ({"dev_from": "01/02/2026"}, "the date '01/02/2026' can be read both ways"),
    ],
)
def test_days_that_leave_a_split_empty_are_refused(articles, given, message):
    with pytest.raises(DataError, match=message):
        read_tickets(articles, [ticket(n) for n in range(20)], **given)


def test_an_article_of_the_test_period_is_marked(articles):
    dataset = read_tickets(articles, [ticket(n) for n in range(100)])  # test begins on day 80
    assert [a for a, v in dataset.corpus.items() if v.metadata.get("new_in_test")] == ["camera"]
    later = read_tickets(articles, [ticket(n) for n in range(100)], dev_from=day(70), test_from=day(90))
    assert not [a for a, v in later.corpus.items() if "new_in_test" in v.metadata]


def test_what_gives_no_pair_is_counted(articles):
    rows = [ticket(n) for n in range(20)] + [
        ticket(20, message="  … "),
        ticket(21, resolved_by=""),
        ticket(22, resolved_by="fax; telex"),
        ticket(23, resolved_by="fax"),
        ticket(24, message="Question 0 on a REFUND!", resolved_by="refund"),
        ticket(25, message="question 0 on the refund", resolved_by="router"),
    ]
    dataset = read_tickets(articles, rows)
    assert dataset.card["read"] == {
        "rows": 26,
        "empty message": 1,
        "not solved with an article": 1,
        "article not in the help centre": 2,
        "exact repeat": 1,
        "kept": 21,
    }
    assert dataset.card["unknown_articles"] == {"fax": 2, "telex": 1}
    assert dataset.card["notes"] == [
        "tickets.csv: 26 rows, 21 kept; left out: 2 article not in the help centre, 1 empty message, "
        "1 not solved with an article, 1 exact repeat",
        "articles named by tickets but not in the help centre: fax (2), telex (1)",
    ]
    assert "ticket/T24" in dataset.queries
    assert "ticket/T0" not in dataset.queries  # the older of the repeats


def test_broken_rows_are_counted_where_they_may_be_skipped(articles):
    file = table(articles.with_name("tickets.csv"), [ticket(n) for n in range(10)])
    with file.open("a", encoding="utf-8") as out:
        out.write("T99,broken\n")
    with pytest.raises(DataError, match=r"tickets.csv line 12: 2 fields, the header has 6"):
        from_ticket_log(file, articles)
    dataset = from_ticket_log(file, articles, Columns(format=ExportFormat(skip_broken_rows=True)))
    assert dataset.card["read"]["broken row"] == 1
    assert dataset.card["notes"] == ["tickets.csv: 11 rows, 10 kept; left out: 1 broken row"]


def test_a_time_that_cannot_be_read_is_named_by_line(articles):
    rows = [ticket(n) for n in range(10)]
    rows[4]["created_at"] = "soon"
    with pytest.raises(DataError, match=r"tickets.csv line 6: 'soon' is not a time"):
        read_tickets(articles, rows)
    file = lines(articles.with_name("tickets.jsonl"), [ticket(0), {"message": "no time", "resolved_by": "refund"}])
    with pytest.raises(DataError, match=r"tickets.jsonl line 2: '' is not a time"):
        from_ticket_log(file, articles)


def test_a_log_that_names_no_known_article_shows_both_sides(articles):
    rows = [ticket(n, resolved_by=f"https://help.example.com/{WORDS[n % 2]}") for n in range(9)]
    with pytest.raises(
        DataError,
        match=r"tickets.csv: none of 9 tickets \(9 article not in the help centre\) names an "
        r"article of .*articles.csv \(ids such as "
        r"backup, camera, coupon\); named there: https://help.example.com/refund, https://h"
        r".*: check resolved_by under \[tickets\], or set article_pattern under \[format\]",
    ):
        read_tickets(articles, rows)


def test_an_article_id_is_taken_out_of_a_link(articles):
    rows = [ticket(n, resolved_by=f"https://help.example.com/en/{WORDS[n % 10]}?from=agent") for n in range(20)]
    dataset = read_tickets(articles, rows, columns=Columns(format=ExportFormat(article_pattern=r"/en/(\w+)")))
    assert [dataset.qrels["train"][f"ticket/T{n}"] for n in range(10)] == [{w: 1} for w in WORDS]


def test_several_articles_of_one_ticket(articles):
    rows = [ticket(n) for n in range(10)]
    rows[0]["resolved_by"] = "router; fax ;refund;router"
    assert read_tickets(articles, rows).qrels["train"]["ticket/T0"] == {"router": 1, "refund": 1}
    rows[0]["resolved_by"] = "router|refund"
    piped = Columns(format=ExportFormat(separator="|"))
    assert read_tickets(articles, rows, columns=piped).qrels["train"]["ticket/T0"] == {"router": 1, "refund": 1}
    listed = [{**ticket(0), "resolved_by": ["router", "refund"]}, *(ticket(n) for n in range(1, 10))]
    file = lines(articles.with_name("tickets.jsonl"), listed)
    assert from_ticket_log(file, articles).qrels["train"]["ticket/T0"] == {"router": 1, "refund": 1}


def test_only_the_newest_tickets_are_held(articles):
    rows = [ticket(n) for n in range(50)]
    dataset = read_tickets(articles, rows[::-1], max_tickets=20)
    assert [days(dataset, s) for s in SPLITS] == [[*range(30, 44)], [44, 45], [*range(46, 50)]]
    assert dataset.card["read"] == {"rows": 50, "exact repeat, or older than the newest 20": 30, "kept": 20}
    assert read_tickets(articles, rows, max_tickets=20) == dataset


@given(st.randoms(use_true_random=False), st.integers(10, 40))
def test_the_order_of_the_rows_does_not_matter(tmp_path_factory, random, max_tickets):
    folder = tmp_path_factory.mktemp("log")
    help_centre = table(
        folder / "articles.csv",
        [{"article_id": w, "title": w, "body": w, "created_at": "", "superseded_by": ""} for w in WORDS],
    )
    rows = [ticket(n) for n in range(25)]
    rows += [ticket(n + 25, message=rows[n]["message"], resolved_by=rows[n]["resolved_by"]) for n in (2, 3, 24)]  # repeats
    rows += [ticket(24, message="the same id and time again")]
    options = {"max_tickets": max_tickets, "dev_from": day(22), "test_from": day(24)}
    expected = read_tickets(help_centre, rows, **options)
    random.shuffle(rows)
    assert read_tickets(help_centre, rows, **options) == expected


# --- searches -----------------------------------------------------------------------------------------------------

COLUMNS = Columns(search=SearchColumns(clicks=None))


def click(article_id, rank=1, dwell=60):
    return {"article_id": article_id, "rank": rank, "dwell_seconds": dwell}


def search(n, query, *clicks, ticket_followed=None):
    return {
        "session_id": f"s{n}",
        "created_at": day(n),
        "query": query,
        "clicks": list(clicks),
        "ticket_followed": ticket_followed,
    }


def twice(n, query, *clicks):
    """Two visitors do the same on day n: at rank 1 just enough for a pair."""
    return [search(n, query, *clicks), {**search(n, query, *clicks), "session_id": f"z{n}"}]


def read_searches(articles, rows, **options):
    """Read rows that follow on ten pairs of plain searches, one a day from day 0, enough for three splits."""
    plain = [row for n in range(10) for row in twice(n, f"plain {WORDS[n]}", click(WORDS[n]))]
    return from_search_log(lines(articles.with_name("searches.jsonl"), [*plain, *rows]), articles, **options)


def learnt(dataset):
    """Return query text -> article ids, without the plain searches."""
    return {
        dataset.queries[q].text: sorted(grades)
        for s in SPLITS
        for q, grades in dataset.qrels[s].items()
        if not dataset.queries[q].text.startswith("plain")
    }


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
    assert learnt(read_searches(articles, rows, settings=ClickSettings(min_dwell=20))) == {
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
    assert len(learnt(read_searches(articles, rows, settings=ClickSettings(min_weight=1.0)))) == 4
    unbiased = ClickSettings(position_bias=0.0)  # every click is worth 1
    assert learnt(read_searches(articles, rows, settings=unbiased)) == {"second place twice": ["refund"]}


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
    with pytest.raises(DataError, match=r"searches.jsonl line 21: a click needs article_id, rank and dwell_seconds, found"):
        read_searches(articles, [search(3, "x", {"article_id": "refund", "rank": 1})])
    with pytest.raises(DataError, match=r"searches.jsonl line 21: clicks is 3, not a list: where a row is one click, "):
        read_searches(articles, [{**search(3, "x"), "clicks": 3}])
    with pytest.raises(DataError, match=r"searches.jsonl: no search keeps an article .*: lower min_weight or min_dwell"):
        read_searches(articles, [], settings=ClickSettings(min_weight=9))
    file = table(articles.with_name("searches.csv"), [{"session_id": "s", "created_at": day(1), "query": "x"}])
    with pytest.raises(DataError, match=r"no column 'clicks' \(wanted for clicks\); the file has session_id, created_at, q"):
        from_search_log(file, articles)
    with pytest.raises(DataError, match=r"no column 'article_id' \(wanted for article_id\)"):
        from_search_log(file, articles, Columns(search=SearchColumns(clicks=None, ticket_followed=None)))


# --- both ---------------------------------------------------------------------------------------------------------


def write_both(articles):
    tickets = table(articles.with_name("tickets.csv"), [ticket(n) for n in range(20)])
    rows = [
        search(2, "it blinks", click("camera"), ticket_followed="T1"),  # day 2: T1 was solved with the router article
        search(14, "it beeps", click("printer", 4)),
        search(17, "no picture", click("camera", 4)),
    ]
    return Export(tickets, articles, lines(articles.with_name("searches.jsonl"), rows))


def test_an_export_divides_both_logs_on_the_same_days(articles):
    dataset = write_both(articles).read()  # 20 tickets: dev from day 14, test from day 16
    assert dataset.counts() == {"articles": 10, "train": 15, "dev": 3, "test": 5}
    assert learnt_of(dataset, "train")["it blinks"] == ["router"]
    assert learnt_of(dataset, "dev")["it beeps"] == ["printer"]
    assert learnt_of(dataset, "test")["no picture"] == ["camera"]
    assert dataset.card["source"] == (
        "tickets.csv (tickets) and articles.csv (articles); searches.jsonl (searches) and articles.csv (articles)"
    )
    assert [note.split(":")[0] for note in dataset.card["notes"]] == ["tickets.csv", "searches.jsonl"]


def learnt_of(dataset, split):
    return {dataset.queries[q].text: sorted(grades) for q, grades in dataset.qrels[split].items()}


def test_an_export_with_a_day_for_dev_alone_has_no_test(articles):
    assert write_both(articles).read(dev_from=day(10)).counts() == {"articles": 10, "train": 11, "dev": 12, "test": 0}


def test_an_export_survives_its_record(articles):
    export = write_both(articles)
    assert Export.from_record(json.loads(json.dumps(export.record()))) == export
    alone = Export(export.tickets, articles)
    assert Export.from_record(json.loads(json.dumps(alone.record()))) == alone
    assert len(alone.read().queries) == 20


def test_only_datasets_of_one_corpus_and_of_different_queries_combine(articles):
    dataset = write_both(articles).read()
    with pytest.raises(DataError, match="query id 'search/00000' stands in two of the datasets"):
        combine(dataset, dataset)
    with pytest.raises(DataError, match="10 and 9 articles: combine datasets of one corpus"):
        combine(dataset, dataset.restrict(articles=set(WORDS[:9])))


def test_a_dataset_can_be_divided_again(articles):
    dataset = read_tickets(articles, [ticket(n) for n in range(20)])
    again = split_by_time(superseded_documents(dataset).dataset, dev_from=day(3), test_from=day(5))
    assert [days(again, s) for s in SPLITS] == [[0, 1, 2], [3, 4], [*range(5, 20)]]
