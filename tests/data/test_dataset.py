import dataclasses

from tests.helpers import DOCUMENTS, make_dataset, small_dataset
from tutorial_lib.data.dataset import Document, relevant


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
    same = dataclasses.replace(dataset, name="other", card={"x": 1}, notes=("cleaned",))
    assert same.fingerprint() == dataset.fingerprint()
    regraded = dataclasses.replace(dataset, qrels={**dataset.qrels, "dev": {"d1": {"billing/refund": 2}}})
    corpus = {**dataset.corpus, "billing/refund": Document("billing/refund", "Refunds", "other")}
    retold = dataclasses.replace(dataset, corpus=corpus)
    doubled = dataclasses.replace(dataset, near_duplicates=(("billing/cancel", "billing/refund"),))
    assert len({d.fingerprint() for d in (dataset, regraded, retold, doubled)}) == 4
    assert (
        doubled.fingerprint()
        == dataclasses.replace(doubled, near_duplicates=(("billing/refund", "billing/cancel"),)).fingerprint()
    )


def test_twins_of_a_group_share_one_set():
    dataset = dataclasses.replace(small_dataset(), near_duplicates=(("a", "b", "c"), ("d", "e")))
    twins = dataset.twins()
    assert {a: "".join(sorted(group)) for a, group in twins.items()} == {**dict.fromkeys("abc", "abc"), "d": "de", "e": "de"}
    assert twins["a"] is twins["b"] is twins["c"]  # memory grows with the group, not with its square
    assert small_dataset().twins() == {}


def test_a_query_that_is_a_document_has_an_own_document():
    documents = {
        "by-text": ("Taxes", "Taxes should rise."),
        "by-title": ("Taxes should fall", "They are too high."),
        "by-both": ("Taxes", "They pay for schools."),
        "1": ("Refunds", "Paid back in full."),
        "answer": ("Close an account", "Do it here."),
        "judged-0": ("", "close it"),
        "other": ("Router", "Restart it."),
    }
    judged = {
        "test": {
            "by-text": ("taxes should rise", "other"),
            "by-title": ("Taxes should fall!", "other"),
            "by-both": ("Taxes: they pay for schools", "other"),
            "1": ("close my account", "answer"),  # only numbered alike
            "answer": ("close an account", "answer"),  # it is the answer: leaving it out would punish who finds it
            "judged-0": ("Close it", {"judged-0": 0, "answer": 1}),
            "q": ("restart it", "other"),
        }
    }
    dataset = make_dataset(documents, judged)
    own = ("by-both", "by-text", "by-title", "judged-0")
    assert dataset.own_documents == {q: q for q in own}
    (note,) = dataset.own_documents_note()
    assert note.startswith("4 queries are also a document, with the same id and text: a query's own document is left out")
    assert small_dataset().own_documents == {}
    assert small_dataset().own_documents_note() == ()
