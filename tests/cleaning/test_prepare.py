import csv
import dataclasses
import json
from pathlib import Path

import pytest

from tests.cleaning.test_steps import with_leaks
from tests.cleaning.tickets import DOCUMENTS as TICKET_DOCUMENTS
from tests.cleaning.tickets import dataset
from tests.helpers import DOCUMENTS, JUDGED, make_dataset
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.data import copies, splits
from tutorial_lib.data.beir import write_beir
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError, Document
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.registry import Kind
from tutorial_lib.data.splits import SplitSettings
from tutorial_lib.files import write_json

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
    assert list(ready.notes) == ["taken out because a held-out query looks alike: 2 queries out of train, 1 query out of dev"]
    assert ready.near_duplicates == ()
    assert ready.queries["e1"].metadata == {"article_seen": True}


def test_prepare_draws_missing_splits_and_keeps_earlier_notes():
    noted = dataclasses.replace(unsplit(), notes=("3 lines were left out",))
    ready = prepare(noted, Kind.JUDGED).dataset
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
    with pytest.raises(
        DataError, match=r"left in test: 'repeated tickets' took 1 of 1 \(e.g. 09: repeats 07\): pass a longer log$"
    ):
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


def codes(count):
    """Tickets of a web form that differ in their code alone, each solved with an article of its own."""
    form = "Which product do you use: the desktop client. What do you see on the screen when it happens: error {}"
    names = [f"0x80{n:02d}F0" for n in range(count)]
    documents = {name: (name, f"Repair the store that reports {name} and start again.") for name in names}
    rows = {f"{n:02d}": (form.format(name), name) for n, name in enumerate(names)}
    cuts = {"train": (0, count - 4), "dev": (count - 4, count - 2), "test": (count - 2, count)}
    return dataset({s: dict(list(rows.items())[a:b]) for s, (a, b) in cuts.items()}, documents=documents)


def test_tickets_that_differ_in_a_code_are_neither_merged_nor_leaks():
    made = prepare(codes(20), Kind.TICKETS)
    assert made.dataset.counts() == {"articles": 20, "train": 16, "dev": 2, "test": 2}
    assert [len(s.rows) for s in made.report.steps] == [0] * len(made.report.steps)


def test_a_step_that_touches_more_than_a_third_is_warned_of_with_three_examples(raw):
    wide = dataset(
        {
            "train": {f"{n}": f"The router number {n} blinks red, mail anna{n}@example.com" for n in range(5)},
            "dev": {"8": ("I forgot my password again", "password")},
            "test": {"9": ("money back for my plan, please", "refund")},
        }
    )
    warned = [note for note in prepare(wide, Kind.TICKETS).dataset.notes if note.startswith("warning: ")]
    assert warned == [
        "warning: 'personal data' touched 5 of 7 queries, e.g. "
        + "; ".join(f"{n} (The router number {n} blinks red, mail <EMAIL>): 1 EMAIL" for n in range(3))
    ]
    assert not [note for note in prepare(raw, Kind.TICKETS).dataset.notes if note.startswith("warning: ")]


SECRETS = (
    "anna.berg@example.org", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "192.168.10.25", "+44 20 7946 0958"
)  # fmt: skip


def test_no_personal_data_of_a_fixed_form_stands_in_any_file_of_a_run(tmp_path):
    secret = " and ".join(SECRETS)
    rows = [
        ("1", "No answer", f"The router does not answer.\n\n-- \nAnna Berg\n{SECRETS[0]}", "router"),
        ("2", "Out of office", f"I am back on Monday, else {secret}", "router"),
        ("3", "test", "test", "router"),
        ("4", "Which one", f"Is it {secret} that is meant here", "refund"),
        ("5", "Which one", f"Is it {secret} that is meant here", "refund"),
        ("6", "Passwort", f"Ich weiß nicht, wie ich mein Passwort ändern soll, bitte helfen Sie mir: {secret}", "router"),
        *((f"7{n}", f"Where is plug {n}", "I cannot find it anywhere in the house", "router") for n in range(20)),
        ("8", "Money back", "When is an annual plan paid back in full", "refund"),
        ("9", "Call", f"called {secret}", f"called {secret}"),
    ]
    with (tmp_path / "tickets.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ticket_id", "created_at", "subject", "message", "resolved_by", "reopened"])
        table.writerows([(i, f"2026-01-{n:02d}", s, m, a, "false") for n, (i, s, m, a) in enumerate(rows, 1)])
    (tmp_path / "articles.jsonl").write_text(
        "".join(
            json.dumps({"article_id": a, "title": t, "body": b, "created_at": "2025-01-01", "superseded_by": None}) + "\n"
            for a, (t, b) in TICKET_DOCUMENTS.items()
        )
    )
    click = {"article_id": "router", "rank": 1, "dwell_seconds": 90}
    search = {
        "session_id": "s",
        "created_at": "2026-01-05",
        "query": f"router of {secret}",
        "clicks": [click],
        "ticket_followed": None,
    }
    (tmp_path / "searches.jsonl").write_text("".join(json.dumps({**search, "session_id": f"{n}"}) + "\n" for n in range(4)))
    desk = HelpDesk(tmp_path / "tickets.csv", tmp_path / "articles.jsonl", tmp_path / "searches.jsonl", Columns())
    made = prepare(desk.read(), Kind.TICKETS)
    run = tmp_path / "run"
    write_beir(made.dataset, run)
    made.report.save(run / "cleaning")
    write_json(run / "notes.json", made.dataset.notes)
    files = {path.relative_to(run): path.read_text(encoding="utf-8") for path in run.rglob("*") if path.is_file()}
    assert any("<EMAIL>" in text for name, text in files.items() if name.name == "queries.jsonl")
    assert "called <EMAIL>" in files[Path("notes.json")]
    assert {name: [s for s in SECRETS if s in text] for name, text in files.items()} == {name: [] for name in files}
