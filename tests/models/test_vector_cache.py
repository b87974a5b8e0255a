"""Vectors in a file: found as they were kept, and whatever is damaged or half-written counts as none or is named."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.helpers import obstructed
from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.vector_cache import VectorCache

ONE, TWO = np.array([0.6, 0.8], dtype=np.float32), np.array([1, 0], dtype=np.float32)


@pytest.fixture
def cache(tmp_path):
    return VectorCache(tmp_path / "folder" / "vectors.sqlite")


def test_what_is_kept_is_found_bit_by_bit_and_nothing_else(cache):
    assert cache.find(["one"]) == {}
    assert not cache.file.exists()
    cache.keep({"one": ONE, "two": TWO})
    cache.keep({"two": ONE})
    found = VectorCache(cache.file).find(["two", "three", "one"])
    assert sorted(found) == ["one", "two"]
    assert all(np.array_equal(vector, ONE) and vector.dtype == np.float32 for vector in found.values())


def test_more_keys_than_a_question_holds(cache):
    cache.keep({str(n): ONE * n for n in range(1201)})
    assert {k: v[0] for k, v in cache.find([str(n) for n in range(1201)]).items()} == {
        str(n): pytest.approx(0.6 * n) for n in range(1201)
    }


def test_many_threads_keep_at_once(cache):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: cache.keep({str(n): ONE}), range(40)))
    assert len(cache.find([str(n) for n in range(40)])) == 40


def test_what_was_not_finished_is_not_there(cache):
    cache.keep({"one": ONE})
    code = (
        "import os, sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('PRAGMA cache_size=1');"
        "d.executemany('INSERT INTO vectors VALUES (?, ?, ?)', ((str(n), b'x' * 4000, b'') for n in range(100)));"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(cache.file)], check=True)
    assert (cache.file.parent / "vectors.sqlite-journal").exists()  # it wrote into the file before it ended
    assert sorted(cache.find(["one", "5"])) == ["one"]


def test_a_changed_row_counts_as_none(cache):
    cache.keep({"one": ONE, "two": TWO})
    with sqlite3.connect(cache.file) as database:
        database.execute("UPDATE vectors SET vector = ? WHERE key = 'one'", (TWO.tobytes(),))
    assert sorted(cache.find(["one", "two"])) == ["two"]


@pytest.mark.parametrize("how", ["cut", "other"])
def test_a_damaged_file_is_named_and_not_paid_over_in_silence(cache, how):
    cache.keep({str(n): np.ones(600) for n in range(20)})
    whole = cache.file.read_bytes()
    cache.file.write_bytes(whole[: len(whole) // 2] if how == "cut" else b"no database at all" * 99)
    with pytest.raises(DataError, match=r"vectors\.sqlite is damaged \(.*\): remove it; the texts .* paid for, again"):
        cache.find([str(n) for n in range(20)])


def test_what_is_no_file_is_not_waited_for(cache):
    cache.keep({"one": ONE})
    obstructed(cache.file, "pipe")
    with pytest.raises(OSError, match=r"vectors\.sqlite is a pipe"):
        cache.find(["one"])


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        VectorCache(tmp_path / "file" / "vectors.sqlite").keep({"one": ONE})
