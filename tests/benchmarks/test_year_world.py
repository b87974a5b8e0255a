"""The year month by month: what is known at a month's end is no more than that, and nothing asked has been seen."""

import csv
import json

import pytest

from benchmarks.year_world import Part, changes_of, exams, known_at_the_end_of
from tutorial_lib.data.articles import read_articles


@pytest.fixture(scope="module")
def october(tmp_path_factory):
    return known_at_the_end_of(22, tmp_path_factory.mktemp("known") / "22")


def test_tickets_and_searches_end_with_the_month(october):
    rows = list(csv.DictReader(october.tickets.open(encoding="utf-8", newline="")))
    searches = [json.loads(line) for line in october.searches.read_text(encoding="utf-8").splitlines()]
    for found in (rows, searches):
        days = [row["created_at"][:10] for row in found]
        assert min(days) >= "2026-07-01"
        assert "2026-10-25" < max(days) <= "2026-10-31"


def test_articles_are_those_of_that_day(october):
    corpus = read_articles(october.articles).corpus
    assert "gantry/lookout-name" in corpus  # the rename, 5 October
    assert not any(a.startswith("whistle/") for a in corpus)  # January
    assert "Lookout" in corpus["gantry/freshness"].full_text


def test_exams_are_asked_of_the_articles_of_june(october):
    found = exams()
    assert {name: len(part.queries) for name, part in found.items()} == {"old": 300, "new": 130}
    assert found["old"].corpus == found["new"].corpus
    changes = changes_of(found["new"])
    assert sum(change != "same" for change in changes.values()) > 100


def test_what_became_of_an_article_is_told_of_the_best_one():
    corpus = {a: d.full_text for a, d in read_articles_of_first_year().items()}
    a, b = sorted(corpus)[:2]
    part = Part(
        {**corpus, a: "other words", "whistle/new": "new"}, {}, {"q1": {a: 2, b: 1}, "q2": {b: 1}, "q3": {"whistle/new": 1}}
    )
    assert changes_of(part) == {"q1": "changed", "q2": "same", "q3": "new"}


def read_articles_of_first_year():
    from datetime import date

    from tutorial_lib.data.support_desk_year2 import articles_on

    return articles_on(date(2026, 6, 30))
