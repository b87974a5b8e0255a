"""Lines appended by day: whole or not at all, after a kill, on a full disk, in a folder that goes."""

import os
from datetime import date
from io import FileIO

import pytest

from tutorial_lib.serving import day_files
from tutorial_lib.serving.day_files import DayFiles

ONE, TWO = date(2026, 1, 1), date(2026, 1, 2)


@pytest.fixture
def files(tmp_path):
    made = DayFiles(tmp_path / "events")
    yield made
    made.close()


def held(files):
    return {file.name: file.read_text() for file in sorted(files.folder.iterdir())}


def test_a_day_has_its_file_even_one_that_comes_back_because_a_clock_went_back(files):
    for day, line in [(ONE, "a"), (ONE, "b"), (TWO, "c"), (ONE, "d")]:
        files.append("queries", day, [line])
    files.append("events", TWO, ["e", "f"])
    assert held(files) == {
        "queries-2026-01-01.jsonl": "a\nb\nd\n",
        "queries-2026-01-02.jsonl": "c\n",
        "events-2026-01-02.jsonl": "e\nf\n",
    }


def test_a_line_that_was_cut_is_left_alone_and_the_next_stands_on_its_own(files):
    files.folder.mkdir()
    (files.folder / "queries-2026-01-01.jsonl").write_text('{"a": 1}\n{"b"')
    files.append("queries", ONE, ["c"])
    assert held(files) == {"queries-2026-01-01.jsonl": '{"a": 1}\n{"b"\nc\n'}


def test_a_file_that_is_large_is_followed_by_one_with_a_number(tmp_path):
    files = DayFiles(tmp_path, most=4)
    for line in "abcde":
        files.append("queries", ONE, [line])
    again = DayFiles(tmp_path, most=4)  # as after a restart
    again.append("queries", ONE, ["f"])
    assert held(files) == {
        "queries-2026-01-01.2.jsonl": "c\nd\n",
        "queries-2026-01-01.3.jsonl": "e\nf\n",
        "queries-2026-01-01.jsonl": "a\nb\n",
    }


def test_a_full_disk_leaves_no_part_of_a_line(files, monkeypatch):
    files.append("queries", ONE, ["whole"])

    class Full(FileIO):
        def write(self, content):
            if len(content) < 4:
                raise OSError(28, "No space left on device")
            return super().write(content[:3])

    files.close()
    monkeypatch.setattr(day_files, "FileIO", Full)
    with pytest.raises(OSError, match="No space left"):
        files.append("queries", ONE, ["first", "second"])
    assert held(files) == {"queries-2026-01-01.jsonl": "whole\n"}
    monkeypatch.undo()
    files.close()
    files.append("queries", ONE, ["first", "second"])
    assert held(files) == {"queries-2026-01-01.jsonl": "whole\nfirst\nsecond\n"}


def test_a_disk_that_writes_in_parts_gets_the_whole(files, monkeypatch):
    class Slow(FileIO):
        def write(self, content):
            return super().write(content[:3])

    monkeypatch.setattr(day_files, "FileIO", Slow)
    files.append("queries", ONE, ["first", "größer"])
    assert held(files) == {"queries-2026-01-01.jsonl": "first\ngrößer\n"}


def test_a_folder_that_was_deleted_is_made_again(files):
    files.append("queries", ONE, ["a"])
    for file in files.folder.iterdir():
        file.unlink()
    files.folder.rmdir()
    files.append("queries", ONE, ["b"])
    assert held(files) == {"queries-2026-01-01.jsonl": "b\n"}


def test_what_is_no_file_is_not_written_to(files):
    files.folder.mkdir()
    os.mkfifo(files.folder / "queries-2026-01-01.jsonl")
    with pytest.raises(OSError, match="is a pipe"):
        files.append("queries", ONE, ["a"])


def test_syncing_reaches_every_file_that_is_open(files, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    files.append("queries", ONE, ["a"])
    files.append("events", ONE, ["a"])
    files.sync()
    assert len(synced) == 2
