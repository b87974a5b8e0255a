"""Setting apart what no customer with a question wrote."""

from __future__ import annotations

import re
from collections import Counter

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from tutorial_lib.cleaning.report import CleaningStep, table_of
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.ticket_texts import ticket_texts
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.text import tokenize

_AUTOMATIC_SUBJECT = re.compile(
    r"\b(out of (the )?office|auto(matic|mated)?[- ]?(reply|response)|delivery (status|failure)|undeliver(able|ed)|"
    r"mail delivery|returned mail)",
    re.IGNORECASE,
)


_AUTOMATIC_TEXT = re.compile(
    r"(\bthis (message|mail|e-?mail|report|notice|notification) (was|is|has been) (sent |generated |created )?automatic|"
    r"\bthis is an automat|\b(please )?do[- ]not[- ]reply to this|\bfrom: \S*no-?reply@|\bmailer-daemon@|"
    r"\b(to|click|here|link)\b.{0,30}\bunsubscribe\b|\bunsubscribe (here|at|from this|any time|link|https?:)|"
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


def set_apart(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Drop tickets that no customer with a question wrote: tests, automatic mail, other languages than the help centre's.

    The help centre's language is ``language``, or that of most articles; only tickets of ``language_words`` or more are
    judged by it.
    """
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    language = settings.language or _language_of(dataset, identifier)
    records = []
    for q, text in ticket_texts(dataset).items():
        words = tokenize(text)
        if not set(words) - _TEST_WORDS or (len(words) <= 3 and _mash(words)):
            records.append((q, text, "a test"))
        elif _AUTOMATIC_SUBJECT.search(text.split("\n")[0]) or _AUTOMATIC_TEXT.search(text):
            records.append((q, text, "automatic mail"))
        elif len(words) >= settings.language_words:
            found, probability = identifier.classify(text)
            if found != language and probability > 0.95:
                records.append((q, text, f"written in {found!r}"))
    rows = table_of(records)
    return CleaningStep(
        "set apart",
        "ticket",
        f"no tests, no automatic mail, only language {language!r}",
        dataset.restrict(queries=set(dataset.queries) - set(rows["id"])),
        rows,
    )


def _language_of(dataset: RetrievalDataset, identifier: LanguageIdentifier) -> str:
    """Return the language of most of some fifty articles."""
    sample = list(dataset.document_texts().values())[:: max(1, len(dataset.corpus) // 50)]
    return Counter(identifier.classify(t)[0] for t in sample).most_common(1)[0][0]


def _mash(words: list[str]) -> bool:
    """Return whether all words look like fingers on a keyboard: long without a vowel, or one row of keys, or one letter."""
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    return all(
        len(set(w)) == 1 or (len(w) > 3 and (not set(w) & set("aeiouy") or any(set(w) <= set(r) for r in rows)))
        for w in words
    )
