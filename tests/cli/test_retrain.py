"""``python -m tutorial_lib retrain`` and ``history``: what they print, their exit status, and what they refuse."""

import pytest

from tests.monitoring.logs import DAYS, searches
from tutorial_lib.cli import main
from tutorial_lib.cli.retrain import result_lines
from tutorial_lib.index import FlatStore, VectorIndex
from tutorial_lib.monitoring.lineage import KEPT_BACK, SHIPPED, Generation

WEEKS = ("--dev-weeks", "1", "--newest-weeks", "1")
FIGURE = {"before": 0.7, "after": 0.75, "difference": 0.05, "low": 0.01, "high": 0.09, "p": 0.01, "queries": 30}


def test_a_log_makes_a_generation_that_history_shows(copied, tmp_path, capsys):
    log = searches(tmp_path).searches
    command = ["retrain", str(copied.root), "--log", str(log), "--index", str(tmp_path / "flat"), *WEEKS]
    status = main(command)
    said = capsys.readouterr().out
    assert status in (0, 3)
    decision = {0: SHIPPED, 3: KEPT_BACK}[status]
    assert f"generation 2 (desk-2): {decision}" in said
    assert any(line.startswith("newest  ") for line in said.splitlines())
    live = VectorIndex(FlatStore(tmp_path / "flat")).live
    assert (live is not None) == (status == 0)
    assert main(["history", str(copied.root)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[2:]] == ["1", "2"]
    assert decision in table[-1]


def test_the_lines_say_what_was_found_and_the_way_back():
    made = Generation(2, "desk-2", 1, figures={"new": FIGURE}, gates=("yes: a gain",), decision=KEPT_BACK)
    assert result_lines(made).splitlines() == [
        "new     0.700 -> 0.750  (+0.010 to +0.090, 30 queries)",
        "yes: a gain",
        "generation 2 (desk-2): kept back",
    ]
    live = Generation(2, "desk-2", 1, decision=SHIPPED, index={"place": "here", "version": 5, "before": 4})
    told = "generation 2 (desk-2): shipped, version 5 of the index is live; rollback goes back to version 4"
    assert result_lines(live) == told


def test_what_cannot_be_used_is_refused_in_one_line(copied, tmp_path, fails):
    log = searches(tmp_path).searches
    assert "nothing new to learn from" in fails("retrain", copied.root)
    assert "no such file" in fails("retrain", copied.root, "--log", tmp_path / "none.jsonl")
    assert "there is no run in" in fails("retrain", tmp_path / "none", "--log", log)
    assert "there is no run in" in fails("history", tmp_path / "none")
    short = searches(tmp_path, range(DAYS // 6)).searches
    assert "leaves none for train" in fails("retrain", copied.root, "--log", short, "--index", tmp_path / "flat", *WEEKS)
    assert not copied.root.with_name("desk-2").exists()


def test_settings_that_cannot_be_are_refused(copied, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["retrain", str(copied.root), "--log", str(searches(tmp_path).searches), "--start", "scratch"])
    assert ended.value.code == 2
    assert "start is 'scratch'" in capsys.readouterr().err
