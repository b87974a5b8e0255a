import json

import pytest

from tests.data.logs import (
    WORDS,
    click,
    day,
    days,
    lines,
    read_tickets,
    search,
    table,
    ticket,
)
from tutorial_lib.cleaning.tickets import superseded_documents
from tutorial_lib.data import help_desk, search_log, ticket_log
from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.dataset import SPLITS, DataError
from tutorial_lib.data.help_desk import HelpDesk, combine
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.data.splits import SplitSettings, split_by_time


def write_both(articles):
    tickets = table(articles.with_name("tickets.csv"), [ticket(n) for n in range(20)])
    rows = [
        search(2, "it blinks", click("camera"), ticket_followed="T1"),  # day 2: T1 was solved with the router article
        search(14, "it beeps", click("printer", 4)),
        search(17, "no picture", click("camera", 4)),
    ]
    return HelpDesk(tickets, articles, lines(articles.with_name("searches.jsonl"), rows))


def test_a_help_desk_divides_both_logs_on_the_same_days(articles):
    dataset = write_both(articles).read()  # 20 tickets: dev from day 14, test from day 16
    assert dataset.counts() == {"articles": 10, "train": 15, "dev": 3, "test": 5}
    assert learnt_of(dataset, "train")["it blinks"] == ["router"]
    assert learnt_of(dataset, "dev")["it beeps"] == ["printer"]
    assert learnt_of(dataset, "test")["no picture"] == ["camera"]
    assert dataset.card["source"] == (
        "tickets.csv (tickets) and articles.csv (articles); searches.jsonl (searches) and articles.csv (articles)"
    )
    assert [note.split(":")[0] for note in dataset.notes] == ["tickets.csv", "searches.jsonl"]


def learnt_of(dataset, split):
    return {dataset.queries[q].text: sorted(grades) for q, grades in dataset.qrels[split].items()}


def test_given_days_hold_for_both_logs(articles):
    dataset = write_both(articles).read(split=SplitSettings(day(10), day(16)))
    # Tickets of the days 0-9, 10-15 and 16-19; searches of the days 2, 14 and 17.
    assert dataset.counts() == {"articles": 10, "train": 11, "dev": 7, "test": 5}
    with pytest.raises(ValueError, match="pass both dates, or neither"):
        write_both(articles).read(split=SplitSettings(dev_from=day(10)))


def test_settings_reach_both_readers(articles):
    desk = write_both(articles)
    assert desk.read(clicks=ClickSettings(min_weight=99), divide=False).counts()["train"] == 21  # the failed search stays
    # Of T8 to T19 and two searches; the third needs T1, which is not held any more.
    assert len(desk.read(max_tickets=12, divide=False).queries) == 12 + 2
    assert desk.files == (desk.tickets, desk.articles, desk.searches)


def test_the_articles_are_read_once(articles, monkeypatch):
    desk, read = write_both(articles), []
    monkeypatch.setattr(help_desk, "read_articles", lambda *args: read.append(args) or read_articles(*args))
    for module in (ticket_log, search_log):
        monkeypatch.setattr(module, "read_articles", None)
    assert desk.read().counts()["articles"] == 10
    assert read == [(articles, desk.columns)]


def test_a_help_desk_survives_its_record(articles):
    desk = write_both(articles)
    assert HelpDesk.from_record(json.loads(json.dumps(desk.record()))) == desk
    alone = HelpDesk(desk.tickets, articles)
    assert HelpDesk.from_record(json.loads(json.dumps(alone.record()))) == alone
    assert len(alone.read().queries) == 20


def test_only_datasets_of_one_corpus_and_of_different_queries_combine(articles):
    dataset = write_both(articles).read()
    with pytest.raises(DataError, match="query id 'search/00000' stands in two of the datasets"):
        combine(dataset, dataset)
    with pytest.raises(DataError, match="10 and 9 articles: combine datasets of one corpus"):
        combine(dataset, dataset.restrict(documents=set(WORDS[:9])))


def test_a_dataset_can_be_divided_again(articles):
    dataset = read_tickets(articles, [ticket(n) for n in range(20)])
    again = split_by_time(superseded_documents(dataset).dataset, SplitSettings(day(3), day(5)))
    assert [days(again, s) for s in SPLITS] == [[0, 1, 2], [3, 4], [*range(5, 20)]]
