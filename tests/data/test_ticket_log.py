import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.logs import (
    WORDS,
    day,
    days,
    lines,
    read_tickets,
    table,
    ticket,
)
from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import Columns, ExportFormat
from tutorial_lib.data.dataset import SPLITS, DataError
from tutorial_lib.data.help_desk import solved_tickets
from tutorial_lib.data.splits import SplitSettings
from tutorial_lib.data.ticket_log import from_ticket_log


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
    dataset = read_tickets(articles, rows, split=SplitSettings("2026-01-06", "2026-01-08"))
    assert [days(dataset, s) for s in SPLITS] == [[0, 1, 2, 3, 4], [5, 6], [*range(7, 20)]]


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
    ],
)
def test_days_that_leave_a_split_empty_are_refused(articles, given, message):
    with pytest.raises(DataError, match=message):
        read_tickets(articles, [ticket(n) for n in range(20)], split=SplitSettings(**given))


def test_an_article_of_the_test_period_is_marked(articles):
    dataset = read_tickets(articles, [ticket(n) for n in range(100)])  # test begins on day 80
    assert [a for a, v in dataset.corpus.items() if v.metadata.get("new_in_test")] == ["camera"]
    later = read_tickets(articles, [ticket(n) for n in range(100)], split=SplitSettings(day(70), day(90)))
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
    assert list(dataset.notes) == [
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
    assert list(dataset.notes) == ["tickets.csv: 11 rows, 10 kept; left out: 1 broken row"]


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
    options = {"max_tickets": max_tickets, "split": SplitSettings(day(22), day(24))}
    expected = read_tickets(help_centre, rows, **options)
    random.shuffle(rows)
    assert read_tickets(help_centre, rows, **options) == expected


def test_the_ids_of_all_exact_repeats_are_kept(articles):
    rows = [ticket(n) for n in range(10)]
    rows += [ticket(n + 20, message=rows[0]["message"], resolved_by="refund") for n in range(2)]
    dataset = read_tickets(articles, rows)
    assert dataset.queries["ticket/T21"].metadata["repeats"] == ["T0", "T20"]
    assert "repeats" not in dataset.queries["ticket/T1"].metadata
    solved = solved_tickets(dataset)
    assert solved["T0"] == solved["T20"] == solved["T21"] == ["refund"]


def test_a_date_that_stands_for_none_is_counted(articles):
    rows = [ticket(n) for n in range(10)] + [
        ticket(10, created_at="9999-12-31T23:59:59-05:00"),
        ticket(11, created_at="1970-01-01"),
    ]
    assert read_tickets(articles, rows).notes == ("tickets.csv: 12 rows, 10 kept; left out: 2 no usable date",)


@pytest.mark.parametrize("said", ["Y", "yes", "1", "TRUE"])
def test_a_ticket_was_reopened_or_not(articles, said):
    rows = [ticket(n, reopened="N") for n in range(10)]
    rows[3]["reopened"] = said
    read = read_tickets(articles, rows)
    assert [q for q, v in read.queries.items() if v.metadata["reopened"]] == ["ticket/T3"]
    rows[4]["reopened"] = "perhaps"
    with pytest.raises(DataError, match=r"tickets.csv line 6: reopened is 'perhaps': write true or false"):
        read_tickets(articles, rows)


def test_articles_of_repeated_columns_all_count(articles):
    head = "ticket_id,created_at,subject,message,reopened,resolved_by,resolved_by\n"
    rows = "".join(f"T{n},{day(n)},,question {n},no,{WORDS[n]},{'router;coupon' if n == 2 else ''}\n" for n in range(10))
    file = articles.with_name("tickets.csv")
    file.write_text(head + rows, encoding="utf-8")
    judged = from_ticket_log(file, articles).qrels["train"]
    assert judged["ticket/T2"] == {"password": 1, "router": 1, "coupon": 1}
    assert judged["ticket/T0"] == {"refund": 1}


def test_articles_that_were_read_already_are_handed_on(articles):
    rows = [ticket(n) for n in range(20)]
    corpus = read_articles(articles).corpus
    expected = read_tickets(articles, rows)
    articles.unlink()
    assert read_tickets(articles, rows, corpus=corpus) == expected


def test_a_log_of_no_tickets_is_refused(articles):
    with pytest.raises(ValueError, match="max_tickets is 0: pass how many tickets to keep, at least 1"):
        read_tickets(articles, [ticket(1)], max_tickets=0)
