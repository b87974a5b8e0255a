import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.helpers import OBSTACLES, in_time, obstructed, tree
from tutorial_lib import files
from tutorial_lib.files import (
    course_folder,
    held,
    new_folder,
    obstacle,
    plain,
    told_as_os_errors,
    write_json,
    write_text,
)


def test_a_plain_file_a_link_to_one_and_nothing_are_no_obstacle(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link", "none", "a/below"):
        assert obstacle(tmp_path / name) is None
        assert plain(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize("how", OBSTACLES)
def test_what_is_no_plain_file_is_named_and_not_opened(tmp_path, how):
    file = obstructed(tmp_path / "notes.txt", how)
    with in_time(), pytest.raises(OSError, match=f"notes.txt is {OBSTACLES[how]}"):
        plain(file).read_text()


@pytest.mark.parametrize("how", [*OBSTACLES, "file"])
def test_a_folder_takes_the_place_of_folders_alone(tmp_path, how):
    (tmp_path / "model").write_text("mine") if how == "file" else obstructed(tmp_path / "model", how)
    if how == "folder":
        with new_folder(tmp_path / "model"):
            pass
        return
    before = tree(tmp_path)
    with (
        pytest.raises(OSError, match=r"model is .*, and a folder is to stand there: remove it"),
        new_folder(tmp_path / "model"),
    ):
        pytest.fail("hours of work")
    assert tree(tmp_path) == before


def test_a_file_is_replaced_whole(tmp_path):
    file = tmp_path / "notes.txt"
    write_text(file, "first\n")
    write_text(file, "zweite Zeile: ü\n")
    assert file.read_bytes() == "zweite Zeile: ü\n".encode()  # "\n" on every system
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_two_writers_at_the_same_moment_do_not_collide(tmp_path, monkeypatch):
    file, replace, both_written = tmp_path / "notes.txt", Path.replace, threading.Barrier(2, timeout=60)
    texts, temporary = ["one\n" * 9, "two\n"], []

    def replace_when_both_are_written(part, target):
        both_written.wait()
        temporary.append(part.read_text())
        both_written.wait()
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", replace_when_both_are_written)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_text, [file, file], texts))
    assert sorted(temporary) == texts
    assert file.read_text() in texts
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left(tmp_path, monkeypatch):
    write_text(tmp_path / "notes.txt", "old")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
        write_text(tmp_path / "notes.txt", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "old"


def test_json_keeps_letters_and_reads_back(tmp_path):
    write_json(tmp_path / "card.json", {"city": "Köln", "n": [1, 2]})
    text = (tmp_path / "card.json").read_text(encoding="utf-8")
    assert "Köln" in text and json.loads(text) == {"city": "Köln", "n": [1, 2]}


def test_a_link_that_somebody_planted_is_not_followed(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("theirs")
    (tmp_path / "model.part").symlink_to(tmp_path / "theirs")
    (tmp_path / "card.json.part").symlink_to(tmp_path / "theirs" / "thesis.txt")
    with new_folder(tmp_path / "model") as part:
        (part / "a.txt").write_text("a")
    write_json(tmp_path / "card.json", {"a": 1})
    assert not (tmp_path / "model").is_symlink()
    assert [p.name for p in (tmp_path / "theirs").iterdir()] == ["thesis.txt"]
    assert (tmp_path / "theirs" / "thesis.txt").read_text() == "theirs"


def test_a_new_folder_appears_when_it_is_complete(tmp_path):
    with new_folder(tmp_path / "out" / "model") as part:
        (part / "a.txt").write_text("a")
        assert not (tmp_path / "out" / "model").exists()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["model"]
    assert [p.name for p in (tmp_path / "out" / "model").iterdir()] == ["a.txt"]


def test_an_older_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("old.txt", "new.txt"):
        with new_folder(tmp_path / "model") as part:
            (part / name).write_text(name)
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["new.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path, error):
    with new_folder(tmp_path / "model") as part:
        (part / "old.txt").write_text("old")
    with pytest.raises(error), new_folder(tmp_path / "model") as part:
        (part / "new.txt").write_text("new")
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "old.txt").exists()


def test_what_an_interrupted_process_left_is_cleared_away(tmp_path):
    (tmp_path / "model.part").mkdir()
    (tmp_path / "model.part" / "half.txt").write_text("half")
    with new_folder(tmp_path / "model") as part:
        assert list(part.iterdir()) == []
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_the_folders_of_the_course_are_found_in_a_checkout():
    assert (course_folder("support_desk") / "tickets.csv").is_file()
    assert (course_folder("support_desk_year2") / "tickets.csv").is_file()
    assert (course_folder("notebooks") / "00_the_whole_loop.ipynb").is_file()
    assert course_folder("results").is_dir()
    assert (course_folder("notebooks") / "../docs/img/the_loop.svg").samefile(course_folder("docs/img") / "the_loop.svg")


def test_a_folder_shipped_with_the_package_comes_first(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "tutorial_lib"
    (package / "_course" / "notebooks").mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    assert course_folder("notebooks") == package / "_course" / "notebooks"
    assert not course_folder("results").exists()


def test_another_folder_is_refused():
    with pytest.raises(ValueError, match="no folder 'docs': pass one of notebooks, support_desk, results"):
        course_folder("docs")


class SafetensorError(Exception):
    """Named as the one of safetensors, which is no OSError."""


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598"),
        RuntimeError("basic_ios::clear: iostream error"),
    ],
)
def test_a_full_disk_is_an_os_error_whoever_tells_it(tmp_path, error):
    said = r"a file could not be written to .*, where [\d.,]+ MB are free: " + re.escape(str(error))
    with pytest.raises(OSError, match=said), told_as_os_errors(tmp_path):
        raise error


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="shapes"), told_as_os_errors(tmp_path):
        raise RuntimeError("shapes differ")


def test_a_lock_is_held_once_and_let_go_of(tmp_path):
    refusal, refused = RuntimeError("busy"), []

    def second():
        with pytest.raises(RuntimeError) as error, held(tmp_path / "lock", refusal):
            pass
        refused.append(error.value)

    with held(tmp_path / "lock", refusal):
        other = threading.Thread(target=second)
        other.start()
        other.join()
    assert refused == [refusal]
    with held(tmp_path / "lock", refusal):
        pass
