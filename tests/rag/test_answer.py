"""Answers: many at once, kept under all that decides them."""

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.rag.answer import Answer, AnswerCache, Prices, answer_all


class Echo:
    name = "echo"

    def __init__(self, broken=()):
        self.asked = []
        self.broken = broken

    def answer(self, messages):
        text = messages[-1]["content"]
        self.asked.append(text)
        if text in self.broken:
            raise OSError(f"no answer to {text}")
        return Answer(text.upper(), 1, 1, seconds=0.1)


def prompts(*texts):
    return [[{"role": "user", "content": text}] for text in texts]


@pytest.mark.parametrize("workers", [1, 3])
def test_answers_stand_in_the_order_of_the_prompts_and_equal_ones_are_asked_once(workers):
    echo = Echo()
    assert [a.text for a in answer_all(echo, prompts("b", "a", "b", "c"), workers=workers)] == ["B", "A", "B", "C"]
    assert sorted(echo.asked) == ["a", "b", "c"]
    assert answer_all(echo, []) == []


def test_after_a_failure_nothing_more_is_asked():
    echo = Echo(broken=("b",))
    with pytest.raises(OSError, match="no answer to b"):
        answer_all(echo, prompts(*"abcdefgh"), workers=1)
    assert echo.asked == ["a", "b"]


def test_a_kept_answer_is_found_for_the_same_request_alone(tmp_path):
    cache = AnswerCache(tmp_path / "cache")
    answer = Answer("14 days", 10, 3, seconds=0.5, finish_reason="stop", model="m")
    assert cache.find({"prompt": "a"}) is None
    cache.keep({"prompt": "a", "seed": 1}, answer, {"request": "a"})
    found = cache.find({"seed": 1, "prompt": "a"})
    assert (found.text, found.seconds, found.cached) == ("14 days", 0.5, True)
    assert cache.find({"prompt": "a", "seed": 2}) is None


def test_a_price_is_of_a_million_tokens():
    assert Prices(prompt=2, completion=10).of(Answer("x", 500_000, 100_000, 0.0)) == 2.0


def test_prices_and_folders_that_cannot_be_are_refused_before_an_answer_is_paid_for(tmp_path):
    for prices in ((-1, 2), (1, float("nan"))):
        with pytest.raises(DataError, match="pass the money for a million tokens, at least 0"):
            Prices(*prices)
    (tmp_path / "cache").write_text("mine")
    with pytest.raises(DataError, match="cache is a file, and answers are kept in a folder: pass one"):
        AnswerCache(tmp_path / "cache")
