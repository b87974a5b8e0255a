"""One stage: made when it is wanted, kept while it fits, never half there."""

import os
import subprocess
import sys
import threading
import time

import pytest

from tests.helpers import OBSTACLES, damaged, in_time, obstructed, tree
from tutorial_lib import stage
from tutorial_lib.stage import Processes, Wanted, artifact, noted_seconds, record_of, timed

ONE = Wanted("numbers", {"source": "a"}, {"size": 1})


def write(text):
    return lambda folder: (folder / "n.txt").write_text(text)


def never(folder):
    pytest.fail("made again")


def test_it_is_made_once_and_recorded(tmp_path, capsys):
    assert artifact(tmp_path, ONE, write("1")) == tmp_path / "numbers"
    assert capsys.readouterr().err == "making numbers …\n"
    assert (tmp_path / "numbers" / "n.txt").read_text() == "1"
    record = record_of(tmp_path, "numbers")
    assert (record["stage"], record["inputs"], record["settings"]) == ("numbers", {"source": "a"}, {"size": 1})
    assert record["seconds"] >= 0
    artifact(tmp_path, ONE, never)
    assert capsys.readouterr().err == ""


def test_other_settings_or_inputs_make_it_again(tmp_path):
    artifact(tmp_path, ONE, write("1"))
    artifact(tmp_path, Wanted("numbers", {"source": "a"}, {"size": 2}), write("2"))
    assert record_of(tmp_path, "numbers")["settings"] == {"size": 2}
    artifact(tmp_path, Wanted("numbers", {"source": "b"}, {"size": 2}), write("3"))
    assert (tmp_path / "numbers" / "n.txt").read_text() == "3"


def test_another_version_of_the_package_makes_it_again(tmp_path, monkeypatch):
    artifact(tmp_path, ONE, write("1"))
    monkeypatch.setattr(stage, "version", lambda name: "99")
    artifact(tmp_path, ONE, write("2"))
    assert (tmp_path / "numbers" / "n.txt").read_text() == "2"
    assert record_of(tmp_path, "numbers")["version"] == "99"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_breaks_off_leaves_the_older_one_as_it_was(tmp_path, error):
    def break_off(folder):
        (folder / "n.txt").write_text("half")
        raise error

    artifact(tmp_path, ONE, write("1"))
    before = tree(tmp_path)
    with pytest.raises(error):
        artifact(tmp_path, Wanted("numbers", {"source": "b"}, {}), break_off)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("how", ["half", "bit", "digit", "gone"])
@pytest.mark.parametrize("name", ["numbers/n.txt", "numbers/stage.json"])
def test_a_damaged_one_is_named_and_made_again(tmp_path, name, how, capsys):
    artifact(tmp_path, ONE, write("1234567"))
    expected = (tmp_path / "numbers" / "n.txt").read_text()
    damaged(tmp_path / name, how)
    capsys.readouterr()
    artifact(tmp_path, ONE, write("1234567"))
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "making numbers …"
    if (name, how) != ("numbers/stage.json", "gone"):  # then it was never finished
        assert said[0].startswith("numbers is damaged: ")
        assert name.split("/")[1] in said[0]
    assert (tmp_path / "numbers" / "n.txt").read_text() == expected
    artifact(tmp_path, ONE, never)


@pytest.mark.parametrize("how", OBSTACLES)
@pytest.mark.parametrize("name", ["n.txt", "stage.json"])
def test_what_is_no_plain_file_is_named_and_made_again(tmp_path, name, how, capsys):
    artifact(tmp_path, ONE, write("1"))
    capsys.readouterr()
    obstructed(tmp_path / "numbers" / name, how)
    with in_time():
        artifact(tmp_path, ONE, write("1"))
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("numbers is damaged: ")
    assert f"{name} is {OBSTACLES[how]}" in said[0]
    assert (tmp_path / "numbers" / "n.txt").read_text() == "1"


@pytest.mark.parametrize("how", ["pipe", "socket", "device", "link"])
def test_something_else_in_place_of_its_folder_is_refused_before_any_work(tmp_path, how):
    obstructed(tmp_path / "numbers", how)
    with in_time(), pytest.raises(OSError, match=f"numbers is {OBSTACLES[how]}"):
        artifact(tmp_path, ONE, never)


@pytest.mark.parametrize("how", OBSTACLES)
def test_times_that_are_no_plain_file_are_left_out(tmp_path, how, capsys):
    obstructed(tmp_path / "seconds.json", how)
    with in_time():
        assert noted_seconds(tmp_path) == {}
    assert f"seconds.json is {OBSTACLES[how]}" in capsys.readouterr().err


def test_files_are_hashed_once_a_process_until_one_of_them_changes(tmp_path, monkeypatch):
    artifact(tmp_path, ONE, write("1"))
    artifact(tmp_path, ONE, never)
    with monkeypatch.context() as patch:
        patch.setattr(stage, "difference", lambda *_: pytest.fail("hashed again"))
        artifact(tmp_path, ONE, never)
    (tmp_path / "numbers" / "n.txt").write_text("2")
    os.utime(tmp_path / "numbers" / "n.txt", (0, 0))
    artifact(tmp_path, ONE, write("1"))
    assert (tmp_path / "numbers" / "n.txt").read_text() == "1"


def test_what_a_kill_left_of_other_settings_goes(tmp_path):
    (tmp_path / "numbers.0123456789abcdef.part").mkdir()
    artifact(tmp_path, ONE, write("1"))
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("how", ["half", "bit", "digit"])
def test_damaged_times_are_left_out_and_that_is_said(tmp_path, how, capsys):
    with timed(tmp_path, "slow"):
        pass
    assert list(noted_seconds(tmp_path)) == ["slow"]
    damaged(tmp_path / "seconds.json", how)
    assert noted_seconds(tmp_path) == {}
    assert "seconds.json is damaged: it is not" in capsys.readouterr().err
    with timed(tmp_path, "fast"):
        pass
    assert list(noted_seconds(tmp_path)) == ["fast"]


def test_two_at_a_time_make_it_once(tmp_path):
    made = []

    def slowly(folder):
        time.sleep(0.2)
        made.append(folder)

    threads = [threading.Thread(target=artifact, args=(tmp_path, ONE, slowly)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_one_process_is_the_first(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert Processes.of_this_run().first


def test_of_two_processes_the_first_makes_and_the_other_waits(tmp_path):
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tutorial_lib.stage import Processes, Wanted, artifact\n"
        "processes = Processes.of_this_run(on_cpu=True)\n"
        "def make(folder):\n"
        "    time.sleep(0.3)\n"
        "    (folder / 'n.txt').write_text('1')\n"
        "folder = artifact(Path(sys.argv[1]), Wanted('numbers', {}, {}), make)\n"
        "(Path(sys.argv[1]) / f'seen-{processes.first}').write_text((folder / 'n.txt').read_text())\n"
        "processes.leave()\n"
    )
    (tmp_path / "script.py").write_text(script)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        str(tmp_path / "script.py"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, env=environment, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr.count("making numbers") == 1
    assert {p.name for p in tmp_path.glob("seen-*")} == {"seen-True", "seen-False"}
