"""``check``: what it prints, and what it can be told."""

import re

import pytest

from tests.helpers import in_time, obstructed, tree
from tests.tiny import beir_files
from tutorial_lib.cleaning import CleaningSettings
from tutorial_lib.cli import main
from tutorial_lib.data.registry import ReadSettings
from tutorial_lib.run_settings import field_names

pytestmark = pytest.mark.usefixtures("at_home")


def every_option(kind):
    return ["--" + name.replace("_", "-") for name in field_names(kind)]


def test_check_prints_the_counts(tiny_data, capsys):
    before = tree(tiny_data)
    assert main(["check", "--data", str(tiny_data)]) == 0
    assert capsys.readouterr().out == "desk: 24 articles, 12 train, 4 dev, 8 test\n"
    assert tree(tiny_data) == before


def test_check_says_what_it_did_to_the_data(tmp_path, capsys):
    data = beir_files(tmp_path / "desk")
    (data / "qrels" / "dev.tsv").unlink()
    assert main(["check", "--data", str(data)]) == 0
    counts, note = capsys.readouterr().out.splitlines()
    assert counts == "desk: 24 articles, 11 train, 1 dev, 8 test"
    assert note == "note: no dev split was given: 1 of 12 training queries were drawn for it (seed 0)"


def test_check_can_leave_out_blank_articles(tmp_path, fails, capsys):
    data = beir_files(tmp_path / "desk")
    with (data / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "blank", "text": "..."}\n')
    assert '"text" has no letter or digit in 1 of 25 lines' in fails("check", "--data", data)
    assert main(["check", "--data", str(data), "--drop-blank"]) == 0
    assert "corpus.jsonl: 1 of 25 lines have no letter or digit" in capsys.readouterr().out


def test_check_takes_what_reading_and_cleaning_can_be_told(tiny_data, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit):
        main(["check", "--data", str(tiny_data), "--rank", "4"])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    shown = re.sub(r"[│ \n]+", " ", capsys.readouterr().out)
    for option in [*every_option(CleaningSettings), *every_option(ReadSettings)]:
        assert re.search(rf"{option}[ ,\]]", shown), option
    assert main(["check", "--data", str(tiny_data), "--split-seed", "3"]) == 0
    assert capsys.readouterr().out == "desk: 24 articles, 12 train, 4 dev, 8 test\n"


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/train.tsv", "qrels/dev.tsv", "card.json"])
def test_a_pipe_in_place_of_a_file_of_a_collection_is_one_line(tmp_path, fails, name):
    pipe = obstructed(beir_files(tmp_path / "desk") / name, "pipe")
    with in_time():
        assert f"{pipe} is a pipe: put a plain file there, or remove it" in fails("check", "--data", tmp_path / "desk")


@pytest.mark.parametrize("name", ["tickets.csv", "articles.jsonl", "searches.jsonl", "columns.toml"])
def test_a_pipe_in_place_of_a_file_of_a_help_desk_is_one_line(tmp_path, fails, name):
    (tmp_path / "tickets.csv").write_text("ticket_id,created_at,message,resolved_by\n1,2026-01-02,my bill,a1\n")
    (tmp_path / "articles.jsonl").write_text('{"article_id": "a1", "title": "Bills", "text": "How to read a bill."}\n')
    (tmp_path / "searches.jsonl").write_text("")
    (tmp_path / "columns.toml").write_text("")
    pipe = obstructed(tmp_path / name, "pipe")
    files = {"data": "tickets.csv", "articles": "articles.jsonl", "searches": "searches.jsonl", "columns": "columns.toml"}
    options = [part for option, file in files.items() for part in (f"--{option}", tmp_path / file)]
    with in_time():
        assert f"{pipe} is a pipe: put a plain file there, or remove it" in fails("check", *options)
