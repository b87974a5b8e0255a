import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import DOCUMENTS, make_dataset, small_dataset
from tutorial_lib.data.dataset import DataError, Document, LeakageError, relevant
from tutorial_lib.data.splits import check_leakage, complete_splits, draw_split, find_leaks, near_copy_groups

TASKS = [
    f"{verb} {thing}"
    for verb in ("cancel", "renew", "inspect", "export", "archive")
    for thing in ("invoices", "passwords", "routers", "licences", "webhooks", "calendars", "dashboards", "backups")
]


def leaky(train, dev, test):
    """Return the small dataset with these texts as its queries."""
    rows = {"train": train, "dev": dev, "test": test}
    return make_dataset(DOCUMENTS, {s: {q: (text, "billing/refund") for q, text in r.items()} for s, r in rows.items()})


# --- what a dataset answers ---------------------------------------------------------------------------------------


def test_full_text_is_title_and_text():
    assert Document("a", "Refunds", "Within 14 days.").full_text == "Refunds\nWithin 14 days."
    assert Document("a", "", "Within 14 days.").full_text == "Within 14 days."


def test_positives_best_grade_first_then_by_id():
    assert relevant({"c": 1, "b": 1, "a": 0, "d": 2, "e": -1}) == ["d", "b", "c"]
    dataset = make_dataset(
        DOCUMENTS,
        {
            "train": {
                "q2": ("x", {"devices/wifi": 1, "billing/refund": 2}),
                "q1": ("y", "devices/router"),
            }
        },
    )
    assert dataset.positives("train") == {"q1": ["devices/router"], "q2": ["billing/refund", "devices/wifi"]}
    assert dataset.pairs("train") == [("q1", "devices/router"), ("q2", "billing/refund"), ("q2", "devices/wifi")]
    assert dataset.seen_documents() == {"billing/refund", "devices/router", "devices/wifi"}


def test_counts_and_texts_of_the_small_dataset():
    dataset = small_dataset()
    assert dataset.counts() == {"articles": 6, "train": 6, "dev": 2, "test": 4}
    assert list(dataset.query_texts("test")) == ["e1", "e2", "e3", "e4"]
    assert dataset.query_texts("dev")["d1"] == "money back after yearly payment"
    assert dataset.document_texts()["billing/refund"].startswith("Refunds\nAn annual plan")


def test_restrict_takes_along_queries_left_without_positive():
    cut = small_dataset().restrict(documents={"billing/refund", "billing/cancel", "devices/wifi"})
    assert cut.counts() == {"articles": 3, "train": 3, "dev": 1, "test": 3}
    assert list(cut.queries) == ["d1", "e1", "e2", "e4", "t1", "t2", "t6"]
    assert small_dataset().restrict(queries={"t1"}).counts() == {"articles": 6, "train": 1, "dev": 0, "test": 0}


def test_fingerprint_changes_with_any_text_and_grade_and_nothing_else():
    dataset = small_dataset()
    same = dataclasses.replace(dataset, name="other", card={"x": 1})
    assert same.fingerprint() == dataset.fingerprint()
    regraded = dataclasses.replace(dataset, qrels={**dataset.qrels, "dev": {"d1": {"billing/refund": 2}}})
    corpus = {**dataset.corpus, "billing/refund": Document("billing/refund", "Refunds", "other")}
    retold = dataclasses.replace(dataset, corpus=corpus)
    assert len({d.fingerprint() for d in (dataset, regraded, retold)}) == 3


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
    assert "cleaning.remove_leaks(dataset)" in str(error.value)


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


def test_near_copies_by_hand():
    # 35 and 36 characters make 32 and 33 four-letter sequences, 32 of them shared: 32 / 33 = 0.97.
    texts = {"a": "export every invoice of the last yr", "b": "export every invoice of the last yrs", "c": "weak signal"}
    assert near_copy_groups(texts) == [["a", "b"]]
    assert near_copy_groups(texts, 0.99) == []


# --- drawing splits -----------------------------------------------------------------------------------------------


def test_shares_hold_and_every_query_has_one_split():
    texts = {f"q{n:02d}": text for n, text in enumerate(TASKS)}
    drawn = draw_split(texts, {"train": 0.7, "dev": 0.1, "test": 0.2})
    assert {s: len(ids) for s, ids in drawn.items()} == {"train": 28, "dev": 4, "test": 8}
    assert sorted(q for ids in drawn.values() for q in ids) == sorted(texts)


def test_the_seed_decides_and_the_order_of_queries_does_not():
    texts = {f"q{n:02d}": text for n, text in enumerate(TASKS)}
    shares = {"train": 0.8, "test": 0.2}
    backwards = dict(reversed(texts.items()))
    assert draw_split(texts, shares, 1) == draw_split(backwards, shares, 1)
    assert draw_split(texts, shares, 1) != draw_split(texts, shares, 2)


def test_shares_must_sum_to_one():
    with pytest.raises(ValueError, match=r"shares sum to 1\.1: pass shares that sum to 1"):
        draw_split({"q": "x"}, {"train": 0.8, "test": 0.3})


VARIANTS = st.sampled_from([str, str.upper, str.title, lambda t: f"the {t}", lambda t: f"A {t}!", lambda t: f"{t}?"])


@given(st.lists(st.tuples(st.sampled_from(TASKS), VARIANTS), min_size=1, max_size=40), st.integers(0, 5))
def test_no_near_copy_crosses_a_split(drawn, seed):
    texts = {f"q{n:02d}": variant(task) for n, (task, variant) in enumerate(drawn)}
    splits = draw_split(texts, {"train": 0.5, "dev": 0.2, "test": 0.3}, seed)
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
    completed, notes = complete_splits(training_only(TASKS))
    # 20 % of 40 are 8; 10 % of the other 32 are 3.2.
    assert completed.counts() == {"articles": 6, "train": 29, "dev": 3, "test": 8}
    assert notes == [
        "no test split was given: 8 of 40 training queries were drawn for it (seed 0)",
        "no dev split was given: 3 of 32 training queries were drawn for it (seed 0)",
    ]
    check_leakage(completed)


def test_given_splits_stay_as_they_are():
    completed, notes = complete_splits(small_dataset())
    assert completed == small_dataset()
    assert notes == []


def test_ten_queries_are_enough_and_nine_are_not():
    assert complete_splits(training_only(TASKS[:10]))[0].counts() == {"articles": 6, "train": 7, "dev": 1, "test": 2}
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
