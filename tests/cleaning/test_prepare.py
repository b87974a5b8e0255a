import dataclasses

import pytest

from tests.cleaning.test_steps import with_leaks
from tests.helpers import DOCUMENTS, JUDGED, make_dataset
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.data import copies, splits
from tutorial_lib.data.dataset import DataError, Document
from tutorial_lib.data.registry import Kind
from tutorial_lib.data.splits import SplitSettings

TASKS = [
    f"{verb} {thing}"
    for verb in ("cancel", "renew", "inspect", "export")
    for thing in ("invoices", "passwords", "routers", "licences", "webhooks")
]


def unsplit():
    """Twenty different queries; all judged under train."""
    ids = sorted(DOCUMENTS)
    return make_dataset(DOCUMENTS, {"train": {f"q{n:02d}": (t, ids[n % 6]) for n, t in enumerate(TASKS)}})


def test_prepare_makes_a_given_dataset_ready_and_says_what_it_did():
    ready = prepare(with_leaks(), Kind.JUDGED).dataset
    assert list(ready.notes) == ["taken out because a held-out query looks alike: 2 queries out of train"]
    assert ready.near_duplicates == ()
    assert ready.queries["e1"].metadata == {"article_seen": True}


def test_prepare_draws_missing_splits_and_keeps_earlier_notes():
    dataset = dataclasses.replace(unsplit(), notes=("3 lines were left out",))
    ready = prepare(dataset, Kind.JUDGED).dataset
    assert ready.counts() == {"articles": 6, "train": 14, "dev": 2, "test": 4}
    assert list(ready.notes) == [
        "3 lines were left out",
        "no test split was given: 4 of 20 training queries were drawn for it (seed 0)",
        "no dev split was given: 2 of 16 training queries were drawn for it (seed 0)",
    ]


def test_prepare_refuses_a_dataset_without_training_queries():
    with pytest.raises(DataError, match="nothing to learn from"):
        prepare(make_dataset(DOCUMENTS, {"test": JUDGED["test"]}), Kind.JUDGED)


def test_a_dataset_for_the_course_says_what_was_done(raw):
    made = prepare(raw, Kind.TICKETS).dataset
    assert [note.split(" (")[0] for note in made.notes] == [
        "quoted threads: 1 touched",
        "set apart: 2 touched",
        "personal data: 1 touched",
        "repeated tickets: 2 touched",
        "superseded articles: 2 touched",
    ]
    assert made.queries["10"].metadata["article_seen"] is True  # 06 was solved with the same article
    assert made.queries["08"].metadata["article_seen"] is False


def test_a_split_that_cleaning_empties_is_refused(raw):
    alone = dataclasses.replace(raw, qrels={**raw.qrels, "test": {"09": raw.qrels["test"]["09"]}})
    with pytest.raises(DataError, match="small: no query is left in test after cleaning: pass a longer log, or"):
        prepare(alone, Kind.TICKETS)


def test_documentation_is_cleaned_and_divided():
    raw = unsplit()
    raw = dataclasses.replace(raw, corpus={**raw.corpus, "x": Document("x", "Blank", " … ")})
    made = prepare(raw, Kind.DOCUMENTATION)
    assert made.dataset.counts() == {"articles": 6, "train": 14, "dev": 2, "test": 4}
    assert made.dataset.notes == ()  # the report says what was done
    assert [s.name for s in made.report.steps][-2:] == ["near-duplicate articles", "leaks"]
    other = prepare(raw, Kind.DOCUMENTATION, split=SplitSettings(split_seed=1)).dataset
    assert other.counts() == made.dataset.counts() and other.qrels != made.dataset.qrels


def test_settings_reach_the_steps():
    text = "pull the plug wait ten seconds and push it in again please"
    raw = unsplit()
    raw = dataclasses.replace(raw, corpus={**raw.corpus, "y": Document("y", "", text), "z": Document("z", "", f"{text} now")})
    # 9 of 10 sequences of three words are shared.
    assert prepare(raw, Kind.JUDGED).dataset.near_duplicates == (("y", "z"),)
    strict = CleaningSettings(near_duplicate_threshold=0.95)
    assert prepare(raw, Kind.JUDGED, strict).dataset.near_duplicates == ()
    assert prepare(raw, Kind.JUDGED, strict).report.settings == strict


@pytest.mark.parametrize("kind", Kind)
def test_near_copies_are_looked_for_once(kind, monkeypatch):
    found = []

    def recorded(texts, *args):
        found.append(dict(texts))
        return near_copies(texts, *args)

    near_copies = copies.near_copies
    monkeypatch.setattr(copies, "near_copies", recorded)
    raw = unsplit()
    if kind is Kind.TICKETS:
        raw = splits.split_at_random(raw)
        found.clear()
    prepare(raw, kind)
    assert found == [{q: v.text for q, v in unsplit().queries.items()}]


def test_the_report_of_a_collection_starts_from_its_completed_splits():
    made = prepare(unsplit(), Kind.JUDGED)
    assert [s.name for s in made.report.steps] == ["leaks", "near-duplicate articles"]
    assert made.report.without("leaks").dataset.counts() == made.dataset.counts()


def test_a_query_that_is_a_document_itself_is_told_in_a_note():
    judged = {**JUDGED, "dev": {**JUDGED["dev"], "devices/wifi": ("slow wireless network", "devices/router")}}
    notes = prepare(make_dataset(DOCUMENTS, judged), Kind.JUDGED).dataset.notes
    assert sum(note.startswith("1 query is also a document, with the same id and text") for note in notes) == 1
