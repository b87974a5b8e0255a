"""What was written and what lies there: files by their sums, records by a hash of themselves."""

import json

import pytest

from tests.helpers import OBSTACLES, damaged, in_time, obstructed
from tutorial_lib.checksums import DamagedError, difference, read_sealed, sha256_of, sums_of, write_sealed


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "made" / "qrels").mkdir(parents=True)
    (tmp_path / "made" / "a.txt").write_text("1234")
    (tmp_path / "made" / "qrels" / "test.tsv").write_text("q1\ta1\t1\n")
    return tmp_path / "made"


def test_every_file_has_its_size_and_sum(folder):
    sums = sums_of(folder)
    assert list(sums) == ["a.txt", "qrels/test.tsv"]
    # printf 1234 | sha256sum
    assert sums["a.txt"] == {"bytes": 4, "sha256": "03ac674216f3e15c761ee1a5e255f067953623c8b388b4459e13f978d7c846f4"}
    assert list(sums_of(folder, leave_out=["a.txt"])) == ["qrels/test.tsv"]


@pytest.mark.parametrize(
    ("name", "how", "said"),
    [
        ("a.txt", "half", "a.txt has 2 bytes, written were 4"),
        ("a.txt", "digit", "a.txt is not what was written (its SHA-256 differs)"),
        ("qrels/test.tsv", "bit", "qrels/test.tsv is not what was written (its SHA-256 differs)"),
        ("qrels/test.tsv", "gone", "qrels/test.tsv is missing"),
    ],
)
def test_what_is_wrong_is_said(folder, name, how, said):
    sums = sums_of(folder)
    assert difference(folder, sums) is None
    (folder / ".DS_Store").write_text("what else lies there is nobody's business")
    assert difference(folder, sums) is None
    damaged(folder / name, how)
    assert difference(folder, sums) == said


def test_a_sealed_record_is_read_back(tmp_path):
    assert read_sealed(tmp_path / "record.json") is None
    write_sealed(tmp_path / "record.json", {"seconds": 1.5, "name": "Köln"})
    assert read_sealed(tmp_path / "record.json") == {"seconds": 1.5, "name": "Köln"}
    assert json.loads((tmp_path / "record.json").read_text())["name"] == "Köln"  # for people to read


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b"null", b'{"seconds": 2.5}', b"\xff\xfe", b"[" * 100_000, b'{"sha256": "x"}']
)
def test_any_other_content_is_damage_and_no_traceback(tmp_path, content):
    (tmp_path / "record.json").write_bytes(content)
    with pytest.raises(DamagedError, match=r"record.json is damaged: it is not"):
        read_sealed(tmp_path / "record.json")


@pytest.mark.parametrize("how", ["half", "bit", "digit"])
def test_a_changed_record_is_damage(tmp_path, how):
    write_sealed(tmp_path / "record.json", {"seconds": 1.5})
    damaged(tmp_path / "record.json", how)
    with pytest.raises(DamagedError, match=r"record.json is damaged"):
        read_sealed(tmp_path / "record.json")


@pytest.mark.parametrize("how", OBSTACLES)
def test_what_is_no_plain_file_is_damage_that_nothing_waits_for(folder, how):
    sums = sums_of(folder)
    file = obstructed(folder / "a.txt", how)
    with in_time():
        assert difference(folder, sums).startswith(f"a.txt is {OBSTACLES[how]}")
        with pytest.raises(OSError, match=f"a.txt is {OBSTACLES[how]}"):
            sha256_of(file)
        with pytest.raises(DamagedError, match=f"a.txt is {OBSTACLES[how]}"):
            read_sealed(file)
