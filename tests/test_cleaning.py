import dataclasses

import pytest

from tests.helpers import DOCUMENTS, JUDGED, make_dataset, small_dataset
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.report import clean
from tutorial_lib.cleaning.steps import (
    ambiguous_queries,
    boilerplate,
    duplicate_documents,
    duplicate_queries,
    empty_documents,
    near_duplicate_documents,
    remove_leaks,
)
from tutorial_lib.data import splits
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.splits import check_leakage, mark_seen

TASKS = [
    f"{verb} {thing}"
    for verb in ("cancel", "renew", "inspect", "export")
    for thing in ("invoices", "passwords", "routers", "licences", "webhooks")
]


def touched(step):
    """Return the rows of a step as tuples."""
    return list(step.rows.itertuples(index=False, name=None))


def test_an_article_without_body_text_goes_with_its_queries():
    documents = {"a": ("Refunds", "Within 14 days."), "b": ("Router", " … "), "c": ("Plans", "")}
    step = empty_documents(make_dataset(documents, {"train": {"q": ("refund", "a"), "r": ("router", "b")}}))
    assert touched(step) == [("b", "Router", "no body text"), ("c", "Plans", "no body text")]
    assert step.dataset.counts() == {"articles": 1, "train": 1, "dev": 0, "test": 0}


def test_sentences_of_many_articles_are_cut():
    notice = "This is version 2."
    documents = {
        "a": ("A", f"{notice} Refunds take a week. See below."),
        "b": ("B", f"Routers need power. {notice}"),
        "c": ("C", notice),
        "d": ("D", "Refunds take a week."),
    }
    step = boilerplate(make_dataset(documents, {"train": {"q": ("x", "a")}}), min_documents=3)
    assert touched(step) == [("", notice, "in 3 articles"), ("c", "C", "nothing but boilerplate")]
    assert {a: v.text for a, v in step.dataset.corpus.items()} == {
        "a": "Refunds take a week. See below.",
        "b": "Routers need power.",
        "d": "Refunds take a week.",
    }


def test_a_sentence_repeated_within_one_article_is_no_boilerplate():
    dataset = make_dataset({"a": ("A", "Wait. Wait. Wait. Go."), "b": ("B", "Go.")}, {})
    assert touched(boilerplate(dataset, min_documents=3)) == []


def test_equal_articles_are_merged_with_their_judgments():
    documents = {"a": ("Refunds", "Within 14 days."), "b": ("REFUNDS", "within the 14 days"), "c": ("Router", "Plug.")}
    judged = {"train": {"q": ("money", {"b": 2, "a": 1, "c": 0}), "r": ("back", "b")}}
    step = duplicate_documents(make_dataset(documents, judged))
    assert touched(step) == [("b", "REFUNDS", "same as a")]
    assert list(step.dataset.corpus) == ["a", "c"]
    assert step.dataset.qrels["train"] == {"q": {"a": 2, "c": 0}, "r": {"a": 1}}


def test_equal_queries_of_one_split_are_merged_with_all_positives():
    judged = {
        "train": {
            "q1": ("cancel a plan", "billing/cancel"),
            "q2": ("Cancel the plan!", "account/close"),
            "q3": ("cancel plans", "billing/cancel"),
        },
        "test": {"e1": ("cancel plan", "billing/cancel")},
    }
    step = duplicate_queries(make_dataset(DOCUMENTS, judged))
    assert touched(step) == [("q2", "Cancel the plan!", "same as q1")]
    assert step.dataset.qrels["train"] == {
        "q1": {"billing/cancel": 1, "account/close": 1},
        "q3": {"billing/cancel": 1},
    }
    assert list(step.dataset.qrels["test"]) == ["e1"]  # a copy in another split is a leak, not a duplicate
    assert "q2" not in step.dataset.queries


def ambiguous_documents():
    names = ("batch", "build", "cloud")
    return {f"{n}/update": (f"{n}: update environment", "Updates it.") for n in names} | {
        "cloud/stop": ("cloud: stop environment", "Stops it.")
    }


def test_a_query_that_fits_three_families_goes():
    judged = {"train": {"q": ("update an environment", "batch/update"), "r": ("stop environment", "cloud/stop")}}
    step = ambiguous_queries(make_dataset(ambiguous_documents(), judged, families=True))
    assert touched(step) == [("q", "update an environment", "fits 3 families: batch, build, cloud")]
    assert list(step.dataset.queries) == ["r"]
    assert len(step.dataset.corpus) == 4
    kept = ambiguous_queries(make_dataset(ambiguous_documents(), judged, families=True), max_families=3)
    assert touched(kept) == []


def test_positives_of_three_families_make_a_query_ambiguous_too():
    positives = ["batch/update", "build/update", "cloud/stop"]
    dataset = make_dataset(ambiguous_documents(), {"test": {"q": ("something else", positives)}}, families=True)
    assert touched(ambiguous_queries(dataset)) == [("q", "something else", "fits 3 families: batch, build, cloud")]


def test_without_families_several_answers_are_just_several_answers():
    judged = {"train": {"q": ("update an environment", "batch/update")}}
    assert touched(ambiguous_queries(make_dataset(ambiguous_documents(), judged))) == []


def test_near_duplicate_articles_are_grouped_and_stay():
    text = "pull the plug wait ten seconds and push it in again please"
    documents = {"a": ("", text), "b": ("", f"{text} now"), "c": ("", "An annual plan is refunded in full.")}
    step = near_duplicate_documents(make_dataset(documents, {}))
    # Without "the" 11 and 12 words: 9 and 10 sequences of three, 9 of them shared.
    assert touched(step) == [("a", "", "group of 2: a"), ("b", "", "group of 2: a")]
    assert step.dataset.card["near_duplicates"] == [["a", "b"]]
    assert list(step.dataset.corpus) == ["a", "b", "c"]
    assert touched(near_duplicate_documents(make_dataset(documents, {}), threshold=0.95)) == []


def test_clean_chains_steps_and_reports_each():
    documents = {**DOCUMENTS, "x/blank": ("Blank", "…"), "billing/money": DOCUMENTS["billing/refund"]}
    judged = {**JUDGED, "train": {**JUDGED["train"], "t7": ("Stop my subscription from renewing!", "billing/money")}}
    report = clean(make_dataset(documents, judged, families=True))
    summary = report.summary()
    assert summary["step"].tolist() == [
        "empty articles",
        "boilerplate",
        "duplicate articles",
        "duplicate queries",
        "ambiguous queries",
        "near-duplicate articles",
    ]
    assert summary["touched"].tolist() == ["1 article", "0 rows", "1 article", "1 query", "0 queries", "0 articles"]
    assert summary["articles left"].tolist() == [7, 7, 6, 6, 6, 6]
    assert summary["queries left"].tolist() == [13, 13, 13, 12, 12, 12]
    assert report.rows("empty articles")["id"].tolist() == ["x/blank"]
    assert report.dataset.qrels["train"]["t2"] == {"billing/cancel": 1, "billing/money": 1}
    with pytest.raises(KeyError, match="no step 'blank': there are"):
        report.rows("blank")


# --- splits and leaks ---------------------------------------------------------------------------------------------


def unsplit():
    """Twenty different queries; all judged under train."""
    ids = sorted(DOCUMENTS)
    return make_dataset(DOCUMENTS, {"train": {f"q{n:02d}": (t, ids[n % 6]) for n, t in enumerate(TASKS)}})


def test_split_gives_7_1_2_and_says_which_answers_were_seen():
    result = splits.split(unsplit())
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


def with_leaks():
    judged = {s: dict(rows) for s, rows in JUDGED.items()}
    judged["train"]["t8"] = ("A Refund in the Second Week, can I get", "billing/refund")
    judged["train"]["t9"] = ("How do I turn a router off and on?", "devices/router")
    judged["train"]["e4"] = JUDGED["test"]["e4"]
    judged["dev"]["e4"] = JUDGED["test"]["e4"]
    return make_dataset(DOCUMENTS, judged)


def test_remove_leaks_takes_copies_out_of_training_and_reports_them():
    step = remove_leaks(with_leaks())
    assert touched(step) == [
        ("t9", "How do I turn a router off and on?", "taken out of train: copy of dev d2"),
        ("e4", "weak signal in the bedroom", "taken out of train: copy of dev e4"),
        ("e4", "weak signal in the bedroom", "taken out of dev: copy of test e4"),
    ]
    # t8 stays: the same words in another order share too few letters to be a copy.
    assert list(step.dataset.qrels["train"]) == ["t1", "t2", "t3", "t4", "t5", "t6", "t8"]
    assert step.dataset.qrels["dev"].keys() == JUDGED["dev"].keys()
    assert step.dataset.qrels["test"] == small_dataset().qrels["test"]
    check_leakage(step.dataset)


def test_prepare_makes_a_given_dataset_ready_and_says_what_it_did():
    ready = prepare(with_leaks())
    assert ready.card["notes"] == ["2 queries were taken out of training because a held-out query asks the same"]
    assert ready.card["near_duplicates"] == []
    assert ready.queries["e1"].metadata == {"article_seen": True}


def test_prepare_draws_missing_splits_and_keeps_earlier_notes():
    dataset = dataclasses.replace(unsplit(), card={"notes": ["3 lines were left out"]})
    ready = prepare(dataset)
    assert ready.counts() == {"articles": 6, "train": 14, "dev": 2, "test": 4}
    assert ready.card["notes"] == [
        "3 lines were left out",
        "no test split was given: 4 of 20 training queries were drawn for it (seed 0)",
        "no dev split was given: 2 of 16 training queries were drawn for it (seed 0)",
    ]


def test_prepare_refuses_a_dataset_without_training_queries():
    with pytest.raises(DataError, match="nothing to learn from"):
        prepare(make_dataset(DOCUMENTS, {"test": JUDGED["test"]}))
