"""Which notebooks are validated, in which order, and what a lack of time is called."""

import subprocess
import sys

import pytest

from tests import validate_notebooks
from tests.validate_notebooks import STOPPED, main, notebooks


def test_every_notebook_has_its_turn_each_chapter_before_its_solutions():
    found = notebooks([])
    assert sorted(found) == sorted((validate_notebooks.ROOT / "notebooks").rglob("*_*.ipynb"))
    places = {(p.name.split("_")[0], p.parent.name): n for n, p in enumerate(found)}
    assert all(places[number, "notebooks"] < places[number, "solutions"] for number in validate_notebooks.ORDER)
    assert [p.name[:2] for p in notebooks(["03", "solutions/03"])] == ["03", "03"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that validates four notebooks with these exit statuses and gives status and output."""

    def run(*statuses, minutes="600"):
        left = list(statuses)
        monkeypatch.setenv("NOTEBOOK_MINUTES", minutes)
        monkeypatch.setattr(sys, "argv", ["validate", "00", "solutions/00", "01_", "solutions/01_"])
        monkeypatch.setattr(validate_notebooks, "validate", lambda notebook, seconds: left.pop(0))
        return main(), capsys.readouterr().out

    return run


def test_all_alike_is_a_success(run):
    status, out = run(0, 0, 0, 0)
    assert status == 0
    assert "4 of 4 notebooks validated" in out
    assert "NOT validated" not in out


def test_one_that_differs_is_a_failure_whatever_else_happens(run):
    status, out = run(0, 1, STOPPED, 0)
    assert status == 1
    assert "DIFFER: notebooks/solutions/00_the_whole_loop.ipynb" in out
    assert out.count("NOT validated") == 1


def test_what_there_was_no_time_for_is_named_and_never_begun(run):
    status, out = run(minutes="-1")
    assert status == 0
    assert "0 of 4 notebooks validated" in out
    assert "notebooks/solutions/01_collect_pairs.ipynb" in out.split("NOT validated")[1]


def test_a_notebook_that_takes_too_long_is_stopped(monkeypatch):
    def slow(*_, timeout, **__):
        raise subprocess.TimeoutExpired("pytest", timeout)

    monkeypatch.setattr(subprocess, "run", slow)
    assert validate_notebooks.validate(validate_notebooks.ROOT / "notebooks" / "x.ipynb", 1.0) == STOPPED
