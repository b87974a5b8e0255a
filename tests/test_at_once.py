"""Things done at once: in order, and none begun after a failure."""

import threading
from functools import partial

import pytest
from tqdm.auto import tqdm

from tests.helpers import in_time
from tutorial_lib.at_once import StoppedError, at_once, pause


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_made_stands_in_the_order_of_the_items(workers):
    first_may_end = threading.Event()

    def make(n):
        if workers == 1:
            return n * n
        if n == 0:
            assert first_may_end.wait(10)  # the others overtake it
        elif n == 4:
            first_may_end.set()
        return n * n

    assert at_once(make, range(6), workers=workers, label="squares") == [0, 1, 4, 9, 16, 25]
    assert at_once(make, [], workers=workers, label="squares") == []


def test_no_more_are_under_way_than_there_are_workers():
    both = threading.Barrier(2, timeout=10)  # broken, were there one at a time
    running, most, lock = [], [], threading.Lock()

    def make(n):
        with lock:
            running.append(n)
            most.append(len(running))
        both.wait()
        with lock:
            running.remove(n)

    at_once(make, range(6), workers=2, label="pairs")
    assert max(most) == 2


@pytest.mark.parametrize("failure", [OSError("no answer to 1"), KeyboardInterrupt()])
def test_after_a_failure_nothing_more_is_begun(failure):
    begun = []

    def make(n):
        begun.append(n)
        if n == 1:
            raise failure

    with pytest.raises(type(failure)):
        at_once(make, range(8), workers=1, label="some")
    assert begun == [0, 1]


def test_the_bar_counts_what_items_hold(capsys, monkeypatch):
    monkeypatch.setattr("tutorial_lib.at_once.SECONDS_UNTIL_BAR", 0)
    monkeypatch.setattr("tutorial_lib.at_once.tqdm", partial(tqdm, disable=False))  # which tests are told to leave out
    at_once(len, ["abc", "de"], workers=1, label="letters", unit="letter", size=len)
    said = capsys.readouterr().err
    assert "5/5" in said
    assert "letters" in said


def test_a_pause_ends_when_something_else_fails():
    waiting, ended = threading.Event(), []

    def make(n):
        if n == 0:
            waiting.set()
            try:
                pause(300)
            except StoppedError as error:
                ended.append(error)
                raise
        assert waiting.wait(10)
        raise OSError("no answer")

    with in_time(), pytest.raises(OSError, match="no answer"):
        at_once(make, [0, 1], workers=2, label="some")
    assert len(ended) == 1


def test_a_pause_elsewhere_is_a_pause(monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    pause(7)
    assert slept == [7]
