import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tiny import tiny_dataset
from tutorial_lib.index.article_files import _document, joined, locate, read

ROWS = [{"_id": a.document_id, "title": a.title, "text": a.text} for a in tiny_dataset().corpus.values()]
"""24 articles."""
COLUMNS = ("_id", "title", "text")


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def parquet(path, rows, group=4):
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return str(path)


@pytest.mark.parametrize("write", [jsonl, parquet])
def test_every_part_of_a_file_is_read_as_it_stands(tmp_path, write):
    url = write(tmp_path / f"corpus.{write.__name__}", ROWS)
    found = list(locate(url, COLUMNS))
    documents = list(tiny_dataset().document_texts().items())
    assert [a for a, _ in found] == [a for a, _ in documents]
    for first in range(24):
        for last in range(first, 24):
            start, stop = found[first][1][1], found[last][1][2]
            assert list(read(url, start, stop, COLUMNS)) == documents[first : last + 1]


def test_the_text_is_that_of_an_article():
    """As ``Article.full_text``: an empty title leaves no empty line, an empty text does."""
    rows = [{"_id": 1, "title": "", "text": "b"}, {"_id": "2", "text": "b"}, {"_id": "3", "title": "a", "text": ""}]
    assert [_document(row, COLUMNS, "here") for row in rows] == [("1", "b"), ("2", "b"), ("3", "a\n")]
    row = {"key": "k", "name": "a", "body": "b", "more": None}
    assert _document(row, ("key", "name", "more", "body"), "here") == ("k", "a\nb")


def test_jsonl_with_a_byte_order_mark_and_empty_lines(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_bytes('\ufeff{"_id": "a", "text": "é\u2028"}\n\n  \n{"_id": "b", "text": "c"}'.encode())
    found = list(locate(str(path), COLUMNS))
    assert [a for a, _ in found] == ["a", "b"]
    assert list(read(str(path), 0, found[1][1][2], COLUMNS)) == [("a", "é\u2028"), ("b", "c")]


def test_other_columns_can_be_named(tmp_path):
    url = parquet(tmp_path / "corpus.parquet", [{"key": 7, "body": "refund"}])
    assert list(read(url, 0, 1, ("key", "body"))) == [("7", "refund")]


def test_neighbours_of_one_file_are_read_together():
    found = [("1", ("a", 0, 5)), ("2", ("a", 5, 9)), ("3", ("b", 0, 4))]
    assert joined(found) == [("a", 0, 9), ("b", 0, 4)]
