import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow
import pyarrow.parquet
import pytest

from tutorial_lib.data.articles import read_articles
from tutorial_lib.data.columns import ArticleColumns, Columns, ExportFormat, SearchColumns, TicketColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.rows import cell_text, checked_rows, read_rows
from tutorial_lib.data.times import parse_time

ROWS = [
    {"id": "7", "text": "two\nlines", "note": "a, b; c"},
    {"id": "8", "text": 'she said "no"', "note": ""},
    {"id": "9", "text": "Größe", "note": "x"},
]
DOCUMENTS = "article_id,title,body,created_at,superseded_by\n"


def as_csv(rows, separator=","):
    lines = [rows[0], *(list(row.values()) for row in rows)]
    return "".join(separator.join('"' + str(v).replace('"', '""') + '"' for v in line) + "\n" for line in lines)


def as_jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(folder, name, content):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def read(file, **options):
    return [row for _, row in read_rows(file, ExportFormat(**options))]


def refused(call, *messages):
    with pytest.raises(DataError) as error:
        call()
    for message in messages:
        assert message in str(error.value)


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
    "open quote": ("a.csv", 'id,text\n1,fine\n2,"open\n3,fine\n', "a.csv line 3: unexpected end of data: a quote is missing"),
    "quote inside": ("a.csv", 'id,text\n1,"a "b" c"\n2,fine\n', "a.csv line 2: ',' expected after '\"': a quote is missing"),
    "too few fields": ("a.csv", "id,text\n1,fine\n2\n", "a.csv line 3: 1 fields, the header has 2: a quote is missing"),
    "too many fields": ("a.csv", "id,text\n1,a,b\n2,fine\n", "a.csv line 2: 3 fields, the header has 2"),
    "not JSON": ("a.jsonl", '{"id": "1"}\n{"id": \n', "a.jsonl line 2: Expecting value"),
    "a JSON list": ("a.jsonl", '[1]\n{"id": "1"}\n', "a.jsonl line 1: a JSON list, not an object: write one JSON object"),
}


@pytest.mark.parametrize(("name", "content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_row_is_named_or_skipped_and_counted(tmp_path, name, content, message):
    file = written(tmp_path, name, content)
    refused(lambda: read(file), message, "set skip_broken_rows = true under [format]")
    broken = Counter()
    kept = list(read_rows(file, ExportFormat(skip_broken_rows=True), broken))
    assert len(kept) == 1
    assert broken == {"broken row": 1}


def test_latin_1_needs_its_encoding(tmp_path):
    file = written(tmp_path, "a.csv", "id,text\n1,Größe\n".encode("latin-1"))
    refused(
        lambda: read(file),
        "a.csv: not utf-8-sig (byte 0xf6 in b'id,text\\n1,Gr\\xf6\\xdfe\\n')",
        'name the encoding in the mapping, e.g. encoding = "cp1252" under [format]',
    )
    assert read(file, encoding="latin-1") == [{"id": "1", "text": "Größe"}]


def test_files_that_cannot_be_read(tmp_path):
    refused(lambda: read(tmp_path / "none.csv"), "none.csv: no such file")
    refused(lambda: read(written(tmp_path, "empty.csv", "")), "empty.csv: the first line is empty: it must name the columns")
    refused(lambda: read(written(tmp_path, "a.xlsx", "x")), "a.xlsx: a file ending in .xlsx: pass one of .csv, .tsv, .jsonl")
    refused(lambda: read(written(tmp_path, "tickets", "x")), "tickets: a file ending in nothing: pass one of .csv")
    refused(lambda: read(written(tmp_path, "a.parquet", "id,text")), "a.parquet: not a Parquet file (")
    file = written(tmp_path, "a.csv", as_csv(ROWS))
    refused(lambda: read(file, encoding="utf8000"), "encoding = 'utf8000' under [format] is not known: name one such as")


def checked(file, wanted=None):
    wanted = wanted or {"ticket_id": "id", "message": "body", "subject": None}
    return [row for _, row in checked_rows(file, read_rows(file, ExportFormat(skip_broken_rows=True)), wanted, "tickets")]


def test_a_missing_column_is_named_with_what_is_there(tmp_path):
    file = written(tmp_path, "a.csv", as_csv(ROWS))
    refused(
        lambda: checked(file),
        "a.csv: no column 'body' (wanted for message); the file has id, text, note: "
        "set message under [tickets] in the mapping (--columns)",
    )
    assert checked(file, {"message": "text", "subject": None}) == ROWS


@pytest.mark.parametrize("before", ["broken\n", "\n\n\n", 'x,"y"z,1\n'])
def test_the_first_row_is_checked_whatever_line_it_stands_on(tmp_path, before):
    header, rest = as_csv(ROWS).split("\n", 1)
    refused(lambda: checked(written(tmp_path, "a.csv", f"{header}\n{before}{rest}")), "a.csv: no column 'body'")


def test_a_file_without_rows(tmp_path):
    refused(lambda: checked(written(tmp_path, "a.csv", "id,body\n")), "a.csv: no rows")
    refused(lambda: checked(written(tmp_path, "a.jsonl", "\n")), "a.jsonl: no rows")


def test_cells_become_text():
    assert [cell_text(v) for v in (None, float("nan"), "  a ", 7, 7.0, 7.5, True)] == ["", "", "a", "7", "7", "7.5", "True"]


# --- times --------------------------------------------------------------------------------------------------------

NINE_THIRTY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-04T09:30:00Z",
        "2026-03-04T10:30:00+01:00",
        "2026-03-04 09:30",
        " 2026-03-04T09:30 ",
        "1772616600",
        1772616600,
        1772616600.0,
        "1772616600.0",
        "4 Mar 2026 09:30",
        "Mar 4, 2026 9:30 am",
        "Wed, 04 Mar 2026 09:30:00 GMT",
        "2026/03/04 09:30",
        datetime(2026, 3, 4, 9, 30),
        NINE_THIRTY,
    ],
)
def test_the_same_time_in_many_spellings(value):
    assert parse_time(value) == NINE_THIRTY
    assert parse_time(value, ExportFormat(dayfirst=True)) == NINE_THIRTY


def test_a_time_without_zone_is_in_the_zone_of_the_mapping():
    berlin = ExportFormat(timezone="Europe/Berlin")
    assert parse_time("2026-03-04T09:30", berlin) == datetime(2026, 3, 4, 8, 30, tzinfo=UTC)  # winter: one hour ahead of UTC
    assert parse_time("2026-07-04T09:30", berlin) == datetime(2026, 7, 4, 7, 30, tzinfo=UTC)  # summer: two
    assert parse_time("2026-03-04T09:30Z", berlin) == NINE_THIRTY
    assert parse_time("1772616600", berlin) == NINE_THIRTY
    assert parse_time("3 Mar 2026 14:05", berlin) == datetime(2026, 3, 3, 13, 5, tzinfo=UTC)
    assert parse_time(date(2026, 3, 4), berlin) == datetime(2026, 3, 3, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["03/04/2026", "03-04-2026 10:00", "03.04.2026", "3/4/26", "Fri 03/04/2026", "03/04/2026T10:00"]
)
def test_a_date_that_reads_both_ways_needs_dayfirst(text):
    refused(lambda: parse_time(text), f"the date {text!r} can be read both ways: set dayfirst = true or false under [format]")
    assert parse_time(text, ExportFormat(dayfirst=True)).date() == date(2026, 4, 3)
    assert parse_time(text, ExportFormat(dayfirst=False)).date() == date(2026, 3, 4)


@pytest.mark.parametrize(("text", "read"), [("13/04/2026", (4, 13)), ("04/13/2026", (4, 13)), ("04/04/2026", (4, 4))])
def test_a_date_that_reads_one_way_does_not(text, read):
    for dayfirst in (None, True, False):
        assert parse_time(text, ExportFormat(dayfirst=dayfirst)) == datetime(2026, *read, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "n/a", "yesterday", "14:05", "Mar 2026", "12", "1772616600000", "2026-02-30"])
def test_what_is_no_time_is_refused(text):
    refused(lambda: parse_time(text), f"{text!r} is not a time: expected e.g. 2026-03-04T09:30:00+01:00")


def test_unknown_zones_are_refused():
    refused(lambda: parse_time("2026-03-04 09:30 XYZT"), "names a time zone that is not known: write an offset")
    for zone in ("Mars/Olympus", "Europe", "", "../UTC"):
        refused(
            lambda zone=zone: parse_time("2026-03-04", ExportFormat(timezone=zone)),
            f"timezone = {zone!r} under [format] is not known: name one such as 'Europe/Berlin'",
        )


# --- mapping ------------------------------------------------------------------------------------------------------


def mapping(folder, text):
    return Columns.read(written(folder, "columns.toml", text))


def test_tables_that_are_absent_keep_the_defaults(tmp_path):
    assert mapping(tmp_path, "") == Columns()
    assert mapping(tmp_path, '[format]\ndayfirst = true\nseparator = "|"') == Columns(
        format=ExportFormat(dayfirst=True, separator="|")
    )


def test_in_a_table_an_optional_column_that_is_not_named_is_absent(tmp_path):
    read = mapping(tmp_path, '[tickets]\nmessage = "Body"\n[articles]\n[search]\nclicks = "hits"')
    assert read.tickets == TicketColumns(message="Body", subject=None, reopened=None)
    assert read.articles == ArticleColumns(created_at=None, superseded_by=None)
    assert read.search == SearchColumns(clicks="hits", ticket_followed=None)


def test_a_mapping_survives_its_record(tmp_path):
    read = mapping(tmp_path, '[tickets]\nmessage = "Body"\n[format]\nskip_broken_rows = true')
    assert Columns.from_record(json.loads(json.dumps(read.record()))) == read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[ticket]", "unknown table [ticket]: there are [tickets], [articles], [search], [format]"),
        ('[tickets]\nbody = "x"', "unknown key 'body' in [tickets]: there are ticket_id, created_at, message, resolved_by"),
        ("[format\n", "columns.toml: not TOML ("),
        ('[format]\ndayfirst = "false"', "dayfirst in [format] is 'false': write true or false"),
        ("[tickets]\nmessage = 3", "message in [tickets] is 3: write text in quotes"),
    ],
)
def test_a_mapping_that_cannot_be_used(tmp_path, text, message):
    refused(lambda: mapping(tmp_path, text), "columns.toml: ", message)


def test_a_mapping_that_is_not_there(tmp_path):
    refused(lambda: Columns.read(tmp_path / "none.toml"), "none.toml: no such file: pass a TOML file with the tables")


# --- articles -----------------------------------------------------------------------------------------------------


def test_articles_by_id_with_their_metadata(tmp_path):
    file = written(
        tmp_path,
        "a.csv",
        "article_id,title,body,created_at,superseded_by,area,views\n"
        "b,Refunds,Within 14 days.,2026-01-02,,billing,12\n"
        "a,Old refunds,Within 7 days.,,b,,\n",
    )
    articles = read_articles(file)
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
    assert read_articles(file, Columns(articles=names))["1"].metadata == {"created_at": "2026-03-03T00:00:00+00:00"}
    unmapped = Columns(articles=replace(names, created_at=None))
    assert read_articles(file, unmapped)["1"].metadata == {"Published": "3 Mar 2026"}


def test_parquet_keeps_times_and_numbers(tmp_path):
    rows = [
        {"article_id": 1, "title": "Old", "body": "x", "created_at": datetime(2026, 1, 2), "superseded_by": 2.0},
        {"article_id": 2, "title": "New", "body": "y", "created_at": None, "superseded_by": None},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    articles = read_articles(tmp_path / "a.parquet")
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


@pytest.mark.parametrize("given", [{"separator": ""}, {"article_pattern": "("}])
def test_a_format_that_cannot_work_is_refused_at_once(given):
    with pytest.raises(DataError, match=next(iter(given))):
        ExportFormat(**given)
