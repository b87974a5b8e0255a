from dataclasses import replace

import pytest

from tests.data.logs import lines, search, table, ticket
from tests.helpers import beir_folder, small_dataset
from tutorial_lib.data import registry
from tutorial_lib.data.columns import Columns, ExportFormat
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.help_desk import HelpDesk
from tutorial_lib.data.registry import AWS_DOCS, SUPPORT_DESK, SUPPORT_DESK_YEAR2, Kind, ReadSettings, find_source
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.data.splits import SplitSettings


@pytest.fixture
def desk(articles):
    tickets = table(articles.with_name("tickets.csv"), [ticket(n) for n in range(20)])
    return HelpDesk(
        tickets, articles, lines(articles.with_name("searches.jsonl"), [search(1, "it blinks", ticket_followed="T1")])
    )


def test_every_source_has_a_name_and_a_kind(tmp_path, desk):
    sources = [
        find_source(AWS_DOCS),
        find_source(SUPPORT_DESK),
        find_source(beir_folder(tmp_path / "beir")),
        find_source(desk.tickets, desk),
    ]
    assert [s.name for s in sources] == ["aws_docs", "support_desk", str(tmp_path / "beir"), str(desk.tickets)]
    assert [s.kind for s in sources] == [Kind.DOCUMENTATION, Kind.TICKETS, Kind.JUDGED, Kind.TICKETS]


def test_a_source_reads_what_it_names(tmp_path, desk):
    assert replace(find_source(beir_folder(tmp_path / "beir")).read(), card={}) == small_dataset()
    assert find_source(str(desk.tickets), desk).read() == desk.read()
    assert find_source(SUPPORT_DESK).read().counts()["test"] == 300
    assert find_source(SUPPORT_DESK_YEAR2).read().counts()["test"] == 130


def test_settings_reach_the_reader(tmp_path, desk):
    blank = beir_folder(
        tmp_path / "beir",
        corpus=[{"_id": "a", "text": "…"}, {"_id": "b", "text": "x"}, {"_id": "c", "text": "y"}],
        queries=[{"_id": "q", "text": "x"}],
        qrels={"train": ["q\tb\t1"], "dev": None, "test": None},
    )
    with pytest.raises(DataError, match="no letter or digit"):
        find_source(blank).read()
    assert list(find_source(blank).read(ReadSettings(drop_blank=True)).corpus) == ["b", "c"]
    settings = ReadSettings(
        split=SplitSettings("2026-01-10", "2026-01-14"), clicks=ClickSettings(min_weight=1), max_tickets=19
    )
    expected = desk.read(split=settings.split, clicks=settings.clicks, max_tickets=19)
    assert find_source(desk.tickets, desk).read(settings) == expected


def test_the_key_changes_with_files_mapping_and_the_settings_that_concern_the_source(desk):
    source = find_source(desk.tickets, desk)
    keys = [
        source.key(),
        source.key(ReadSettings(split=SplitSettings("2026-01-04", "2026-01-08"))),
        source.key(ReadSettings(clicks=ClickSettings(min_dwell=5))),
        source.key(ReadSettings(max_tickets=5)),
        find_source(desk.tickets, replace(desk, columns=Columns(format=ExportFormat(dayfirst=True)))).key(),
        find_source(desk.tickets, replace(desk, searches=None)).key(),
    ]
    assert source.key(ReadSettings(drop_blank=True)) == keys[0]  # for BEIR folders alone
    table(desk.tickets, [ticket(n) for n in range(21)])
    keys.append(source.key())
    assert len(set(keys)) == 7


def test_the_key_of_a_folder_is_that_of_its_tables(tmp_path):
    source = find_source(beir_folder(tmp_path / "one"))
    assert find_source(beir_folder(tmp_path / "two")).key() == source.key()
    (tmp_path / "one" / "notes.txt").write_text("x")
    assert find_source(tmp_path / "two").key() == source.key() != source.key(ReadSettings(drop_blank=True))
    beir_folder(tmp_path / "one", queries=[{"_id": "t1", "text": "another"}])
    assert find_source(tmp_path / "two").key() != source.key()


def test_the_key_of_an_installed_collection_is_its_version(monkeypatch):
    before = find_source(AWS_DOCS).key()
    assert find_source(AWS_DOCS).key(ReadSettings(max_tickets=1)) == before
    monkeypatch.setattr(registry, "AWSCLI_VERSION", "2.0")
    assert find_source(AWS_DOCS).key() != before


def test_a_missing_file_is_named(desk):
    source = find_source(desk.tickets, desk)
    desk.searches.unlink()
    with pytest.raises(DataError, match=r"searches\.jsonl: no such file"):
        source.key()


def test_what_is_no_source_is_refused(tmp_path, desk):
    said = r"is not a folder: pass 'aws_docs' or 'support_desk', a BEIR folder \(corpus.jsonl, queries.jsonl, qrels/train.+ "
    with pytest.raises(DataError, match=said + "or a ticket export$"):
        find_source(tmp_path / "nowhere")
    with pytest.raises(DataError, match=said + r"or a ticket export \(a ticket export needs its articles too: --articles\)$"):
        find_source(desk.tickets)


def test_a_log_of_no_tickets_is_refused():
    with pytest.raises(ValueError, match="max_tickets is 0: pass how many tickets to keep, at least 1"):
        ReadSettings(max_tickets=0)


def test_the_facts_of_the_help_desk_are_no_part_of_its_key():
    # they train nothing: to mend one must not make a workspace train again
    names = {path.name for path in find_source(SUPPORT_DESK).files()}
    assert "golden.jsonl" in names
    assert "answers.jsonl" not in names


def test_the_second_year_hangs_on_the_first_years_grades_too():
    files = find_source(SUPPORT_DESK_YEAR2).files()
    assert {path.parent.name for path in files if path.name == "golden.jsonl"} == {"support_desk", "support_desk_year2"}
    assert not any(path.name.startswith("answers") for path in files)
