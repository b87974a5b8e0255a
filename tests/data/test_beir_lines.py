import gzip
import os

import pytest

from tests.data.exports import refused, written
from tutorial_lib.data.beir_lines import read_records


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"_id": "a", "text": "x", "text": "y"}\n', "corpus.jsonl line 1: the key 'text' stands twice in one object"),
        ('{"_id": "a"}\n', 'corpus.jsonl line 1: no "text" (keys: _id)'),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, content, message):
    refused(lambda: read_records(written(tmp_path, "corpus.jsonl", content), [], drop_blank=False), message)


def test_a_packed_file_in_place_of_a_missing_one_is_named(tmp_path):
    written(tmp_path, "corpus.jsonl.gz", gzip.compress(b"{}"))
    refused(
        lambda: read_records(tmp_path / "corpus.jsonl", [], drop_blank=False),
        "corpus.jsonl is missing (corpus.jsonl.gz lies there: unpack it)",
    )


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "corpus.jsonl")
    refused(
        lambda: read_records(tmp_path / "corpus.jsonl", [], drop_blank=False),
        "corpus.jsonl is a pipe: put a plain file there",
    )
