from types import SimpleNamespace

import pytest
from presidio_analyzer import RecognizerResult

from tutorial_lib.cleaning import privacy
from tutorial_lib.cleaning.privacy import PersonalData, find_personal_data, redact, score_findings


def found_in(text, **options):
    """Return (kind, start, end) of what is found in one text, holding the texts to their offsets."""
    (findings,) = find_personal_data([text], **options)
    assert [f.text for f in findings] == [text[f.start : f.end] for f in findings]
    return [(f.kind, f.start, f.end) for f in findings]


# --- the finder ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi, I am Laura Schmidt from Denver.", [("PERSON", "Laura Schmidt")]),
        (
            "Write to priya.nair@example.co.uk or call (212) 555-0143 today.",
            [("EMAIL", "priya.nair@example.co.uk"), ("PHONE", "(212) 555-0143")],
        ),
        ("Call John Smith on +44 20 7946 0958.", [("PERSON", "John Smith"), ("PHONE", "+44 20 7946 0958")]),
        ("My card 4111-1111-1111-1111 was refused.", [("CARD", "4111-1111-1111-1111")]),
        ("GB29 NWBK 6016 1331 9268 19 is my account", [("IBAN", "GB29 NWBK 6016 1331 9268 19")]),
        ("2001:db8::8a2e:370:7334 cannot connect, nor can 10.0.0.7", [("IP", "2001:db8::8a2e:370:7334"), ("IP", "10.0.0.7")]),
        ("no mail, version 1.2.3 of 2026", []),
        ("the card 4111-1111-1111-1112 has a wrong check digit", []),
        ("", []),
    ],
)
def test_each_finding_has_its_kind_and_place(text, expected):
    assert found_in(text) == [(kind, text.index(part), text.index(part) + len(part)) for kind, part in expected]


def test_words_that_are_no_personal_data():
    text = "Hi, I am Laura Schmidt from Denver."
    assert found_in(text, never=["laura"]) == [("PERSON", 9, 22)]  # the surname may still be somebody's
    assert found_in(text, never=["LAURA", "schmidt"]) == []
    address = "Mail to help@example.com and laura@example.com"
    assert found_in(address, never=["help@example.com"]) == [("EMAIL", 29, 46)]


def test_the_texts_are_answered_in_their_order():
    texts = ["no data", "Call +44 20 7946 0958.", "laura@example.com"]
    assert [[f.kind for f in findings] for findings in find_personal_data(texts)] == [[], ["PHONE"], ["EMAIL"]]


@pytest.fixture
def analyzer(monkeypatch):
    """Return a function that lets Presidio find the given (entity, start, end, score) in every text."""

    def finds(*results):
        fake = SimpleNamespace(
            nlp_engine=SimpleNamespace(process_batch=lambda texts, **_: [(text, None) for text in texts]),
            analyze=lambda *_, **__: [RecognizerResult(*r) for r in results],
        )
        monkeypatch.setattr(privacy, "_analyzer", lambda: fake)

    return finds


TEXT = "Anna Berg 0301 2345"
#       0    5    10   15


@pytest.mark.parametrize(
    ("results", "kept"),
    [
        ([("PERSON", 0, 4, 0.6), ("PERSON", 0, 9, 0.85)], [("PERSON", 0, 9)]),  # the surer one
        ([("PERSON", 0, 9, 0.6), ("PERSON", 5, 14, 0.85)], [("PERSON", 5, 14)]),
        ([("PHONE_NUMBER", 10, 14, 0.4), ("PHONE_NUMBER", 10, 19, 0.4)], [("PHONE", 10, 19)]),  # as sure: the longer one
        ([("CREDIT_CARD", 10, 19, 1.0), ("PHONE_NUMBER", 10, 19, 0.4)], [("CARD", 10, 19)]),
        ([("PHONE_NUMBER", 10, 19, 0.4), ("PERSON", 0, 10, 0.85)], [("PERSON", 0, 10), ("PHONE", 10, 19)]),  # they only touch
        (
            [("PERSON", 0, 9, 0.4), ("PERSON", 5, 14, 0.6), ("PHONE_NUMBER", 10, 19, 0.9)],
            [("PERSON", 0, 9), ("PHONE", 10, 19)],
        ),
    ],
)
def test_of_overlapping_findings_one_is_kept(analyzer, results, kept):
    for order in (results, results[::-1]):
        analyzer(*order)
        assert found_in(TEXT) == kept


def test_a_name_in_lower_case_is_no_finding(analyzer):
    analyzer(("PERSON", 0, 9, 0.85), ("EMAIL_ADDRESS", 10, 15, 0.4))
    assert found_in("anna berg a@b.c") == [("EMAIL", 10, 15)]


# --- what is done with findings -----------------------------------------------------------------------------------


def test_findings_are_replaced_in_any_order():
    findings = [PersonalData("PHONE", 10, 19, "0301 2345"), PersonalData("PERSON", 0, 9, "Anna Berg")]
    for given in (findings, findings[::-1]):
        assert redact(TEXT, given) == "<PERSON> <PHONE>"
    assert redact(TEXT, []) == TEXT


def test_scores_counted_by_hand():
    texts = {"1": "Anna Berg, Anna Berg, anna@b.de", "2": "call 0301 2345", "3": "nothing here"}
    planted = {"1": [("PERSON", "Anna Berg"), ("EMAIL", "anna@b.de")], "2": [("PHONE", "0301 2345")]}
    found = {
        "1": [
            PersonalData("PERSON", 0, 9, "Anna Berg"),  # the first time, whole
            PersonalData("PERSON", 11, 15, "Anna"),  # the second time, half: not covered, and no false alarm
            PersonalData("PERSON", 22, 26, "anna"),
            PersonalData("EMAIL", 27, 31, "b.de"),
        ],  # all but "@": covered
        "2": [PersonalData("CARD", 5, 14, "0301 2345")],  # another kind, hidden all the same
        "3": [PersonalData("PERSON", 0, 7, "nothing"), PersonalData("PERSON", 8, 12, "here")],
    }
    scores = score_findings(found, texts, planted)
    assert {k: [v[c] for c in ("planted", "covered", "found", "false_alarms")] for k, v in scores.items()} == {
        "PERSON": [2, 1, 5, 2],
        "EMAIL": [1, 1, 1, 0],
        "PHONE": [1, 1, 0, 0],
        "CARD": [0, 0, 1, 0],
        "IP": [0, 0, 0, 0],
        "IBAN": [0, 0, 0, 0],
        "all": [4, 3, 7, 2],
    }
    assert scores["PERSON"]["recall"] == 0.5
    assert scores["all"]["recall"] == 0.75
    assert scores["CARD"]["recall"] != scores["CARD"]["recall"]  # nan: nothing was planted


def test_a_text_without_findings_is_missed_data():
    scores = score_findings({}, {"1": "Anna"}, {"1": [("PERSON", "Anna")]})
    assert (scores["all"]["recall"], scores["all"]["found"]) == (0.0, 0.0)
