"""Personal data in queries: what is taken out, and what of the help centre's own words stays."""

import pytest

from tutorial_lib.data.dataset import Document
from tutorial_lib.serving.redaction import redactor

ENGLISH = {
    "a": Document(
        "a", "Call us", "Our hotline is +49 30 901820, and the product Season by Amber is what you have bought here."
    ),
}


@pytest.fixture(scope="module")
def redact():
    return redactor(ENGLISH)


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("refund for annual plan", "refund for annual plan"),
        ("invoice to maria.lopez@example.com please", "invoice to <EMAIL> please"),
        ("card 4111 1111 1111 1111 was charged", "card <CARD> was charged"),
        ("My colleague Maria Lopez cannot log in", "My colleague <PERSON> cannot log in"),
        ("nobody answers at +49 30 901820", "nobody answers at +49 30 901820"),
        ("where is Amber Season", "where is Amber Season"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_a_query_is_written_without_personal_data(redact, query, written):
    assert redact([query]) == [written]


def test_what_the_finders_cannot_bear_is_cut(redact):
    (written,) = redact(["." * 10_000])
    assert len(written) < 100


def test_names_are_looked_for_where_the_documents_are_english():
    german = {"a": Document("a", "Rechnung", "Hier finden Sie Ihre Rechnungen und können diese jederzeit herunterladen.")}
    written = redactor(german)(["Die Rechnung von Maria Lopez an maria@example.com"])
    assert written == ["Die Rechnung von Maria Lopez an <EMAIL>"]
