import json

import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import ArticleColumns, Columns, ExportFormat
from tutorial_lib.data.table import open_table

TICKET = {"ticket_id": "1", "created_at": "2026-01-02", "subject": "s", "message": "m", "resolved_by": "a", "reopened": "no"}


def tickets(folder, *changes, **options):
    rows = [{k: v for k, v in {**TICKET, **change}.items() if v is not ...} for change in changes]
    file = written(folder, "t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return open_table(file, "tickets", Columns(format=ExportFormat(**options)))


def test_a_key_that_is_left_out_is_an_empty_cell(tmp_path):
    rows = [row for _, row in tickets(tmp_path, {"resolved_by": ...}, {}).rows()]
    assert [row.get("resolved_by") for row in rows] == [None, "a"]
    refused(
        lambda: tickets(tmp_path, {"resolved_by": ...}),
        "t.jsonl: no column 'resolved_by' (wanted for resolved_by); the file has",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"message": [{"id": 1, "body": "x"}]},
            "line 2: column 'message' (wanted for message) holds a list of objects (id, body)",
        ),
        ({"message": {"html": "x"}}, "column 'message' (wanted for message) holds an object (html), not one value"),
        ({"ticket_id": ["a", "b"]}, "column 'ticket_id' (wanted for ticket_id) holds a list of 2"),
        ({"resolved_by": {"id": 1}}, "column 'resolved_by' (wanted for resolved_by) holds an object (id), not ids"),
        ({"ticket_id": "a\tb"}, "line 2: ticket_id is 'a\\tb': an id holds no tab or line break"),
    ],
)
def test_a_cell_that_its_role_cannot_use_is_named(tmp_path, change, message):
    table = tickets(tmp_path, {}, change)
    refused(lambda: list(table.rows()), "t.jsonl line 2: ", message)


def test_an_article_id_with_a_tab_is_refused_in_its_own_file(tmp_path):
    file = written(tmp_path, "a.jsonl", json.dumps({"article_id": "a\tb", "title": "x", "body": "x"}) + "\n")
    columns = Columns(articles=ArticleColumns(created_at=None, superseded_by=None))
    refused(lambda: read_articles(file, columns), "a.jsonl line 1: article_id is 'a\\tb': an id holds no tab")


def test_several_columns_of_one_name_are_no_text(tmp_path):
    head = "ticket_id,created_at,subject,message,resolved_by,reopened"
    file = written(tmp_path, "t.csv", f"{head},message\n1,2026-01-02,s,m,a,no,n\n")
    refused(
        lambda: open_table(file, "tickets", Columns()), "t.csv: several columns are called 'message' (wanted for message)"
    )


def test_the_order_of_dates_is_decided_once_a_file(tmp_path):
    table = tickets(tmp_path, {"created_at": "03/04/2026"}, {"created_at": "13/04/2026"})
    assert [table.time(line, row).isoformat()[:10] for line, row in table.rows()] == ["2026-04-03", "2026-04-13"]
    refused(
        lambda: tickets(tmp_path, {"created_at": "13/04/2026"}, dayfirst=False),
        "t.jsonl line 1: the date '13/04/2026' contradicts dayfirst = false",
    )


def test_a_column_whose_cells_hold_tags_is_html(tmp_path):
    table = tickets(tmp_path, {"message": "<p>Pay <b>now</b></p>"}, {"message": "a &lt; b"}, {"message": "say <name>"})
    assert [row["message"] for _, row in table.rows()] == ["Pay now", "a < b", "say <name>"]
    assert table.notes == ("t.jsonl: 1 of 3 cells of 'message' hold HTML, and were read as the text that a reader sees",)


def test_a_column_with_few_tags_is_left_as_it_is_and_said_so(tmp_path):
    rows = [{"message": "How do I write <b>bold</b>?"}, *({"message": f"plain {n} &amp; <x>"} for n in range(5))]
    table = tickets(tmp_path, *rows)
    assert [row["message"] for _, row in table.rows()] == [row["message"] for row in rows]
    assert table.notes == (
        "t.jsonl: 1 of 6 cells of 'message' hold HTML tags, too few to take the column for HTML: html = true under [tickets] "
        "reads it so",
    )


def test_the_mapping_may_say_what_is_html(tmp_path):
    file = written(tmp_path, "a.csv", "article_id,title,body\na,<b>T</b>,<p>x</p>\n")
    for told, body in ((False, "<p>x</p>"), (True, "x"), (None, "x")):
        columns = Columns(articles=ArticleColumns(created_at=None, superseded_by=None, html=told))
        assert read_articles(file, columns).corpus["a"].text == body
