from dataclasses import replace

import pytest

from tests.cleaning.tickets import DOCUMENTS, GERMAN, LONG, QUOTED, SIGNED, dataset, texts_of, touched
from tutorial_lib.cleaning.report import clean
from tutorial_lib.cleaning.steps import remove_leaks
from tutorial_lib.cleaning.tickets import TICKET_STEPS, personal_data, quoted_threads, repeated_tickets, superseded_documents
from tutorial_lib.data.dataset import SPLITS, DataError


def test_quoted_mails_and_signatures_are_cut():
    plain = "no mail, just a question about refunds"
    step = quoted_threads(dataset({"train": {"plain": plain, "quoted": QUOTED, "signed": SIGNED}}))
    own = "No answer\nHello, the printer does not answer any more."
    assert texts_of(step.dataset) == {"plain": plain, "quoted": own, "signed": own}
    assert touched(step) == {"quoted": "111 characters cut, 3 lines", "signed": "46 characters cut, 4 lines"}
    assert "Laura" not in step.rows.to_csv()


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("No print\nThe printer does nothing.\nTa,\nJo Brandt\nBrandt Roofing", "No print\nThe printer does nothing."),
        ("The printer does nothing.\nJo Brandt", "The printer does nothing.\nJo Brandt"),  # the first two lines always stay
        ("Plan\nWhich plan is right for\nBrandt Roofing", "Plan\nWhich plan is right for\nBrandt Roofing"),  # it goes on
        ("Plan\nWhich plan is right?\nThere are two of us.", "Plan\nWhich plan is right?\nThere are two of us."),
    ],
)
def test_a_signature_without_a_mark_is_cut(text, own):
    assert texts_of(quoted_threads(dataset({"train": {"q": text}})).dataset) == {"q": own}


def test_a_message_that_only_quotes_is_kept():
    text = "> which printer is it?\n> the one upstairs"
    step = quoted_threads(dataset({"train": {"q": text}}))
    assert texts_of(step.dataset) == {"q": text}
    assert touched(step) == {}


def test_personal_data_becomes_placeholders():
    step = personal_data(
        dataset(
            {
                "train": {
                    "1": "My name is Laura Schmidt, mail laura.schmidt@example.com, and the router is broken.",
                    "2": "Please call me back on +49 30 901820 about the refund.",
                    "3": "I paid with card 4111 1111 1111 1111 and was charged twice.",
                    "4": "Send it to IBAN DE89 3704 0044 0532 0130 00 please.",
                    "5": "The router at 192.168.10.25 does not answer.",
                    "6": "Order 4111 has no personal data.",
                }
            }
        )
    )
    assert texts_of(step.dataset) == {
        "1": "My name is <PERSON>, mail <EMAIL>, and the router is broken.",
        "2": "Please call me back on <PHONE> about the refund.",
        "3": "I paid with card <CARD> and was charged twice.",
        "4": "Send it to IBAN <IBAN> please.",
        "5": "The router at <IP> does not answer.",
        "6": "Order 4111 has no personal data.",
    }
    assert touched(step) == {"1": "1 EMAIL, 1 PERSON", "2": "1 PHONE", "3": "1 CARD", "4": "1 IBAN", "5": "1 IP"}
    assert not any(secret in step.rows.to_csv() for secret in ("Laura", "901820", "4111 1111", "0532", "192.168"))


def test_a_name_that_articles_use_is_no_personal_data():
    documents = {**DOCUMENTS, "laura": ("Ask Laura", "Laura Schmidt is the name of our assistant.")}
    text = "My name is Laura Schmidt and the router is broken."
    assert "<PERSON>" in texts_of(personal_data(dataset({"train": {"q": text}})).dataset)["q"]
    assert touched(personal_data(dataset({"train": {"q": text}}, documents=documents))) == {}


def test_repeats_are_merged_into_the_oldest():
    step = repeated_tickets(
        dataset(
            {
                "train": {
                    "1": (LONG, "router"),
                    "2": ("how do I get my money back for the annual plan", "refund"),
                    "3": (LONG + " help", {"refund": 1, "router": 2}),
                }
            }
        )
    )
    assert touched(step) == {"3": "repeats 1"}
    assert step.dataset.qrels["train"] == {"1": {"router": 2, "refund": 1}, "2": {"refund": 1}}  # the higher grade


def test_a_repeat_in_a_later_split_goes_and_teaches_nothing():
    step = repeated_tickets(
        dataset(
            {
                "train": {"1": (LONG, "router")},
                "dev": {"2": (LONG + " again", "refund")},
                "test": {"3": (LONG + " help", "password"), "4": ("refund when", "refund")},
            }
        )
    )
    assert touched(step) == {"2": "repeats 1", "3": "repeats 1"}
    assert step.dataset.qrels == {"train": {"1": {"router": 1}}, "dev": {}, "test": {"4": {"refund": 1}}}


def test_the_oldest_is_so_by_time_not_by_id():
    made = dataset({"train": {"1": LONG}, "test": {"2": LONG + " help"}})
    times = {"1": "2026-05-01", "2": "2026-04-01"}
    made = replace(
        made, queries={q: replace(v, metadata={**v.metadata, "created_at": times[q]}) for q, v in made.queries.items()}
    )
    assert touched(repeated_tickets(made)) == {"1": "repeats 2"}


def chained(**successors):
    documents = {a: (a, f"All about {a}.") for a in ("v1", "v2", "v3", "other")}
    metadata = {a: {"superseded_by": s} for a, s in successors.items()}
    judged = {
        "train": {"1": ("old", "v1"), "2": ("both", {"v1": 1, "v3": 2}), "3": ("other", "other")},
        "test": {"4": ("middle", {"v2": 2, "v3": 0, "other": 1})},
    }
    return dataset(judged, documents=documents, metadata={a: metadata.get(a, {}) for a in documents})


def test_the_end_of_the_chain_takes_the_place_of_superseded_articles():
    step = superseded_documents(chained(v1="v2", v2="v3"))
    assert step.dataset.qrels == {
        "train": {"1": {"v3": 1}, "2": {"v3": 2}, "3": {"other": 1}},
        "dev": {},
        "test": {"4": {"v3": 2, "other": 1}},
    }
    assert list(step.dataset.corpus) == ["other", "v3"]
    assert touched(step) == {"1": "v1 -> v3", "2": "v1 -> v3", "4": "v2 -> v3"}
    assert step.dataset.card["superseded"] == {"v1": "v3", "v2": "v3"}


@pytest.mark.parametrize(
    ("successors", "message"),
    [
        ({"v1": "v2", "v2": "v1"}, "superseded_by runs in a circle: v1 -> v2 -> v1"),
        ({"v1": "v1"}, "superseded_by runs in a circle: v1 -> v1"),
        (
            {"v1": "v2", "v2": "v9"},
            "article 'v2' is superseded by 'v9', which is not in the help centre: correct superseded_by",
        ),
    ],
)
def test_chains_that_lead_nowhere_are_refused(successors, message):
    with pytest.raises(DataError, match=message):
        superseded_documents(chained(**successors))


ODD = {"train": {"1": QUOTED, "2": "test", "3": GERMAN, "4": "My name is Laura Schmidt.", "5": LONG, "6": LONG + " help"}}


@pytest.mark.parametrize("source", ["search", "golden"])
def test_queries_that_are_no_tickets_are_never_touched(source):
    made = dataset({"train": ODD["train"], "test": {"t": "mail laura.schmidt@example.com"}}, source=source)
    for step in TICKET_STEPS:
        if step is not remove_leaks:
            done = step(made)
            assert (done.dataset.queries, done.dataset.qrels) == (made.queries, made.qrels)
            assert touched(done) == {}


def test_all_steps_in_order(raw):
    report = clean(raw, TICKET_STEPS)
    assert {s.name: list(s.rows["id"]) for s in report.steps} == {
        "quoted threads": ["01"],
        "set apart": ["02", "03"],
        "personal data": ["01"],
        "repeated tickets": ["05", "09"],
        "superseded articles": ["06", "10"],
        "pasted everywhere": [],
        "near-duplicate articles": [],
        "leaks": [],
    }
    assert report.dataset.counts() == {"articles": 3, "train": 4, "dev": 1, "test": 1}
    assert report.dataset.queries["01"].text == "My name is <PERSON> and my password does not work."
    assert report.raw == raw


def test_tickets_keep_their_order_and_splits(raw):
    cleaned = clean(raw, TICKET_STEPS).dataset
    assert list(cleaned.queries) == sorted(cleaned.queries)
    for s in SPLITS:
        assert set(cleaned.qrels[s]) <= set(raw.qrels[s])
