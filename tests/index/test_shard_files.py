"""The files of a folder of vectors, made by hand: two shards, of two articles and of one."""

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.helpers import OBSTACLES, in_time, obstructed
from tutorial_lib.data.dataset import DataError
from tutorial_lib.index.shard_files import (
    Manifest,
    Shard,
    alone_in,
    finish,
    put,
    read_manifest,
    read_shard,
    schema_of,
    to_parquet,
    whole,
)

FS = LocalFileSystem()
SCHEMA = schema_of(2, "f-numbers")
FIRST = to_parquet(["a", "b"], ["1f", "2e"], np.array([[1, 2], [3, 4]], dtype=np.float32), SCHEMA)
SECOND = to_parquet(["返金"], ["3d"], np.array([[5, 6]], dtype=np.float32), SCHEMA)


def shard(number, data, rows):
    return Shard(f"vectors-{number:024x}.parquet", rows, hashlib.sha256(data).hexdigest())


SHARDS = (shard(1, FIRST, 2), shard(2, SECOND, 1))


@pytest.fixture
def folder(tmp_path):
    """A complete folder of the two shards."""
    for made, data in zip(SHARDS, (FIRST, SECOND), strict=True):
        put(FS, str(tmp_path / made.file), data)
    finish(tmp_path, "f-numbers", "numbers", 2, SHARDS)
    return tmp_path


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def edit_manifest(folder, **fields):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


# --- a shard ------------------------------------------------------------------------------------------------------


def test_a_shard_is_a_parquet_file_of_three_columns():
    table = pq.read_table(io.BytesIO(FIRST))
    assert table.to_pylist() == [
        {"id": "a", "text_hash": "1f", "vector": [1, 2]},
        {"id": "b", "text_hash": "2e", "vector": [3, 4]},
    ]
    assert table.schema.metadata == {b"fingerprint": b"f-numbers"}
    assert str(table.schema.field("vector").type) == "fixed_size_list<element: float>[2]"


def test_the_same_rows_give_the_same_bytes_however_the_vectors_lie_in_memory():
    columns_first = np.asfortranarray(np.array([[1, 2], [3, 4]], dtype=np.float32))
    assert to_parquet(["a", "b"], ["1f", "2e"], columns_first, SCHEMA) == FIRST
    assert to_parquet(["a", "b"], ["1f", "2e"], columns_first.astype(np.float64), SCHEMA) == FIRST


def test_a_shard_is_read_as_it_was_written(folder):
    rows = read_shard(folder, SHARDS[0], read_manifest(folder))
    assert (rows.ids, rows.hashes, rows.vectors.tolist()) == (["a", "b"], ["1f", "2e"], [[1, 2], [3, 4]])
    assert rows.vectors.dtype == np.float32
    assert read_shard(folder, SHARDS[1], read_manifest(folder)).ids == ["返金"]


def test_a_shard_of_another_encoder_is_not_read(folder):
    edit_manifest(folder, fingerprint="f-other")
    with pytest.raises(DataError, match=r"holds vectors of another encoder than manifest\.json says \(f-other\)"):
        read_shard(folder, SHARDS[0], read_manifest(folder))


def test_a_missing_shard_and_a_swapped_one_are_named(folder):
    manifest = read_manifest(folder)
    with pytest.raises(DataError, match=r"0001\.parquet is damaged: embed the corpus again, only what is broken"):
        read_shard(folder, replace(SHARDS[0], sha256=SHARDS[1].sha256), manifest)
    (folder / SHARDS[1].file).unlink()
    with pytest.raises(DataError, match=r"0002\.parquet is missing: embed the corpus again, only what is broken"):
        read_shard(folder, SHARDS[1], manifest)


# --- whole or not at all ------------------------------------------------------------------------------------------


def test_a_file_is_taken_as_whole_only_with_its_rows_columns_and_encoder(folder):
    path = str(folder / SHARDS[0].file)
    assert whole(FS, path, SCHEMA, 2) == FIRST
    assert whole(FS, path, SCHEMA, 3) is None
    assert whole(FS, path, schema_of(2, "f-other"), 2) is None
    assert whole(FS, path, schema_of(3, "f-numbers"), 2) is None
    assert whole(FS, str(folder / "none.parquet"), SCHEMA, 2) is None
    (folder / SHARDS[0].file).write_bytes(FIRST[:-1])
    assert whole(FS, path, SCHEMA, 2) is None


def test_a_file_replaces_another_and_leaves_no_other_behind(tmp_path):
    put(FS, str(tmp_path / "file"), b"first")
    put(FS, str(tmp_path / "file"), b"second")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"second"


# --- the manifest -------------------------------------------------------------------------------------------------


def test_the_manifest_is_read_as_it_was_written_and_counts_the_articles(folder):
    assert read_manifest(folder) == Manifest("f-numbers", "numbers", 2, 3, SHARDS)
    assert json.loads((folder / "manifest.json").read_text())["format"] == 1


def test_a_manifest_of_another_format_is_refused(folder):
    edit_manifest(folder, format=0)
    with pytest.raises(DataError, match=r"manifest\.json is of another format"):
        read_manifest(folder)


def test_a_folder_without_a_manifest_is_not_finished(tmp_path):
    with pytest.raises(DataError, match=r"holds no manifest\.json: embedding has not finished there, run it again"):
        read_manifest(tmp_path)


def test_what_the_manifest_does_not_name_goes_if_it_is_ours(folder):
    unfinished = f"{SHARDS[0].file}.{0:032x}.part"
    (folder / unfinished).write_bytes(FIRST[:9])
    assert finish(folder, "f-numbers", "numbers", 2, SHARDS[1:]).documents == 1
    assert names(folder) == ["manifest.json", SHARDS[1].file]


def test_files_that_are_not_ours_are_left_alone(folder):
    mine = ["corpus.parquet", "notes.txt", "vectors-mine.parquet", "vectors-old.parquet.part"]
    for name in mine:
        (folder / name).write_text("mine")
    finish(folder, "f-numbers", "numbers", 2, [])
    assert names(folder) == sorted([*mine, "manifest.json"])
    assert {(folder / name).read_text() for name in mine} == {"mine"}


# --- one at a time ------------------------------------------------------------------------------------------------


def test_a_folder_is_made_and_let_go_of(tmp_path):
    for _ in range(2):
        with alone_in(tmp_path / "deep" / "folder"):
            assert names(tmp_path / "deep" / "folder") == [".lock"]


def test_a_place_that_cannot_be_locked_is_not():
    with alone_in("memory://alone/vectors"), alone_in("memory://alone/vectors"):
        pass


@pytest.mark.parametrize("how", OBSTACLES)
def test_what_is_no_plain_file_counts_as_missing_and_is_not_waited_for(folder, how):
    manifest = read_manifest(folder)
    path = obstructed(folder / SHARDS[0].file, how)
    obstructed(folder / "manifest.json", how)
    with in_time():
        assert whole(FS, str(path), SCHEMA, 2) is None
        with pytest.raises(DataError, match=f"{SHARDS[0].file} is missing"):
            read_shard(folder, SHARDS[0], manifest)
        with pytest.raises(DataError, match=r"holds no manifest.json"):
            read_manifest(folder)
