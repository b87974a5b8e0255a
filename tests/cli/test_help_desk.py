"""A help desk's own files, from the command line and in a workspace."""

import csv
import json
import shutil
from dataclasses import replace

import pytest

from tests.helpers import DOCUMENTS, tree
from tutorial_lib.cli import main
from tutorial_lib.data.columns import Columns, TicketColumns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.workspace import Workspace

pytestmark = pytest.mark.usefixtures("at_home")

TICKETS = [
    ("2026-01-02", "My bill", "I paid for the year last week and want the money returned.", "billing/refund"),
    ("2026-01-03", "", "The light on my router is red and nothing loads.", "devices/router"),
    ("2026-01-05", "Locked out", "I cannot remember what I use to sign in.", "account/password"),
    ("2026-01-06", "", "test", "devices/router"),
    ("2026-01-07", "", "Please remove everything you store about me, Laura Schmidt, laura@example.com.", "account/close"),
    ("2026-01-08", "Slow", "Films keep stopping in the attic, downstairs they are fine.", "devices/wifi"),
    ("2026-01-09", "", "I do not want to be charged again next year.", "billing/cancel"),
    ("2026-01-11", "Drucker", "Mein Drucker druckt seit gestern nicht mehr und ich weiß keinen Rat.", "devices/wifi"),
    ("2026-01-12", "", "Our line went down after the storm and does not come back.", "devices/router"),
    ("2026-01-13", "", "Is there a way to choose a new secret word?", "account/password"),
    ("2026-01-14", "", "How long does it take until a payment is returned to my card?", "billing/refund"),
    ("2026-01-15", "", "", "billing/refund"),
    ("2026-01-16", "", "We are moving abroad, shut the profile please.", "account/close"),
    ("2026-01-18", "", "Video calls freeze in the garden.", "devices/wifi"),
    ("2026-01-19", "", "Nobody could help me here.", ""),
    ("2026-01-20", "", "Where do I switch off the automatic extension?", "billing/cancel"),
    ("2026-01-21", "", "Box restarts by itself every hour.", "devices/reset"),
    ("2026-01-22", "", "The message with the link is not in my inbox.", "account/password"),
    ("2026-01-24", "", "Our line went down after the storm and does not come back!", "devices/router"),
    ("2026-01-25", "", "Charged twice for one month, give one back.", "billing/refund"),
    ("2026-01-26", "", "Signal is weak behind the thick wall.", "devices/wifi"),
    ("2026-01-27", "", "I only needed it for one project, end it.", "billing/cancel"),
    ("2026-01-28", "", "Every lamp blinks but no page opens.", "devices/router"),
    ("2026-01-29", "", "Erase my profile and pictures.", "account/close"),
    ("2026-01-30", "", "It says my word is wrong although it is right.", "account/password"),
]
"""25 tickets: 22 solved with an article that is there, one of them a repeat, one a test and one in German: 19 are left."""

MAPPING = """
[tickets]
ticket_id = "No"
created_at = "Opened"
message = "Text"
resolved_by = "Solution"
subject = "Subject"

[articles]
article_id = "Key"
title = "Title"
body = "Text"

[format]
dayfirst = true
"""


def table(file, header, rows):
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter=";" if "No" in header or "Key" in header else ",").writerows([header, *rows])


@pytest.fixture
def desk(tmp_path):
    """A folder with tickets.csv and articles.csv under the package's column names, and a search log."""
    folder = tmp_path / "desk"
    folder.mkdir()
    table(
        folder / "tickets.csv",
        ["ticket_id", "created_at", "subject", "message", "resolved_by", "reopened"],
        [[f"T{n}", *row, "false"] for n, row in enumerate(TICKETS, 1)],
    )
    table(
        folder / "articles.csv",
        ["article_id", "title", "body", "created_at", "superseded_by"],
        [[a, title, text, "2025-06-01", ""] for a, (title, text) in DOCUMENTS.items()],
    )
    clicks = [{"article_id": "devices/wifi", "rank": 3, "dwell_seconds": 90}]
    searches = [
        {"session_id": f"s{n}", "created_at": f"2026-01-{n:02d}", "query": query, "clicks": clicks, "ticket_followed": None}
        for n, query in [(4, "buffering"), (23, "lag"), (29, "antenna")]
    ]
    (folder / "searches.jsonl").write_text("\n".join(map(json.dumps, searches)))
    return folder


@pytest.fixture
def foreign(tmp_path, desk):
    """The same export under other names, semicolons between and dates with the day first, and its mapping."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    rows = [[n, ".".join(reversed(day.split("-"))), *rest] for n, (day, *rest) in enumerate(TICKETS, 1)]
    table(folder / "tickets.csv", ["No", "Opened", "Subject", "Text", "Solution"], rows)
    table(folder / "articles.csv", ["Key", "Title", "Text"], [[a, *article] for a, article in DOCUMENTS.items()])
    (folder / "columns.toml").write_text(MAPPING)
    return folder


def files(folder, *options):
    return ["--data", str(folder / "tickets.csv"), "--articles", str(folder / "articles.csv"), *map(str, options)]


# --- command line -------------------------------------------------------------------------------------------------

NOTES = [
    "note: tickets.csv: 25 rows, 21 kept; left out: 1 empty message, 1 not solved with an article, "
    "1 article not in the help centre, 1 exact repeat",
    "note: articles named by tickets but not in the help centre: devices/reset (1)",
    "note: set apart: 2 touched (no tests, no automatic mail, only language 'en')",
    "note: personal data: 1 touched (names, addresses, numbers become typed placeholders)",
]


def test_check_prints_counts_and_what_was_done(desk, capsys):
    before = tree(desk)
    assert main(["check", *files(desk)]) == 0
    assert capsys.readouterr().out.splitlines() == ["desk: 6 articles, 12 train, 2 dev, 5 test", *NOTES]
    assert tree(desk) == before


def test_check_reads_searches_too(desk, capsys):
    assert main(["check", *files(desk, "--searches", desk / "searches.jsonl")]) == 0
    counts, *notes = capsys.readouterr().out.splitlines()
    assert counts == "desk: 6 articles, 14 train, 2 dev, 6 test"
    assert notes[2] == (
        "note: searches.jsonl: 3 searches with 3 clicks, 3 of them satisfied; 0 failed and were answered "
        "by a ticket; 3 queries keep an article"
    )


def test_a_mapping_makes_any_export_readable(desk, foreign, capsys):
    assert main(["check", *files(desk)]) == 0
    expected = capsys.readouterr().out
    assert main(["check", *files(foreign, "--columns", foreign / "columns.toml")]) == 0
    assert capsys.readouterr().out == expected.replace("desk:", "foreign:")


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", "tickets.csv", "--columns", "columns.toml"], "--columns belongs to a ticket export: pass --articles too"),
        (
            ["--data", "tickets.csv", "--searches", "searches.jsonl"],
            "--searches belongs to a ticket export: pass --articles too",
        ),
        (["--articles", "articles.csv"], "--articles belongs to a ticket export, and --data is aws_docs: pass the tickets"),
        (
            ["--data", "tickets.csv"],
            "tickets.csv is not a folder: pass 'aws_docs' or 'support_desk', a BEIR folder (corpus.jsonl, queries.jsonl, "
            "qrels/train.tsv), or a ticket export (a ticket export needs its articles too: --articles)",
        ),
        (
            ["--data", "tickets.csv", "--articles", "articles.csv"],
            "articles.csv: no column 'article_id' (wanted for article_id); the file has Key, Title, Text: set article_id "
            "under [articles] in the mapping (--columns)",
        ),
        (["--data", "none.csv", "--articles", "articles.csv"], "none.csv: no such file"),
        (["--data", "tickets.csv", "--articles", "none.csv"], "none.csv: no such file"),
        (["--data", "tickets.csv", "--articles", "articles.csv", "--searches", "none.jsonl"], "none.jsonl: no such file"),
        (["--data", "tickets.csv", "--articles", "articles.csv", "--columns", "none.toml"], "none.toml: no such file"),
    ],
)
def test_what_cannot_be_used_is_said_and_leaves_nothing(tmp_path, foreign, fails, monkeypatch, command, options, said):
    monkeypatch.chdir(foreign)
    before = tree(tmp_path)
    assert said in fails(command, *options, *(["--out", tmp_path / "out"] if command == "run" else []))
    assert tree(tmp_path) == before
    assert not (tmp_path / "out").exists()


# --- workspace ----------------------------------------------------------------------------------------------------


@pytest.fixture
def space(desk, tmp_path):
    """A workspace of the export with its dataset made."""
    export = HelpDesk(desk / "tickets.csv", desk / "articles.csv")
    space = Workspace(tmp_path / "space", export.tickets, help_desk=export)
    space.need("dataset")
    return space


def test_the_dataset_stage_keeps_what_cleaning_touched(space):
    folder = space.need("dataset")
    assert sorted(p.name for p in (folder / "cleaning").iterdir()) == [
        "1_long_texts.csv",
        "2_quoted_threads.csv",
        "3_set_apart.csv",
        "4_personal_data.csv",
        "5_repeated_tickets.csv",
        "6_superseded_articles.csv",
        "7_pasted_everywhere.csv",
        "8_near-duplicate_articles.csv",
        "9_leaks.csv",
        "summary.csv",
    ]
    with (folder / "cleaning" / "3_set_apart.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["id"], row["reason"]) for row in csv.DictReader(file)] == [
            ("ticket/T4", "a test"),
            ("ticket/T8", "written in 'de'"),
        ]
    assert "laura@" not in "".join(p.read_text(encoding="utf-8") for p in folder.rglob("*.*"))
    assert space.dataset().queries["ticket/T5"].text == "Please remove everything you store about me, <PERSON>, <EMAIL>."
    assert space.dataset().queries["ticket/T25"].metadata["article_seen"] is True


def test_a_workspace_remembers_its_export(space, desk, capsys):
    before = tree(space.root)
    capsys.readouterr()
    again = Workspace(space.root, desk / "tickets.csv")
    assert again.help_desk == space.help_desk
    assert again.dataset() == space.dataset()
    assert Workspace(space.root, desk / "tickets.csv", help_desk=space.help_desk).dataset() == space.dataset()
    assert "making" not in capsys.readouterr().err
    assert tree(space.root) == before


def test_another_mapping_or_other_files_are_refused(space, desk):
    mapped = replace(space.help_desk, columns=Columns(tickets=TicketColumns(subject=None)))
    shutil.copy(desk / "articles.csv", desk / "other.csv")
    for export in (
        mapped,
        replace(space.help_desk, articles=desk / "other.csv"),
        replace(space.help_desk, searches=desk / "searches.jsonl"),
    ):
        before = tree(space.root)
        with pytest.raises(DataError, match=r"space holds a run of other files or another mapping: pass another folder"):
            Workspace(space.root, export.tickets, help_desk=export)
        assert tree(space.root) == before


def test_a_changed_export_is_read_again(space, desk):
    with (desk / "tickets.csv").open("a", encoding="utf-8") as file:
        file.write("T99,2026-01-31,,Do I have to wait for the mail with the link?,account/password,false\n")
    again = Workspace(space.root, desk / "tickets.csv")
    assert "ticket/T99" in again.dataset().qrels["test"]


def test_a_ticket_file_alone_is_no_dataset(desk, tmp_path):
    with pytest.raises(DataError, match=r"tickets.csv is not a folder: .* \(a ticket export needs its articles too"):
        Workspace(tmp_path / "space", desk / "tickets.csv")
    assert not (tmp_path / "space").exists()
