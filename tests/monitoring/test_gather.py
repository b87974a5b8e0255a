"""The dataset of a generation: what is trained on, what is held back, what becomes of judgments of articles that are gone."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.monitoring.logs import DAYS, asked, day
from tests.tiny import tiny_dataset
from tutorial_lib.data.dataset import DataError, Query, RetrievalDataset
from tutorial_lib.monitoring.gather import NEW, NEWEST, OLD, Parent, gather
from tutorial_lib.monitoring.settings import GatherSettings

WEEKS = GatherSettings(dev_weeks=1, newest_weeks=1)
NOTHING: tuple[dict, dict] = ({}, {})
PARENT = tiny_dataset()


def log(days=range(DAYS), corpus=None, **card):
    queries = {f"search/{n:05}": Query(f"search/{n:05}", asked(n), {"source": "search", "created_at": day(n)}) for n in days}
    judged = {q: {f"a{int(q[-5:]) % 24:02}": 1} for q in queries}
    return RetrievalDataset("desk", corpus or PARENT.corpus, queries, {"train": judged, "dev": {}, "test": {}}, card)


def exam(dataset, name):
    return sorted(q for q in dataset.qrels["test"] if dataset.queries[q].metadata["exam"] == name)


def test_the_log_is_divided_by_its_weeks_beside_what_the_parent_had():
    made = gather(Parent(PARENT, 1), log(), NOTHING, WEEKS)
    new = {split: sorted(int(q[-5:]) for q in judged if q.startswith("g2/")) for split, judged in made.qrels.items()}
    assert new == {"train": list(range(28)), "dev": list(range(28, 35)), "test": list(range(35, 42))}
    for split in ("train", "dev", "test"):
        assert PARENT.qrels[split].items() <= made.qrels[split].items()
    assert exam(made, OLD) == sorted(PARENT.qrels["test"])
    assert exam(made, NEWEST) == [f"g2/search/{n:05}" for n in range(35, 42)]
    assert made.card["gathered"] == {"until": day(41), "old": 12, "new": 28, "left": 0, "without an article": 0}


def test_the_next_generation_trains_on_what_the_last_one_held_back_and_keeps_its_exam():
    second = gather(Parent(PARENT, 1), log(range(21)), NOTHING, WEEKS)
    third = gather(Parent(second, 2), log(range(21, 42)), NOTHING, WEEKS)
    held = {q for split in ("dev", "test") for q in second.qrels[split] if q.startswith("g2/")}
    assert held
    assert held <= set(third.qrels["train"])
    assert exam(third, OLD) == sorted(PARENT.qrels["test"])
    assert all(q.startswith("g3/") for q in exam(third, NEWEST))
    assert {q for q in third.qrels["dev"] if not q.startswith("g3/")} == set(PARENT.qrels["dev"])
    ids = [q for judged in third.qrels.values() for q in judged]
    assert len(ids) == len(set(ids))


def test_golden_queries_are_graded_anew_or_are_the_new_exam():
    first = sorted(PARENT.qrels["test"])[0]
    golden = ({first: PARENT.queries[first], "n1": Query("n1", "delete robot")}, {first: {"a01": 2}, "n1": {"a23": 2}})
    made = gather(Parent(PARENT, 1), log(), golden, WEEKS)
    assert made.qrels["test"][first] == {"a01": 2}
    assert exam(made, NEW) == ["n1"]
    again = gather(Parent(made, 2), log(range(42, 84)), golden, WEEKS)
    assert exam(again, NEW) == []
    assert "n1" in exam(again, OLD)


def test_judgments_follow_superseded_articles_and_go_with_those_that_are_no_more():
    corpus = {a: d for a, d in PARENT.corpus.items() if a not in ("a00", "a16", "a17")}
    made = gather(Parent(PARENT, 1), log(range(1, 16), corpus, superseded={"a16": "a20"}), NOTHING, WEEKS)
    assert made.qrels["test"]["q16"] == {"a20": 1}
    assert "q17" not in made.qrels["test"]
    assert "q00" not in made.qrels["train"]
    assert made.card["gathered"]["without an article"] == 2
    assert set(made.corpus) == set(corpus)


def test_shares_and_weights():
    settings = replace(WEEKS, old_share=0.5, new_weight=2)
    made = gather(Parent(PARENT, 1), log(), NOTHING, settings, seed=3)
    assert sum(q in PARENT.qrels["train"] for q in made.qrels["train"]) == 6
    assert sum(q.startswith("g2/") for q in made.qrels["train"]) == 2 * 28
    assert made.queries["g2/search/00000#2"].text == asked(0)
    assert made.qrels["train"] == gather(Parent(PARENT, 1), log(), NOTHING, settings, seed=3).qrels["train"]
    other = gather(Parent(PARENT, 1), log(), NOTHING, settings, seed=4)
    assert set(other.qrels["train"]) != set(made.qrels["train"])


def test_of_two_queries_of_the_same_words_the_new_one_stays():
    new = log()
    queries = {**new.queries, "search/00000": replace(new.queries["search/00000"], text=PARENT.queries["q05"].text.upper())}
    made = gather(Parent(PARENT, 1), replace(new, queries=queries), NOTHING, WEEKS)
    assert "q05" not in made.qrels["train"]
    assert made.qrels["train"]["g2/search/00000"] == {"a00": 1}


def test_a_log_too_short_to_be_divided_is_refused():
    with pytest.raises(
        DataError, match="8 queries from 2026-07-01 to 2026-07-08, leaves none for train with 1 weeks for dev"
    ):
        gather(Parent(PARENT, 1), log(range(8)), NOTHING, WEEKS)


def test_a_log_ends_with_its_newest_query():
    assert Parent(PARENT, 1).until == ""
    until = Parent(gather(Parent(PARENT, 1), log(), NOTHING, WEEKS), 2).until
    assert datetime.fromisoformat(until) == datetime.fromisoformat(day(0)) + timedelta(days=41)
