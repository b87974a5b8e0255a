import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.rows import read_rows


def read(folder, name, text):
    return [row for _, row in read_rows(written(folder, name, text))]


@pytest.mark.parametrize("head", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n", "\n", "\nsep=;\n"])
def test_the_line_that_excel_writes_first_and_blank_lines_are_passed_over(tmp_path, head):
    assert list(read_rows(written(tmp_path, "a.csv", head + "id;text\n1;a,b,c,d\n"))) == [
        (2 + head.count("\n"), {"id": "1", "text": "a,b,c,d"})
    ]


def test_cells_of_any_length_are_read(tmp_path):
    assert read(tmp_path, "a.csv", f'id,text\n1,"{"x" * 200_000}"\n')[0]["text"] == "x" * 200_000


def test_columns_of_one_name_give_the_list_of_their_values(tmp_path):
    rows = read(tmp_path, "a.csv", "id,link,note,link\n1,a,x,b\n2,a,y,\n3,,z,\n")
    assert [row["link"] for row in rows] == [["a", "b"], ["a"], []]
    assert [row["note"] for row in rows] == ["x", "y", "z"]


def test_quotes_between_tabs_are_characters_as_databases_write_them(tmp_path):
    text = 'id\ttext\tsolved\n1\t"Help, I am lost\ta\n2\tsaid "no"\tb\n3\ta screen of 14"\t\\N\n'
    assert [(r["text"], r["solved"]) for r in read(tmp_path, "a.tsv", text)] == [
        ('"Help, I am lost', "a"),
        ('said "no"', "b"),
        ('a screen of 14"', ""),
    ]


def test_quotes_between_tabs_quote_where_every_cell_with_one_is_quoted(tmp_path):
    assert read(tmp_path, "a.tsv", 'id\ttext\n1\t"she said ""no"""\n2\tplain\n')[0]["text"] == 'she said "no"'
    assert read(tmp_path, "b.tsv", 'id\ttext\n1\t"two\nlines"\n2\tplain\n')[0]["text"] == "two\nlines"


def test_a_quoted_cell_that_swallows_rows_is_refused(tmp_path):
    inside = "".join(f"{n}\ta\tb\tx\n" for n in range(3, 9))
    text = f'id\ta\tb\tc\n1\t"two\nlines"\tb\tx\n2\t"open\tb\tx\n{inside}9\ta"\tb\tx\n10\t"again\ntwo"\tb\tx\n'
    refused(lambda: read(tmp_path, "a.tsv", text), "a.tsv line 4: the quoted cell that opens here goes on for 7 lines")
    commas = 'id,a,b,c\n1,"open,b,x\n' + inside.replace("\t", ",") + '9,a",b,x\n'
    refused(lambda: read(tmp_path, "a.csv", commas), "a.csv line 2: the quoted cell that opens here goes on for 7 lines")


def test_the_advice_fits_what_divides_the_columns(tmp_path):
    refused(lambda: read(tmp_path, "a.tsv", "id\ttext\n1\tx\ty\n"), "line 2: 3 fields", "take line breaks and tabs out")
    refused(lambda: read(tmp_path, "a.csv", "id,text\n1,x,y\n"), "line 2: 3 fields", "must stand in quotes")


def test_empty_cells_after_the_last_column_and_empty_rows_do_no_harm(tmp_path):
    assert read(tmp_path, "a.csv", "id,text\n1,x,,\n,\n2,y\n") == [{"id": "1", "text": "x"}, {"id": "2", "text": "y"}]


def test_a_header_with_an_open_quote_is_named(tmp_path):
    refused(lambda: read(tmp_path, "a.csv", 'id,"text\n1,x\n'), "a.csv line 1: a quote that opens here is never closed")
