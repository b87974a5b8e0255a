from dataclasses import replace
from datetime import datetime

import pyarrow
import pyarrow.parquet
import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import ArticleColumns, Columns

DOCUMENTS = "article_id,title,body,created_at,superseded_by\n"


def test_articles_by_id_with_their_metadata(tmp_path):
    file = written(
        tmp_path,
        "a.csv",
        "article_id,title,body,created_at,superseded_by,area,views\n"
        "b,Refunds,Within 14 days.,2026-01-02,,billing,12\n"
        "a,Old refunds,Within 7 days.,,b,,\n",
    )
    articles = read_articles(file).corpus
    assert list(articles) == ["a", "b"]
    assert (articles["b"].title, articles["b"].text) == ("Refunds", "Within 14 days.")
    assert articles["b"].metadata == {
        "created_at": "2026-01-02T00:00:00+00:00",
        "area": "billing",
        "family": "billing",
        "views": "12",
    }
    assert articles["a"].metadata == {"superseded_by": "b"}


def test_other_names_of_columns(tmp_path):
    file = written(tmp_path, "a.csv", "Id,Heading,Html,Published,created_at\n1,Refunds,Soon.,3 Mar 2026,somebody\n")
    names = ArticleColumns("Id", "Heading", "Html", "Published", None)
    assert read_articles(file, Columns(articles=names)).corpus["1"].metadata == {"created_at": "2026-03-03T00:00:00+00:00"}
    unmapped = Columns(articles=replace(names, created_at=None))
    assert read_articles(file, unmapped).corpus["1"].metadata == {"Published": "3 Mar 2026"}


def test_parquet_keeps_times_and_numbers(tmp_path):
    rows = [
        {"article_id": 1, "title": "Old", "body": "x", "created_at": datetime(2026, 1, 2), "superseded_by": 2.0},
        {"article_id": 2, "title": "New", "body": "y", "created_at": None, "superseded_by": None},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    articles = read_articles(tmp_path / "a.parquet").corpus
    assert {a: v.metadata for a, v in articles.items()} == {
        "1": {"created_at": "2026-01-02T00:00:00+00:00", "superseded_by": "2"},
        "2": {},
    }


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,One,x,,\nb,Two,y,,\na,Three,z,,\n", "a.csv line 4: 'a' stands twice: every article needs an id of its own"),
        ("a,One,x,,\n ,Two,y,,\n", "a.csv line 3: no article_id: every article needs an id of its own"),
        ("a,, … ,,\n", "a.csv line 2: article 'a' has neither title nor text"),
        ("a,One,x,soon,\n", "a.csv line 2: 'soon' is not a time"),
        ("", "a.csv: no rows"),
    ],
)
def test_articles_that_cannot_be_used(tmp_path, rows, message):
    refused(lambda: read_articles(written(tmp_path, "a.csv", DOCUMENTS + rows)), message)


def test_an_article_export_without_a_wanted_column(tmp_path):
    file = written(tmp_path, "a.csv", "article_id,title,text\na,One,x\n")
    refused(
        lambda: read_articles(file),
        "no column 'body' (wanted for body); the file has article_id, title, text: set body under [articles]",
    )
