from types import SimpleNamespace

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from presidio_analyzer import RecognizerResult

from tutorial_lib.cleaning import privacy
from tutorial_lib.cleaning.privacy import PersonalData, find_personal_data, hide_numbers, redact


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
    for order in (findings, findings[::-1]):
        assert redact(TEXT, order) == "<PERSON> <PHONE>"
    assert redact(TEXT, []) == TEXT


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Seit Firmware 3.2.1.14 antwortet 10.0.0.7 nicht.", "Seit Firmware 3.2.1.14 antwortet <IP> nicht."),
        ("version 3.2.1.14 to 3.2.1.15 of the update", "version 3.2.1.14 to 3.2.1.15 of the update"),
        (
            "Guten Tag, Kollege Jürgen Pfaff sucht sie.",
            "Guten Tag, Kollege Jürgen Pfaff sucht sie.",
        ),
        ("連絡先は a@example.com です", "連絡先は <EMAIL> です"),
    ],
)
def test_fixed_forms_are_found_in_any_language_and_nothing_else(text, hidden):
    assert hide_numbers([text]) == [hidden]


def test_error_codes_and_common_words_are_no_names(analyzer):
    analyzer(("PERSON", 0, 16, 0.85))
    assert found_in("E-1001 Paper jam since today") == []
    analyzer(("PERSON", 0, 8, 0.85))
    assert found_in("Download fails, the download stops") == []
    assert found_in("Dunlopso fails, the download stops") == [("PERSON", 0, 8)]


def test_what_stands_in_a_document_as_it_is_is_no_finding():
    text = "Mail to help@example.com and elp@example.com"
    assert found_in(text, documents=["Write to HELP@example.com."]) == [("EMAIL", 29, 44)]


@given(st.text("ab -#é", min_size=1, max_size=4), st.text("ab -#é\n", max_size=12))
def test_that_it_looks_for_the_words_first_changes_no_answer(name, document):
    finding = PersonalData("NUMBER", 0, len(name), name)
    stands_there = regex.search(rf"(?<!\w){regex.escape(name)}(?!\w)", document) is not None
    assert privacy._Allowed(frozenset(), document).covers(finding) == stands_there


@pytest.mark.parametrize(
    ("name", "document", "allowed"),
    [
        ("Ann-Lee", "See ann-lee.", True),
        ("Ann-Lee", "See joann-lee.", False),
        ("Ann Lee", "Lee and Ann", False),  # both words, never in a row
        ("#+", "a #+ b", True),
        ("Ann", "Anna", False),
    ],
)
def test_a_document_must_hold_a_finding_as_it_is(name, document, allowed):
    finding = PersonalData("NUMBER", 0, len(name), name)
    assert privacy._Allowed(frozenset(), document.lower()).covers(finding) == allowed
