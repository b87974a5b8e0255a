"""Dynamic batching, with a model that waits until the test lets it go on: then it can be said who is worked on together."""

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from tutorial_lib.serving.batching import Batcher, BusyError


class Gated:
    """Work that notes each batch and waits for the gate; "bad" cannot be worked on."""

    def __init__(self):
        self.batches, self.gate, self.begun = [], threading.Event(), threading.Event()

    def __call__(self, items):
        self.begun.set()
        self.batches.append(list(items))
        assert self.gate.wait(20)
        if "bad" in items:
            raise ValueError("a text that no model reads")
        return [item.upper() for item in items]


@pytest.fixture
def work():
    return Gated()


@pytest.fixture
def batcher(work):
    with Batcher(batch=4, waiting=6) as batcher:
        yield batcher
        work.gate.set()


def first_alone(batcher, work):
    """Let one request reach the model, so that those who come now wait."""
    first = batcher.submit(work, ["first"])
    assert work.begun.wait(20)
    return first


def test_requests_that_wait_together_are_worked_on_together_and_each_gets_its_own(batcher, work):
    futures = [first_alone(batcher, work), *(batcher.submit(work, [text]) for text in "abc")]
    assert batcher.waiting == 3
    work.gate.set()
    assert [f.result(20) for f in futures] == [["FIRST"], ["A"], ["B"], ["C"]]
    assert work.batches == [["first"], ["a", "b", "c"]]


def test_a_large_request_does_not_hold_up_a_small_one(batcher, work):
    first = first_alone(batcher, work)
    large, small = batcher.submit(work, list("abcde")), batcher.submit(work, ["z"])
    work.gate.set()
    assert (first.result(20), large.result(20), small.result(20)) == (["FIRST"], list("ABCDE"), ["Z"])
    assert work.batches == [["first"], ["a", "b", "z"], ["c", "d", "e"]]  # a share of two each, then what is left


def test_other_work_is_never_mixed_in(batcher, work):
    first = first_alone(batcher, work)
    other = [batcher.submit(str.split, "x y") for _ in range(1)]
    mine = batcher.submit(work, ["a"])
    work.gate.set()
    assert (first.result(20), mine.result(20)) == (["FIRST"], ["A"])
    with pytest.raises(TypeError):
        other[0].result(20)
    assert work.batches == [["first"], ["a"]]


def test_the_queue_has_an_end_and_says_when_to_come_again(batcher, work):
    first_alone(batcher, work)
    waiting = batcher.submit(work, list("abcdef"))
    with pytest.raises(BusyError, match=r"6 texts wait already: send this again in 1 s") as busy:
        batcher.submit(work, ["g"])
    assert busy.value.seconds >= 0
    work.gate.set()
    assert waiting.result(20) == list("ABCDEF")
    assert batcher.submit(work, ["g"]).result(20) == ["G"]


def test_a_request_larger_than_the_queue_is_taken_when_nobody_waits(batcher, work):
    work.gate.set()
    assert batcher.submit(work, list("abcdefghij")).result(20) == list("ABCDEFGHIJ")
    assert max(map(len, work.batches)) == 4


def test_of_several_only_the_one_that_cannot_be_worked_on_fails(batcher, work):
    first_alone(batcher, work)
    good, bad, other = (batcher.submit(work, [text]) for text in ("good", "bad", "other"))
    work.gate.set()
    assert (good.result(20), other.result(20)) == (["GOOD"], ["OTHER"])
    with pytest.raises(ValueError, match="no model reads"):
        bad.result(20)


def test_who_has_given_up_is_not_worked_on(batcher, work):
    first = first_alone(batcher, work)
    given_up, kept = batcher.submit(work, ["a"]), batcher.submit(work, ["b"])
    assert given_up.cancel()
    work.gate.set()
    assert (first.result(20), kept.result(20)) == (["FIRST"], ["B"])
    with pytest.raises(CancelledError):
        given_up.result(20)
    assert work.batches == [["first"], ["b"]]


def test_on_the_event_loop_a_wait_has_an_end(batcher, work):
    with pytest.raises(TimeoutError):
        asyncio.run(batcher.run(work, ["a"], seconds=0.05))
    work.gate.set()
    assert asyncio.run(batcher.run(work, ["b"], seconds=20)) == ["B"]


def test_at_the_end_what_waits_is_answered_and_nothing_more_is_taken(work):
    batcher = Batcher(batch=4, waiting=6)
    first_alone(batcher, work)
    waiting = batcher.submit(work, ["a"])
    work.gate.set()
    batcher.close()
    assert waiting.result(0) == ["A"]
    with pytest.raises(RuntimeError, match="being stopped"):
        batcher.submit(work, ["b"])


def test_sizes_are_told_and_nothing_is_something():
    sizes = []
    with Batcher(batch=4, waiting=6, observe=sizes.append) as batcher:
        assert batcher.submit(list, []).result(0) == []
        assert batcher.submit(list, ["a", "b"]).result(20) == ["a", "b"]
    assert sizes == [2]
