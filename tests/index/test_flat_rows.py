"""Two files hold the rows of a collection; two numbers a row, so that their bytes can be counted."""

import numpy as np
import pytest

from tests.helpers import OBSTACLES, in_time, obstructed
from tutorial_lib.index import VectorIndexError
from tutorial_lib.index.embedded import Embedded
from tutorial_lib.index.flat_rows import FlatRows, append, digests, empty, read_json, read_record

RECORD = {"mark": "m", "dimension": 2}


def rows(ids, vectors):
    return Embedded(ids, [f"hash of {a}" for a in ids], np.array(vectors, dtype=np.float32))


@pytest.fixture
def folder(tmp_path):
    """A collection of three rows, appended in two goes, not in the order of their ids."""
    empty(tmp_path, RECORD)
    append(tmp_path, RECORD, rows(["b", "c"], [[1, 2], [3, 4]]))
    append(tmp_path, RECORD, rows(["a"], [[5, 6]]))
    return tmp_path


def test_what_is_appended_comes_back_in_order(folder):
    found = FlatRows.read(folder, RECORD)
    assert (found.mark, found.ids, found.hashes) == ("m", ["b", "c", "a"], ["hash of b", "hash of c", "hash of a"])
    assert found.vectors.dtype == np.float32
    assert found.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_vector_takes_four_bytes_a_number_and_an_id_a_line(folder):
    assert sorted(p.name for p in folder.iterdir()) == ["m.float32", "m.jsonl"]
    assert (folder / "m.float32").stat().st_size == 3 * 2 * 4
    assert (folder / "m.jsonl").read_bytes().splitlines()[2] == b'["a", "hash of a"]'


def test_by_id_the_vectors_go_with_their_ids(folder):
    ids, vectors = FlatRows.read(folder, RECORD).by_id
    assert (ids, vectors.tolist()) == (["a", "b", "c"], [[5, 6], [1, 2], [3, 4]])


def test_vectors_that_stand_in_the_order_of_their_ids_are_not_copied(tmp_path):
    append(tmp_path, RECORD, rows(["a", "b"], [[1, 2], [3, 4]]))
    found = FlatRows.read(tmp_path, RECORD)
    assert found.by_id[1] is found.vectors


def test_vectors_of_other_numbers_than_float32_are_written_as_float32(tmp_path):
    append(tmp_path, RECORD, Embedded(["a", "b"], ["", ""], np.array([[1, 2], [3, 4]], dtype=np.float64).T))
    assert FlatRows.read(tmp_path, RECORD).vectors.tolist() == [[1, 3], [2, 4]]


def test_an_empty_collection_has_no_rows(tmp_path):
    empty(tmp_path, RECORD)
    found = FlatRows.read(tmp_path, RECORD)
    assert (found.ids, found.vectors.shape, found.by_id[0]) == ([], (0, 2), [])


def test_ids_with_line_breaks_and_of_any_script_stay_one_line_each(tmp_path):
    ids = ["two\nlines", "sep\u2028arator", "返金", 'quote"']
    append(tmp_path, RECORD, rows(ids, [[1, 2]] * 4))
    assert FlatRows.read(tmp_path, RECORD).ids == ids


def test_files_of_which_one_has_a_row_more_do_not_fit_together(folder):
    with (folder / "m.jsonl").open("a") as file:
        file.write('["d", ""]\n')
    with pytest.raises(VectorIndexError, match=r"m\.float32 does not hold 4 vectors of 2 numbers: build it again"):
        FlatRows.read(folder, RECORD)


def test_a_missing_file_is_the_systems_error(folder):
    (folder / "m.jsonl").unlink()
    with pytest.raises(FileNotFoundError):
        FlatRows.read(folder, RECORD)


def test_json_that_is_not_there_is_none(folder):
    (folder / "record.json").write_text('{"mark": "é"}', encoding="utf-8")
    assert read_json(folder / "record.json") == {"mark": "é"}
    assert read_json(folder / "none.json") is None
    assert read_json(folder / "record.json" / "none.json") is None


@pytest.mark.parametrize("how", OBSTACLES)
def test_what_is_no_plain_file_is_named_and_not_waited_for(folder, how):
    record = {**RECORD, "sha256": digests(folder, RECORD)}
    obstructed(folder / "m.jsonl", how)
    with in_time():
        for read in (
            lambda: FlatRows.read(folder, record),
            lambda: read_json(folder / "m.jsonl"),
            lambda: read_record(folder / "m.jsonl"),
        ):
            with pytest.raises(OSError, match=f"m.jsonl is {OBSTACLES[how]}"):
                read()
