"""Setting apart what no customer with a question wrote."""

from __future__ import annotations

import re
from collections.abc import Collection

from tutorial_lib.cleaning.languages import ENGLISH, SURE, document_languages, named
from tutorial_lib.cleaning.report import CleaningStep, private_table
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.ticket_texts import ticket_texts, words_of_documents
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.language import chief, language_of
from tutorial_lib.text import tokenize

_AUTOMATIC_SUBJECT = re.compile(
    r"^\W*((re|fwd?|aw): *)*(i am |i'm )?(out of (the )?office|auto(matic|mated)?[- ]?(reply|response)|undeliver(able|ed)|"
    r"(mail )?delivery (status|failure|has failed|failed)|mail delivery|returned mail)",
    re.IGNORECASE,
)
"""At the start of a subject: "How do I stop the automatic reply?" is a question."""


_AUTOMATIC_TEXT = re.compile(
    r"(\bthis (message|mail|e-?mail|report|notice|notification) (was|is|has been) (sent |generated |created )?automatic|"
    r"\bthis is an automat|\b(please )?do[- ]not[- ]reply to this|\bfrom: \S*no-?reply@|\bmailer-daemon@|"
    r"\b(to|click|here|link)\b.{0,30}\bunsubscribe\b|\bunsubscribe (here|at|any time|link|https?:)|"
    r"\bi (am|will be) (currently )?out of (the )?office)",
    re.IGNORECASE,
)


_TEST_WORDS = frozenset(
    {
        "test",
        "tests",
        "testing",
        "tested",
        "asdf",
        "qwerty",
        "foo",
        "bar",
        "baz",
        "hello",
        "hi",
        "hallo",
        "1",
        "2",
        "3",
        "12",
        "123",
        "1234",
        "ignore",
        "please",
        "pls",
        "this",
        "check",
    }
)


_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WITHOUT_VOWELS = frozenset({"cs", "hr", "sl", "sr", "bg", "mk", "pl", "cy"})
"""Languages with words such as "prst": no vowel there says nothing."""


def set_apart(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Drop tickets that no customer with a question wrote: tests, automatic mail, other languages than the help centre's.

    The help centre's languages are ``language``, or those that ``language_share`` of the articles is written in; only
    tickets of ``language_words`` or more are judged by them. What the articles name is no test.
    """
    languages = (chief(settings.language),) if settings.language else document_languages(dataset, settings)
    known = words_of_documents(dataset)
    vowels = not _WITHOUT_VOWELS.intersection(languages)
    records = []
    for q, text in ticket_texts(dataset).items():
        words = tokenize(text)
        if not set(words) - _TEST_WORDS or (len(words) <= 3 and _mash(text, known, vowels=vowels)):
            records.append((q, text, "a test"))
        elif _AUTOMATIC_SUBJECT.search(text.split("\n")[0]) or _AUTOMATIC_TEXT.search(text):
            records.append((q, text, "automatic mail"))
        elif len(words) >= settings.language_words:
            found, probability = language_of(text)
            if found not in languages and probability > SURE:
                records.append((q, text, f"written in {found!r}"))
    rows = private_table(records)
    only = f"only language{'s' if len(languages) > 1 else ''} {named(languages)}"
    kept = dataset.restrict(queries=set(dataset.queries) - set(rows["id"]))
    foreign = [language for language in languages if language != ENGLISH]
    note = f"tests and automatic mail are known by English words: in {named(foreign)} some may stay" if foreign else ""
    return CleaningStep("set apart", "ticket", f"no tests, no automatic mail, {only}", kept, rows, note)


def _mash(text: str, known: Collection[str], *, vowels: bool) -> bool:
    """Return whether all words look like fingers on a keyboard: long without a vowel, or one row of keys, or one letter.

    Args:
        text: A short text.
        known: Words that are none, such as those of the articles.
        vowels: Whether a word of the language needs one; capitals (SMTP) never do, nor what is not Latin.
    """
    words = re.findall(r"\w+", text)
    return bool(words) and all(_is_mash(w, vowels=vowels) and w.lower() not in known for w in words)


def _is_mash(word: str, *, vowels: bool) -> bool:
    low = word.lower()
    if not low.isascii() or len(low) < 2:
        return False
    if len(set(low)) == 1:
        return True
    no_vowel = vowels and not word.isupper() and not set(low) & set("aeiouy")
    return len(low) > 3 and low.isalpha() and (no_vowel or any(set(low) <= set(row) for row in _KEYS))
