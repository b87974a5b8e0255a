"""What ``run`` and ``train`` refuse before a folder is claimed, and what they say they go on with."""

import re

import papermill
import pytest

from tests.helpers import damaged, tree
from tests.tiny import beir_files
from tutorial_lib.cli import main
from tutorial_lib.cli.opening import opened
from tutorial_lib.cli.options import DataOptions
from tutorial_lib.run_marker import alone_in
from tutorial_lib.run_settings import RunSettings
from tutorial_lib.workspace import Workspace

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.fixture
def given(tiny_data, tiny_folder, tmp_path):
    """The options that every run here begins with, but for the model."""
    return ("--data", tiny_data, "--out", tmp_path / "runs" / "out")


@pytest.mark.parametrize("verb", ["run", "train"])
def test_a_model_that_no_hub_has_leaves_nothing(given, tmp_path, fails, verb):
    assert "nope/nope cannot be loaded" in fails(verb, *given, "--model", "nope/nope")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--rank", 1_000_000), r"rank is 1000000: the layers of .* are 32 wide, pass at most that"),
        (("--max-length", 100_000), r"max_length is 100000: .* has positions for 64 tokens, pass at most that"),
        (("--matryoshka", 8, 99_999), r"matryoshka is 99999: the vectors of .* have 32 numbers, pass at most that"),
    ],
)
def test_what_the_model_is_too_small_for_leaves_nothing(given, tiny_folder, tmp_path, fails, option, said):
    assert re.search(said, fails("run", *given, "--model", tiny_folder, *option))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["run", "train"])
def test_of_two_in_one_folder_the_second_is_refused(copied, tiny_data, tiny_folder, fails, verb):
    with alone_in(copied.root):
        before = tree(copied.root)
        options = ("--data", tiny_data, "--out", copied.root, "--model", tiny_folder, "--learning-rate", "0.001")
        assert "another run is at work in" in fails(verb, *options)
        assert tree(copied.root) == before


def test_what_is_there_is_said_and_what_is_damaged_is_made_again(tiny_data, tiny_folder, tmp_path, capsys):
    options = (tmp_path / "out", DataOptions(str(tiny_data)), str(tiny_folder), RunSettings())
    with opened(*options):
        assert "going on" not in capsys.readouterr().err
    with opened(*options):
        assert "going on with what is there: dataset\n" in capsys.readouterr().err
    for name in ("workspace.json", "dataset/qrels/test.tsv"):
        damaged(tmp_path / "out" / name, "half")
    with opened(*options) as space:
        said = capsys.readouterr().err
        assert "workspace.json was damaged: it is noted anew" in said
        assert "dataset is damaged: qrels/test.tsv has" in said
        assert len(space.dataset().qrels["test"]) == 8


def test_a_notebook_opens_the_workspace_with_the_options_of_the_command(tiny_folder, tmp_path, monkeypatch, capsys):
    data, sizes = beir_files(tmp_path / "data"), []
    with (data / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "blank", "text": "..."}\n')

    def execute(source, target, told, **_):
        sizes.append(len(Workspace(told["WORKSPACE"], told["DATASET"], told["MODEL"]).dataset().corpus))

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    options = ("--data", data, "--out", tmp_path / "out", "--model", tiny_folder, "--drop-blank", "--chapters", "02")
    assert main(["run", *map(str, options)]) == 0
    assert sizes == [24]
    assert capsys.readouterr().err.count("making dataset") == 1
