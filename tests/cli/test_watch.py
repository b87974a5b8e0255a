"""``python -m tutorial_lib watch``: a line a week, the exit status, what stays in the run's folder, and what is refused."""

import json

import pytest

from tests.helpers import tree
from tests.monitoring.test_run import log_file
from tutorial_lib.cli import main
from tutorial_lib.cli.watch import lines, save
from tutorial_lib.monitoring.watched import Watched

pytestmark = pytest.mark.usefixtures("at_home")
OPTIONS = ["--quiet-periods", "199", "--settling", "8", "--period", "4", "--least", "4", "--topics", "4", "--device", "cpu"]


def watch(root, log, *more):
    return main(["watch", str(root), "--log", str(log), *OPTIONS, *more])


def test_quiet_weeks_end_with_0_and_stay_in_the_folder(copied, tmp_path, capsys):
    assert watch(copied.root, log_file(tmp_path / "log.jsonl")) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split() == ["2026-03-02", "10", "searches", "fine"]
    assert said.out.splitlines()[-2:] == ["week of 2026-03-23: fine", "  no signal is beyond what quiet weeks show"]
    assert "no log of the time before" in said.err
    found = Watched.from_record(json.loads((copied.root / "watch" / "watch.json").read_text(encoding="utf-8")))
    assert lines(found) == said.out.splitlines()
    assert (copied.root / "watch" / "watch.png").stat().st_size > 10_000


def test_a_new_name_ends_with_look(copied, tmp_path, capsys):
    log = log_file(tmp_path / "log.jsonl", new=lambda week: f"lookout {'abcd'[week % 4]}" if week >= 8 else "")
    assert watch(copied.root, log) == 10
    assert "names: " in capsys.readouterr().out


def test_a_log_that_cannot_be_used_leaves_the_folder_as_it_was(copied, tmp_path, fails):
    log = log_file(tmp_path / "log.jsonl")
    watch(copied.root, log)
    before = tree(copied.root)
    other = tmp_path / "other.jsonl"
    other.write_text(log.read_text().replace('_id": "a', '_id": "other/a'))
    assert "are on articles of this run" in fails("watch", copied.root, "--log", other, *OPTIONS)
    assert "no such file" in fails("watch", copied.root, "--log", tmp_path / "none", *OPTIONS)
    assert "there is no run in" in fails("watch", tmp_path / "nowhere", "--log", log, *OPTIONS)
    assert tree(copied.root) == before


def test_a_figure_that_cannot_be_drawn_leaves_what_was_there(copied, tmp_path, monkeypatch):
    watch(copied.root, log_file(tmp_path / "log.jsonl"))
    before = tree(copied.root)
    found = Watched.from_record(json.loads((copied.root / "watch" / "watch.json").read_text(encoding="utf-8")))

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("tutorial_lib.plots.watched", full)
    with pytest.raises(OSError, match="no space left"):
        save(found, copied.root / "watch")
    assert tree(copied.root) == before
