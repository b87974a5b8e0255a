import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.columns import ExportFormat
from tutorial_lib.data.json_rows import json_rows, parse_object
from tutorial_lib.data.rows import read_rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' stands twice in one object"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice in one object"),
        (r'{"a": "\ud83d"}', "half a surrogate pair"),
        ("[1]", "a JSON list, not an object"),
        ("{oops", "not JSON (Expecting property name"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON (Exceeds the limit"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_plain_object_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError) as error:
        parse_object(text)
    assert message in str(error.value)
    refused(lambda: list(read_rows(written(tmp_path, "a.jsonl", text + "\n"))), "a.jsonl line 1: ", message)


@pytest.mark.parametrize("letter", ["e", r"\u00e9"])
def test_whatever_the_depth_it_is_read_or_refused(letter):
    told = set()
    for depth in range(800, 1100):
        try:
            parse_object(f'{{"a": "{letter}", "b": {"[" * depth}{"]" * depth}}}')
        except ValueError as error:
            told.add(str(error))
    assert told <= {"not JSON that can be read: nested too deeply"}


def test_a_whole_surrogate_pair_is_one_character():
    assert parse_object(r'{"a": "\ud83d\ude42"}') == {"a": "🙂"}


def test_json_lines_are_utf_8_whatever_the_tables_are_in(tmp_path):
    file = written(tmp_path, "a.jsonl", '{"a": "Größe"}\n')
    assert list(read_rows(file, ExportFormat(encoding="cp1252"))) == [(1, {"a": "Größe"})]
    file = written(tmp_path, "b.jsonl", '{"a": "x"}\n{"a": "Größe"}\n'.encode("cp1252"))
    refused(
        lambda: list(json_rows(file)), "b.jsonl line 2: not UTF-8 (byte 0xf6", "JSON Lines are UTF-8: save the file as UTF-8"
    )


def test_a_carriage_return_ends_no_line(tmp_path):
    assert list(json_rows(written(tmp_path, "a.jsonl", '{"a": 1,\r"b": 2}\r\n'))) == [(1, {"a": 1, "b": 2})]
