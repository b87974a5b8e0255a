from tests.helpers import DOCUMENTS, JUDGED, make_dataset, small_dataset
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.cleaning.steps import (
    _title_ends,
    ambiguous_queries,
    boilerplate,
    duplicate_documents,
    duplicate_queries,
    empty_documents,
    merged_grades,
    near_duplicate_documents,
    remove_leaks,
)
from tutorial_lib.data.copies import query_copies
from tutorial_lib.data.splits import check_leakage


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
    step = boilerplate(make_dataset(documents, {"train": {"q": ("x", "a")}}), CleaningSettings(boilerplate_documents=3))
    assert touched(step) == [("", notice, "in 3 articles"), ("c", "C", "nothing but boilerplate")]
    assert {a: v.text for a, v in step.dataset.corpus.items()} == {
        "a": "Refunds take a week. See below.",
        "b": "Routers need power.",
        "d": "Refunds take a week.",
    }


def test_articles_without_a_common_sentence_stay_as_they_are():
    table = "First line.\n\n| A | B |\n  Second line.  Third."
    documents = {"a": ("A", table), "b": ("B", "Shared.\nOwn words of b."), "c": ("C", "Own words of c.\n\nShared.")}
    step = boilerplate(make_dataset(documents, {}), CleaningSettings(boilerplate_documents=2))
    texts = {a: v.text for a, v in step.dataset.corpus.items()}
    assert texts == {"a": table, "b": "Own words of b.", "c": "Own words of c."}


def test_sentences_of_any_script_are_told_apart():
    documents = {
        "a": ("A", "这是旧版文档。重置密码。"),
        "b": ("B", "这是旧版文档。打印机卡纸。"),
        "c": ("C", "Это старая. Ещё раз."),
    }
    step = boilerplate(make_dataset(documents, {}), CleaningSettings(boilerplate_documents=2))
    assert {a: v.text for a, v in step.dataset.corpus.items()} == {
        "a": "重置密码。",
        "b": "打印机卡纸。",
        "c": documents["c"][1],
    }


def test_a_sentence_repeated_within_one_article_is_no_boilerplate():
    dataset = make_dataset({"a": ("A", "Wait. Wait. Wait. Go."), "b": ("B", "Go.")}, {})
    assert touched(boilerplate(dataset, CleaningSettings(boilerplate_documents=3))) == []


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
    kept = ambiguous_queries(make_dataset(ambiguous_documents(), judged, families=True), CleaningSettings(max_families=3))
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
    assert step.dataset.near_duplicates == (("a", "b"),)
    assert list(step.dataset.corpus) == ["a", "b", "c"]
    assert (
        touched(near_duplicate_documents(make_dataset(documents, {}), CleaningSettings(near_duplicate_threshold=0.95))) == []
    )


def with_leaks():
    judged = {s: dict(rows) for s, rows in JUDGED.items()}
    judged["train"]["t8"] = ("A Refund in the Second Week, can I get", "billing/refund")
    judged["train"]["t9"] = ("How do I turn a router off and on?", "devices/router")
    judged["train"]["e4"] = JUDGED["test"]["e4"]
    judged["dev"]["e4"] = JUDGED["test"]["e4"]
    return make_dataset(DOCUMENTS, judged)


def test_remove_leaks_takes_copies_out_of_training_and_reports_them():
    step = remove_leaks(with_leaks())
    assert touched(step) == touched(remove_leaks(with_leaks(), copies=query_copies(with_leaks())))
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


def test_merged_judgments_keep_the_higher_grade():
    assert merged_grades([{"a": 1, "b": 0}, {"b": -1, "a": 2}, {"c": 1}]) == {"a": 2, "b": 0, "c": 1}
    assert merged_grades([]) == {}


def test_only_the_ends_of_titles_that_somebody_asks_are_held():
    dataset = make_dataset({"a": ("List all tables", "x"), "b": ("Tables", "y")}, {"train": {"q": ("all Tables!", "a")}})
    assert _title_ends(dataset) == {"all tables": {"a"}}
