"""Files of a model: read, and held to their sums."""

import hashlib

import pytest

from tutorial_lib.models.files import check_sha256, one_line, read_json, sha256_of
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
