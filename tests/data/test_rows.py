import gzip
import json
import os
from collections import Counter

import pyarrow
import pyarrow.parquet
import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.rows import read_rows

ROWS = [
    {"id": "7", "text": "two\nlines", "note": "a, b; c"},
    {"id": "8", "text": 'she said "no"', "note": ""},
    {"id": "9", "text": "Größe", "note": "x"},
]


def as_csv(rows, separator=","):
    lines = [rows[0], *(list(row.values()) for row in rows)]
    return "".join(separator.join('"' + str(v).replace('"', '""') + '"' for v in line) + "\n" for line in lines)


def as_jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


SKIP = ExportFormat(skip_broken_rows=True)


def read(file, **options):
    return [row for _, row in read_rows(file, ExportFormat(**options))]


# --- rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("comma.csv", as_csv(ROWS)),
        ("semicolon.csv", as_csv(ROWS, ";")),
        ("tab.csv", as_csv(ROWS, "\t")),
        ("tab.TSV", as_csv(ROWS, "\t")),
        ("bom.csv", b"\xef\xbb\xbf" + as_csv(ROWS).encode()),
        ("blank_lines.csv", as_csv(ROWS) + "\n\n"),
        ("lines.jsonl", as_jsonl(ROWS)),
        ("lines.ndjson", "\n" + as_jsonl(ROWS)),
        ("bom.jsonl", b"\xef\xbb\xbf" + as_jsonl(ROWS).encode()),
    ],
)
def test_every_kind_of_text_file_gives_the_same_rows(tmp_path, name, content):
    assert read(written(tmp_path, name, content)) == ROWS


def test_parquet_gives_the_same_rows(tmp_path):
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "table.parquet")
    assert list(read_rows(tmp_path / "table.parquet")) == list(enumerate(ROWS, 1))


def test_windows_line_ends_are_kept_inside_quotes_only(tmp_path):
    assert read(written(tmp_path, "w.csv", 'a,b\r\n1,"x\r\ny"\r\n')) == [{"a": "1", "b": "x\r\ny"}]


def test_a_row_is_known_by_the_line_it_starts_on(tmp_path):
    assert [line for line, _ in read_rows(written(tmp_path, "a.csv", as_csv(ROWS)))] == [2, 4, 5]
    assert [line for line, _ in read_rows(written(tmp_path, "a.jsonl", "\n" + as_jsonl(ROWS)))] == [2, 3, 4]


BROKEN = {
    "open quote": ("a.csv", 'id,text\n1,fine\n2,"open\n3,fine\n', "a.csv line 3: a quote that opens here is never closed"),
    "quote inside": ("a.csv", 'id,text\n1,"a "b" c"\n2,fine\n', "a.csv line 2: a quote inside a quoted cell is not doubled"),
    "too few fields": (
        "a.csv",
        "id,text\n1,fine\n2\n",
        "a.csv line 3: 1 fields, the header has 2: a cell that holds ',', a quote or a line break must stand in quotes",
    ),
    "too many fields": ("a.csv", "id,text\n1,a,b\n2,fine\n", "a.csv line 2: 3 fields, the header has 2"),
    "not JSON": ("a.jsonl", '{"id": "1"}\n{"id": \n', "a.jsonl line 2: not JSON (Expecting value"),
    "a JSON list": ("a.jsonl", '[1]\n{"id": "1"}\n', "a.jsonl line 1: a JSON list, not an object: write one JSON object"),
}


@pytest.mark.parametrize(("name", "content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_row_is_named_or_skipped_and_counted(tmp_path, name, content, message):
    file = written(tmp_path, name, content)
    refused(lambda: read(file), message, "set skip_broken_rows = true under [format]")
    broken = Counter()
    kept = list(read_rows(file, ExportFormat(skip_broken_rows=True), broken))
    assert len(kept) == content.count("fine") or len(kept) == 1  # the lines after an open quote are rows again
    assert broken == {"broken row": 1}


def test_an_open_quote_costs_its_own_row_only(tmp_path):
    rows = [f"{n},plain\n" for n in range(1000)]
    rows[4] = '4,"never closed\n'
    rows[500] = '500,"closed, as it should be"\n'
    broken = Counter()
    kept = [row["id"] for _, row in read_rows(written(tmp_path, "a.csv", "id,text\n" + "".join(rows)), SKIP, broken)]
    assert kept == [str(n) for n in range(1000) if n != 4]
    assert broken == {"broken row": 1}


def test_a_file_that_is_mostly_broken_is_refused_even_where_rows_may_be_skipped(tmp_path):
    file = written(tmp_path, "a.csv", "id,text\n1,fine\n2\n3\n")
    refused(lambda: list(read_rows(file, SKIP)), "a.csv: 2 lines are broken and only 1 rows can be read", "line 3: 1 fields")


def test_packed_files_are_read(tmp_path):
    assert read(written(tmp_path, "a.csv.gz", gzip.compress(as_csv(ROWS).encode()))) == ROWS
    assert read(written(tmp_path, "a.jsonl.gz", gzip.compress(as_jsonl(ROWS).encode()))) == ROWS
    refused(lambda: read(written(tmp_path, "b.csv.gz", as_csv(ROWS))), "b.csv.gz: no whole gzip file")
    refused(lambda: read(written(tmp_path, "a.parquet.gz", "x")), "a file ending in .parquet.gz: pass one of .csv")


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    refused(lambda: read(tmp_path / "pipe.csv"), "pipe.csv is a pipe: put a plain file there")
    (tmp_path / "folder.csv").mkdir()
    refused(lambda: read(tmp_path / "folder.csv"), "folder.csv is a folder")


def test_latin_1_needs_its_encoding(tmp_path):
    file = written(tmp_path, "a.csv", "id,text\n1,Größe\n".encode("latin-1"))
    refused(
        lambda: read(file),
        "a.csv line 2: not UTF-8 (byte 0xf6 in b'id,text\\n1,Gr\\xf6\\xdfe\\n')",
        'name its encoding in its table of the mapping (--columns), e.g. encoding = "cp1252"',
    )
    assert read(file, encoding="latin-1") == [{"id": "1", "text": "Größe"}]


def test_files_that_cannot_be_read(tmp_path):
    refused(lambda: read(tmp_path / "none.csv"), "none.csv: no such file")
    refused(lambda: read(written(tmp_path, "empty.csv", "")), "empty.csv: the first line is empty: it must name the columns")
    refused(lambda: read(written(tmp_path, "a.xlsx", "x")), "a.xlsx: a file ending in .xlsx: pass one of .csv, .tsv, .jsonl")
    refused(lambda: read(written(tmp_path, "tickets", "x")), "tickets: a file ending in nothing: pass one of .csv")
    refused(lambda: read(written(tmp_path, "a.parquet", "id,text")), "a.parquet: not a Parquet file (")
    file = written(tmp_path, "a.csv", as_csv(ROWS))
    refused(lambda: read(file, encoding="utf8000"), "encoding = 'utf8000' under [format] is not known as an encoding of text")
