"""May it go live? Runs over ten articles whose ranks are set by hand."""

from dataclasses import replace

import pytest

from tutorial_lib.data.dataset import Document, Query, RetrievalDataset
from tutorial_lib.evaluation.ship import ShipSettings
from tutorial_lib.monitoring.gates import CANDIDATE, KEYWORD, LIVE, exams_of, judge
from tutorial_lib.monitoring.settings import GateSettings

COUNTS = {"old": 40, "new": 30, "newest": 25}


def desk(counts=COUNTS):
    """Return a dataset with so many test queries by exam, each with an article of its own."""
    ids = [f"{exam}{n:02}" for exam, count in counts.items() for n in range(count)]
    corpus = {f"a-{q}": Document(f"a-{q}", "", q) for q in sorted(ids)} | {
        f"z{n}": Document(f"z{n}", "", "z") for n in range(9)
    }
    queries = {q: Query(q, q, {"exam": q[:-2]}) for q in sorted(ids)}
    return RetrievalDataset(
        "desk", corpus, queries, {"train": {}, "dev": {}, "test": {q: {f"a-{q}": 1} for q in sorted(ids)}}
    )


def run(dataset, **rank_of):
    """Return a run that has the answer at so many ranks below the first, by exam; (rank, every) only for every n-th query."""
    found = {}
    for q in dataset.qrels["test"]:
        rank, every = rank_of.get(q[:-2], (0, 1))
        rank = rank if int(q[-2:]) % every == 0 else 0
        ranked = [f"z{n}" for n in range(rank)] + [f"a-{q}"]
        found[q] = {a: 1.0 - n / 10 for n, a in enumerate(ranked)}
    return found


def judged(dataset, live, candidate, **settings):
    runs = {
        LIVE: run(dataset, **live),
        CANDIDATE: run(dataset, **candidate),
        KEYWORD: run(dataset, new=(5, 1), newest=(5, 1)),
    }
    return judge(dataset, runs, GateSettings(**settings))


def test_better_on_the_new_and_as_good_on_the_old_ships():
    found = judged(desk(), {"new": (4, 2)}, {})
    assert found.decision.ship
    assert found.deciding == "new"
    assert {exam: f["queries"] for exam, f in found.figures().items()} == COUNTS
    # rank 5 instead of 1 costs 1 - 1 / log2(6) = 0.613, for every other query
    assert found.figures()["new"]["difference"] == pytest.approx(0.613 / 2, abs=1e-3)
    assert found.figures()["old"]["difference"] == 0


def test_no_gain_on_the_new_keeps_it_back():
    found = judged(desk(), {}, {})
    assert not found.decision.ship
    assert found.decision.reasons[0] == "NO: nDCG@10 gains +0.000 over live, 0.02 wanted"


def test_a_loss_on_the_old_keeps_it_back_whatever_the_gain():
    found = judged(desk(), {"new": (4, 1)}, {"old": (4, 4)})
    assert not found.decision.ship
    assert [r for r in found.decision.reasons if r.startswith("NO: on the old exam")]
    # the same loss on every query of few: significant as well
    assert any(
        "slices 1 got significantly worse: exam: old" in r for r in judged(desk(), {}, {"old": (4, 1)}).decision.reasons
    )


def test_the_bound_on_the_old_is_asked_of_the_intervals_lower_end():
    one_in_twenty = {"old": (1, 20)}  # of 40 queries two lose 0.369: 0.018 on the mean, and 0.046 or more cannot be ruled out
    strict = judged(desk(), {"new": (4, 1)}, one_in_twenty)
    change = strict.figures()["old"]
    assert -0.03 < change["difference"] < 0
    assert change["low"] < -0.03
    assert not strict.decision.ship
    assert judged(desk(), {"new": (4, 1)}, one_in_twenty, max_old_loss=0.1).decision.ship


def test_the_newest_weeks_decide_where_the_new_exam_is_small_or_missing():
    for counts in ({**COUNTS, "new": 5}, {"old": 40, "newest": 25}):
        found = judged(desk(counts), {"newest": (4, 1)}, {})
        assert found.deciding == "newest"
        assert found.decision.ship
    assert judged(desk({**COUNTS, "new": 5}), {"new": (4, 1)}, {}, fewest=5).deciding == "new"


def test_keyword_search_must_not_be_better():
    dataset = desk()
    runs = {LIVE: run(dataset, new=(8, 1)), CANDIDATE: run(dataset, new=(4, 1)), KEYWORD: run(dataset)}
    reasons = judge(dataset, runs, GateSettings(ShipSettings(max_recall_loss=1.0))).decision.reasons
    assert reasons[0].startswith("NO: against BM25")


def test_queries_of_a_run_that_says_nothing_of_exams_are_the_old_one():
    dataset = desk()
    plain = replace(dataset, queries={q: replace(v, metadata={}) for q, v in dataset.queries.items()})
    assert {exam: len(ids) for exam, ids in exams_of(plain).items()} == {"old": 95}
