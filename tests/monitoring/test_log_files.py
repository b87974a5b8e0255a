"""What is new of a log: read, cleaned, and nothing of it that is learnt already."""

import pytest

from tests.monitoring.logs import day, search, searches, written
from tests.tiny import tiny_dataset
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.monitoring.log_files import LogFiles

CORPUS = tiny_dataset().corpus


def cleaned(files, since=""):
    return files.cleaned(files.corpus(CORPUS), ClickSettings(), CleaningSettings(), since)


def test_only_what_is_newer_is_read(tmp_path):
    files = searches(tmp_path, range(10))
    assert len(cleaned(files).qrels["train"]) == 10
    newer = cleaned(files, since=day(6))
    assert sorted(query.metadata["created_at"] for query in newer.queries.values()) == [day(7), day(8), day(9)]
    assert sorted(a for grades in newer.qrels["train"].values() for a in grades) == ["a07", "a08", "a09"]
    with pytest.raises(DataError, match="the log ends on 2026-07-10, and all until 2026-07-10 is learnt: pass a newer log"):
        cleaned(files, since=day(9))


def test_a_ticket_answers_the_search_that_it_followed(tmp_path):
    tickets = tmp_path / "tickets.csv"
    tickets.write_text(
        f"ticket_id,created_at,subject,message,resolved_by,reopened\nT1,{day(1)},,the robot is lost,a23,false\n"
    )
    failed = {**search(1), "clicks": [], "ticket_followed": "T1"}
    log = written(tmp_path / "searches.jsonl", [search(0), failed])
    found = cleaned(LogFiles(log, tickets))
    assert {found.queries[q].text: list(g) for q, g in found.qrels["train"].items()} == {
        search(0)["query"]: ["a00"],
        failed["query"]: ["a23"],
        "the robot is lost": ["a23"],
    }


def test_articles_are_those_of_the_file_superseded_ones_followed(tmp_path):
    row = {"title": "move robot", "body": "click move", "created_at": day(0)}
    rows = [{"article_id": "a00", **row, "superseded_by": "a99"}, {"article_id": "a99", **row, "superseded_by": None}]
    articles = written(tmp_path / "articles.jsonl", rows)
    found = cleaned(LogFiles(written(tmp_path / "searches.jsonl", [search(0)]), articles=articles))
    assert list(found.corpus) == ["a99"]
    assert list(found.qrels["train"].values()) == [{"a99": 1}]


def test_the_record_tells_files_apart(tmp_path):
    files = searches(tmp_path, range(3))
    before = files.record()
    assert list(before) == ["searches"]
    assert searches(tmp_path, range(3)).record() == before
    assert searches(tmp_path, range(4)).record() != before
    as_folder = LogFiles(tmp_path).record()
    written(tmp_path / "more.jsonl", [search(9)])
    assert LogFiles(tmp_path).record() != as_folder


def test_no_log_and_files_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(DataError, match="nothing new to learn from: pass a search log, a ticket export, or both"):
        LogFiles(articles=tmp_path)
    with pytest.raises(DataError, match=r"none\.jsonl: no such file"):
        LogFiles(tmp_path / "none.jsonl")
