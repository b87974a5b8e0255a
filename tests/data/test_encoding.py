import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.columns import Columns, ExportFormat, TicketColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.encoding import found_encoding
from tutorial_lib.data.rows import read_rows

TEXT = "id;text\n1;Größe\n2;Schlüssel\n"
ROWS = [{"id": "1", "text": "Größe"}, {"id": "2", "text": "Schlüssel"}]


def read(file, encoding="utf-8-sig"):
    return [row for _, row in read_rows(file, ExportFormat(encoding=encoding))]


@pytest.mark.parametrize("named", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_decides(tmp_path, encoding, named):
    assert read(written(tmp_path, "a.csv", TEXT.encode(encoding)), named) == ROWS


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zero_bytes(tmp_path, encoding):
    assert read(written(tmp_path, "a.csv", TEXT.encode(encoding))) == ROWS


def test_utf_16_named_for_another_file_is_refused(tmp_path):
    refused(lambda: read(written(tmp_path, "a.csv", TEXT.encode("cp1252")), "utf-16"), "a.csv: no utf-16 (no byte order mark")


def test_utf_8_is_not_read_as_anything_else(tmp_path):
    refused(
        lambda: read(written(tmp_path, "a.csv", TEXT), "cp1252"),
        'a.csv: is UTF-8, and would be garbled by encoding = "cp1252"',
        'here encoding = "utf-8"',
    )
    assert found_encoding(written(tmp_path, "ascii.csv", "id\n1\n"), "cp1252") == "cp1252"


def test_each_table_may_have_its_own_encoding():
    columns = Columns(tickets=TicketColumns(encoding="cp1252"))
    assert columns.options("tickets").encoding == "cp1252"
    assert columns.options("articles").encoding == "utf-8-sig"


def test_what_cannot_be_decoded_is_named_by_its_line(tmp_path):
    file = written(tmp_path, "a.csv", "id,text\n1,fine\n2,Größe\n".encode("cp1252"))
    refused(lambda: read(file), r"a.csv line 3: not UTF-8 (byte 0xf6 in b'", 'e.g. encoding = "cp1252"')


@pytest.mark.parametrize("name", ["base64", "rot13", "punycode", "undefined", "idna", "hex", "a\0b", "utf8000", "ü"])
def test_what_encodes_no_text_is_refused(name):
    for made in (ExportFormat, TicketColumns):
        with pytest.raises(DataError, match="is not known as an encoding of text"):
            made(encoding=name)
