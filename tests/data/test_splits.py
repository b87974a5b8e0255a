import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import DOCUMENTS, make_dataset, small_dataset
from tutorial_lib.data.copies import near_copies, query_copies
from tutorial_lib.data.dataset import SPLITS, DataError, LeakageError
from tutorial_lib.data.splits import (
    SHARES,
    SplitSettings,
    check_leakage,
    complete_splits,
    draw_split,
    find_leaks,
    mark_seen,
    split_at_random,
)

TASKS = [
    f"{verb} {thing}"
    for verb in ("cancel", "renew", "inspect", "export", "archive")
    for thing in ("invoices", "passwords", "routers", "licences", "webhooks", "calendars", "dashboards", "backups")
]


def leaky(train, dev, test):
    """Return the small dataset with these texts as its queries."""
    rows = {"train": train, "dev": dev, "test": test}
    return make_dataset(DOCUMENTS, {s: {q: (text, "billing/refund") for q, text in r.items()} for s, r in rows.items()})


# --- leakage ------------------------------------------------------------------------------------------------------


def test_the_small_dataset_does_not_leak():
    assert find_leaks(small_dataset()) == []
    check_leakage(small_dataset())


@pytest.mark.parametrize(
    "copy",
    [
        "refund for annual plan",
        "Refund for Annual Plan?",
        "a refund for the annual plan",
        "REFUND FOR ANNUAL PLAN",
    ],
)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_held_out_copy_is_refused_with_both_queries_named(copy, split):
    held_out = {"dev": {"d": "weak signal"}, "test": {"e": "password link"}}
    held_out[split]["h"] = copy
    dataset = leaky({"t": "refund for annual plan", "u": "stop renewal"}, **held_out)
    assert find_leaks(dataset) == [("t", "h", split)]
    with pytest.raises(LeakageError) as error:
        check_leakage(dataset)
    assert f"first: {split} query 'h' ({copy!r}) and training query 't' ('refund for annual plan')" in str(error.value)
    assert "cleaning.steps.remove_leaks(dataset)" in str(error.value)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (("train", "dev"), ("q", "q", "dev")),
        (("train", "test"), ("q", "q", "test")),
        (("dev", "test"), ("q", "q", "test")),
    ],
)
def test_one_query_in_two_splits_is_refused(where, expected):
    splits = {"train": {"t": "stop renewal"}, "dev": {"d": "weak signal"}, "test": {"e": "password link"}}
    for split in where:
        splits[split]["q"] = "refund for annual plan"
    dataset = leaky(**splits)
    assert find_leaks(dataset) == [expected]
    with pytest.raises(LeakageError, match="query 'q'"):
        check_leakage(dataset)


# --- drawing splits -----------------------------------------------------------------------------------------------


def test_shares_hold_and_every_query_has_one_split():
    texts = {f"q{n:02d}": text for n, text in enumerate(TASKS)}
    drawn = draw_split(texts, near_copies(texts), SHARES)
    assert {s: len(ids) for s, ids in drawn.items()} == {"train": 28, "dev": 4, "test": 8}
    assert sorted(q for ids in drawn.values() for q in ids) == sorted(texts)


def test_the_seed_decides_and_the_order_of_queries_does_not():
    texts = {f"q{n:02d}": text for n, text in enumerate(TASKS)}
    shares = {"train": 0.8, "test": 0.2}
    backwards = dict(reversed(texts.items()))
    copies = near_copies(texts)
    assert draw_split(texts, copies, shares, 1) == draw_split(backwards, near_copies(backwards), shares, 1)
    assert draw_split(texts, copies, shares, 1) != draw_split(texts, copies, shares, 2)


def test_shares_must_sum_to_one():
    with pytest.raises(ValueError, match=r"shares sum to 1\.1: pass shares that sum to 1"):
        draw_split(["q"], near_copies({"q": "x"}), {"train": 0.8, "test": 0.3})


VARIANTS = st.sampled_from([str, str.upper, str.title, lambda t: f"the {t}", lambda t: f"A {t}!", lambda t: f"{t}?"])


@given(st.lists(st.tuples(st.sampled_from(TASKS), VARIANTS), min_size=1, max_size=40), st.integers(0, 5))
def test_no_near_copy_crosses_a_split(drawn, seed):
    texts = {f"q{n:02d}": variant(task) for n, (task, variant) in enumerate(drawn)}
    splits = draw_split(texts, near_copies(texts), {"train": 0.5, "dev": 0.2, "test": 0.3}, seed)
    split_of = {q: s for s, ids in splits.items() for q in ids}
    assert split_of.keys() == texts.keys()
    for task in {task for task, _ in drawn}:
        copies = [f"q{n:02d}" for n, (other, _) in enumerate(drawn) if other == task]
        assert len({split_of[q] for q in copies}) == 1
    check_leakage(leaky(**{s: {q: texts[q] for q in ids} for s, ids in splits.items()}))


# --- completing splits --------------------------------------------------------------------------------------------


def training_only(texts):
    return leaky({f"q{n:02d}": text for n, text in enumerate(texts)}, {}, {})


def test_missing_splits_are_drawn_and_said():
    completed = complete_splits(training_only(TASKS))
    # 20 % of 40 are 8; 10 % of the other 32 are 3.2.
    assert completed.counts() == {"articles": 6, "train": 29, "dev": 3, "test": 8}
    assert list(completed.notes) == [
        "no test split was given: 8 of 40 training queries were drawn for it (seed 0)",
        "no dev split was given: 3 of 32 training queries were drawn for it (seed 0)",
    ]
    check_leakage(completed)


def test_given_splits_stay_as_they_are():
    assert complete_splits(small_dataset()) == small_dataset()


def test_ten_queries_are_enough_and_nine_are_not():
    assert complete_splits(training_only(TASKS[:10])).counts() == {"articles": 6, "train": 7, "dev": 1, "test": 2}
    with pytest.raises(DataError, match=r"no test split and only 9 training queries .* pass qrels/test.tsv or at least 10"):
        complete_splits(training_only(TASKS[:9]))


def test_ten_copies_of_one_query_are_not_enough():
    with pytest.raises(DataError, match="no test split and only 10 training queries"):
        complete_splits(training_only(["cancel invoices"] * 10))


@pytest.mark.parametrize("qrels", [{}, {"train": {}, "test": {"e1": {"billing/refund": 1}}}])
def test_a_missing_train_split_is_refused(qrels):
    dataset = dataclasses.replace(small_dataset(), qrels=qrels)
    with pytest.raises(DataError, match=r"small: qrels/train.tsv is missing or empty, found .*: pass training judgments"):
        complete_splits(dataset)


def unsplit():
    """Twenty different queries; all judged under train."""
    ids = sorted(DOCUMENTS)
    return make_dataset(DOCUMENTS, {"train": {f"q{n:02d}": (t, ids[n % 6]) for n, t in enumerate(TASKS[:20])}})


def test_split_gives_7_1_2_and_says_which_answers_were_seen():
    result = split_at_random(unsplit())
    assert result.counts() == {"articles": 6, "train": 14, "dev": 2, "test": 4}
    seen = result.seen_documents()
    for split in ("dev", "test"):
        for q, documents in result.positives(split).items():
            assert result.queries[q].metadata == {"article_seen": documents[0] in seen}
    assert all(not result.queries[q].metadata for q in result.qrels["train"])


def test_mark_seen_by_hand():
    judged = {"train": {"t": ("x", "a")}, "dev": {"d": ("y", "b")}, "test": {"e": ("z", ["a", "b"])}}
    marked = mark_seen(make_dataset({"a": ("", "one"), "b": ("", "two")}, judged))
    assert [marked.queries[q].metadata.get("article_seen") for q in "tde"] == [None, False, True]


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dev_from": "2026-01-10"}, "dev_from is '2026-01-10' and test_from is None: pass both dates, or neither"),
        ({"test_from": "2026-01-10"}, "dev_from is None and test_from is '2026-01-10': pass both dates, or neither"),
        (
            {"dev_from": "2026-01-10", "test_from": "2026-01-05"},
            "dev starts on 2026-01-10, after test on 2026-01-05: pass an earlier dev_from",
        ),
        ({"dev_from": "01/02/2026", "test_from": "2026-05-01"}, "the date '01/02/2026' can be read both ways"),
        ({"dev_from": "soon", "test_from": "2026-05-01"}, "'soon' is not a time"),
        ({"split_seed": -1}, "split_seed is -1: pass a whole number from 0 up"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(given, message):
    with pytest.raises(ValueError, match=message):
        SplitSettings(**given)


def test_shares_are_shares_of_all():
    assert sum(SHARES.values()) == pytest.approx(1)
    assert list(SHARES) == list(SPLITS)


def test_known_near_copies_give_the_same_splits():
    dataset = training_only([*TASKS, *(t.upper() for t in TASKS[:5])])
    copies = query_copies(dataset)
    assert complete_splits(dataset, 3, copies) == complete_splits(dataset, 3)
    assert split_at_random(dataset, 3, copies) == split_at_random(dataset, 3)
    careless = dataclasses.replace(dataset, qrels={**dataset.qrels, "test": {"q00": dataset.qrels["train"]["q00"]}})
    assert find_leaks(careless, copies) == find_leaks(careless) == [("q00", "q00", "test"), ("q40", "q00", "test")]
