"""Which models a policy needs, and what its year looks like: two queries a month, scored by hand."""

import pytest

from benchmarks.year_policies import POLICIES, Model, cutoffs, models_of, summary
from benchmarks.year_world import MONTHS


def test_models_from_the_base_are_shared_and_those_from_the_live_one_are_chains():
    names = [m.name for m in models_of(POLICIES, (22,), (0,))]
    assert names[:3] == ["base@22", "base@29", "live watched@22"]
    assert len(names) == len(set(names))
    assert [n for n in names if n.startswith("base")] == [f"base@{m}" for m in (22, 29, 21, 24, 27, 19, 20, 23, 25, 26, 28)]
    assert [n for n in names if "quarterly" in n] == [f"live quarterly@{m}" for m in ("21", "21+24", "21+24+27")]
    assert [m.name for m in models_of(("watched/base",), (22, 25), (0, 3))] == [
        "base@22",
        "base@25",
        "base@22 seed 3",
        "base@25 seed 3",
    ]


def test_a_chain_is_gathered_from_the_one_before():
    last = Model("live quarterly", (21, 24), 0)
    assert (last.start, last.month, last.number, last.parent) == ("live", 24, 7, 4)
    assert (Model("base", (24,), 0).number, Model("base", (24,), 0).parent) == (7, 1)


def row(score, **more):
    parts = [*map(str, MONTHS), "old", "new"]
    return {"scores": {part: [score, score + 0.2] for part in parts}, "seed": 0, "cpu_s": 100.0, **more}


def test_a_model_answers_from_the_month_after_its_training():
    parts = [*map(str, MONTHS), "old", "new"]
    record = {
        "rows": {"first": row(0.1), "base@22": row(0.5), "base@22 seed 1": row(0.7, seed=1)},
        "queries": {part: {f"{part}a": "same", f"{part}b": "new"} for part in parts},
    }
    made = summary(record, cutoffs((22,)))
    assert set(made) == {"never", "watched/base", "watched/base seed 1"}
    months = made["watched/base"]["months"]
    assert [round(months[str(m)], 6) for m in (19, 22, 23, 30)] == [0.2, 0.2, 0.6, 0.6]
    assert made["never"]["year"] == pytest.approx(0.2)
    assert made["watched/base"]["year"] == pytest.approx((4 * 0.2 + 8 * 0.6) / 12)
    assert made["watched/base"]["by_change"] == pytest.approx(
        {"new": (4 * 0.3 + 8 * 0.7) / 12, "same": (4 * 0.1 + 8 * 0.5) / 12}
    )
    assert made["watched/base"]["exams"] == pytest.approx({"old": 0.6, "new": 0.6})
    assert (made["watched/base"]["cpu_s"], made["watched/base"]["trainings"]) == (100.0, 1)
    assert made["watched/base seed 1"]["exams"]["new"] == pytest.approx(0.8)


def test_a_policy_without_all_its_models_is_not_told():
    parts = [*map(str, MONTHS), "old", "new"]
    record = {"rows": {"first": row(0.1), "base@21": row(0.5)}, "queries": {p: {"a": "same", "b": "new"} for p in parts}}
    assert set(summary(record, cutoffs((22,)))) == {"never"}
