import json

import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.columns import ArticleColumns, Columns, ExportFormat, SearchColumns, TicketColumns
from tutorial_lib.data.dataset import DataError


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


@pytest.mark.parametrize("given", [{"separator": ""}, {"article_pattern": "("}])
def test_a_format_that_cannot_work_is_refused_at_once(given):
    with pytest.raises(DataError, match=next(iter(given))):
        ExportFormat(**given)
