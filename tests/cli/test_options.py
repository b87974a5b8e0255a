"""What to read, as the command line names it."""

from pathlib import Path

import pytest

from tutorial_lib.cli.options import DataOptions
from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.help_desk import HelpDesk


def test_without_articles_it_is_a_collection():
    assert DataOptions("my_data").help_desk() is None


def test_with_articles_it_is_a_help_desk_whose_paths_hold_wherever_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = DataOptions("tickets.csv", articles="articles.csv").help_desk()
    assert found == HelpDesk(tmp_path / "tickets.csv", tmp_path / "articles.csv", None, Columns())
    assert DataOptions("t.csv", "a.csv", "s.jsonl").help_desk().searches == Path(tmp_path, "s.jsonl")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (DataOptions("t.csv", searches="s.jsonl"), "--searches belongs to a ticket export: pass --articles too"),
        (DataOptions("t.csv", columns="c.toml"), "--columns belongs to a ticket export: pass --articles too"),
        (DataOptions(articles="a.csv"), "--articles belongs to a ticket export, and --data is aws_docs"),
        (DataOptions("t.csv", "a.csv", columns="none.toml"), "none.toml: no such file"),
    ],
)
def test_what_does_not_go_together_is_refused(options, said):
    with pytest.raises(DataError, match=said):
        options.help_desk()
