"""Files of a model: read, and held to their sums."""

import hashlib
import json
import os

import pytest

from tutorial_lib.models.files import check_files, check_sha256, one_line, read_json, read_object, sha256_of
from tutorial_lib.models.settings import ModelError


def test_the_sum_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    check_sha256(tmp_path / "a", hashlib.sha256(b"abc").hexdigest())


def test_another_sum_or_no_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"a is missing: the model folder is incomplete"):
        check_sha256(tmp_path / "a", "0" * 64)
    (tmp_path / "a").write_bytes(b"abc")
    with pytest.raises(ModelError, match=rf"has SHA-256 {sha256_of(tmp_path / 'a')}, expected {'0' * 64}"):
        check_sha256(tmp_path / "a", "0" * 64)


def test_json_is_read_where_there_is_any(tmp_path):
    assert read_json(tmp_path, "config.json") is None
    (tmp_path / "config.json").write_text('{"a": 1}')
    assert read_json(tmp_path, "config.json") == {"a": 1}
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json is not JSON"):
        read_json(tmp_path, "config.json")


def test_an_error_on_one_line():
    assert one_line(ValueError("a\n  b\tc")) == "a b c"
    assert len(one_line(ValueError("x" * 1000))) == 400


def test_an_object_is_asked_for_and_another_kind_refused(tmp_path):
    assert read_object(tmp_path, "a.json") is None
    for content, kind in (("[]", "a list"), ("7", "a int"), ("null", "null"), ('"a"', "a str")):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(ModelError, match=rf"a\.json holds {kind}"):
            read_object(tmp_path, "a.json")


def test_json_nested_without_end_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(ModelError, match=r"a\.json is not JSON"):
        read_json(tmp_path, "a.json")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "sub/a", "", "..", "C:a", 7])
@pytest.mark.parametrize("file", ["sha256.json", "model.safetensors.index.json"])
def test_only_files_beside_the_list_are_read(tmp_path, file, name):
    listed = {str(name): "0" * 64} if file == "sha256.json" else {"weight_map": {"weight": name}}
    (tmp_path / file).write_text(json.dumps(listed))
    with pytest.raises(ModelError) as error:
        check_files(tmp_path)
    assert f"{file} names the file {name!r}" in str(error.value) or (name == 7 and "7 is missing" in str(error.value))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ModelError, match="is neither a file nor a folder"):
        check_files(tmp_path)
    with pytest.raises(ModelError, match="is no plain file"):
        read_json(tmp_path, "config.json")
