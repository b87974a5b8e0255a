import pytest

from tests.cleaning.tickets import ENGLISH, GERMAN, dataset, touched
from tutorial_lib.cleaning.set_apart import set_apart
from tutorial_lib.cleaning.settings import CleaningSettings


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("test", "a test"),
        ("Testing 123, please ignore", "a test"),
        ("xxx", "a test"),
        ("asdf qwrtzp", "a test"),
        ("Out of office: back on Monday\nThank you for your message.", "automatic mail"),
        ("Delivery Status Notification (Failure)\nYour message was not delivered.", "automatic mail"),
        ("Weekly digest\nThis message was sent automatically.", "automatic mail"),
        (GERMAN, "written in 'de'"),
    ],
)
def test_what_no_customer_asked_is_set_apart(text, reason):
    step = set_apart(dataset({"train": {"odd": text, "real": "How do I restart the router?"}}))
    assert touched(step) == {"odd": reason}
    assert list(step.dataset.queries) == ["real"]


@pytest.mark.parametrize(
    "text",
    [
        "router kaputt",
        "wifi",
        "VPN?",
        "why",
        "router blinks red",
        "test printer does not print",
        "Hello, please check this invoice",
        "The office is closed, how do I reset the router?",
    ],
)
def test_short_and_plain_questions_stay(text):
    assert touched(set_apart(dataset({"train": {"q": text}}))) == {}


def test_the_language_kept_is_that_of_the_articles_or_the_one_named():
    both = {"train": {"de": GERMAN, "en": ENGLISH}}
    assert touched(set_apart(dataset(both), CleaningSettings(language="de"))) == {"en": "written in 'en'"}
    german = {"a": ("Drucker", "Bitte schalten Sie den Drucker aus und nach zehn Sekunden wieder ein.")}
    both["train"] = {q: (t, "a") for q, t in both["train"].items()}
    assert touched(set_apart(dataset(both, documents=german))) == {"en": "written in 'en'"}
