"""Which notebooks ``run`` executes."""

import json
from pathlib import Path

import papermill
import pytest

from tutorial_lib.cli import chapters
from tutorial_lib.cli.chapters import AFTER, CHAPTERS, WITH_FACTS, facts_file, named_chapters, run_chapters
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_ANSWERS
from tutorial_lib.files import course_folder

pytestmark = pytest.mark.usefixtures("at_home")


def test_numbers_name_chapters_in_the_order_of_the_course():
    assert named_chapters(()) == CHAPTERS
    assert named_chapters(("08",)) == ("08_rag_and_prompts",)
    assert named_chapters(("03", "02")) == ("02_measure_the_baseline", "03_mine_hard_negatives")


def test_a_chapter_that_is_not_there_lists_those_that_are():
    with pytest.raises(DataError, match="--chapters 7: there are 01, 02, 03, 04, 05, 06, 07, 08"):
        named_chapters(("02", "7"))
    with pytest.raises(DataError, match="--through 6: there are 01"):
        named_chapters((), "6")


def test_a_run_goes_on_beyond_the_report_when_it_is_told_to():
    assert named_chapters((), "03") == CHAPTERS[:3]
    assert named_chapters((), "07") == (*CHAPTERS, "07_rerank")
    assert named_chapters((), "08") == (*CHAPTERS, "07_rerank", "08_rag_and_prompts")
    assert named_chapters(("07",)) == ("07_rerank",)


def test_every_chapter_has_its_notebook():
    assert all((course_folder("notebooks") / f"{name}.ipynb").is_file() for name in (*CHAPTERS, *AFTER))


def test_collecting_is_left_out_where_the_pairs_are_there_and_the_notebooks_are_told_where_they_are(copied, monkeypatch):
    asked = []
    monkeypatch.setattr(
        papermill, "execute_notebook", lambda source, target, told, **_: asked.append((Path(source), Path(target), told))
    )
    assert chapters.papermill is papermill
    assert run_chapters(copied, CHAPTERS)
    assert [source.stem for source, _, _ in asked] == list(CHAPTERS[1:])
    assert {target.parent for _, target, _ in asked} == {copied.root / "notebooks"}
    told = {"DATASET": copied.source, "WORKSPACE": str(copied.root.resolve()), "MODEL": copied.model_name}
    assert all(parameters == told for _, _, parameters in asked)
    assert not run_chapters(copied, CHAPTERS[:2])
    assert {p.name for p in (copied.root / "notebooks" / "../docs/img").iterdir()} >= {"the_loop.svg", "two_encoders.svg"}


def test_braces_in_a_path_are_no_names_to_fill_in(copied, monkeypatch):
    asked = []
    monkeypatch.setattr(papermill, "execute_notebook", lambda source, target, told, **_: asked.append(target.format(**told)))
    copied.root = copied.root.rename(copied.root.parent / "{DATASET}{x}")
    run_chapters(copied, CHAPTERS[1:2])
    assert asked == [str(copied.root / "notebooks" / f"{CHAPTERS[1]}.ipynb")]


@pytest.fixture
def executed(monkeypatch):
    """What papermill was told to execute, by chapter."""
    asked = {}
    monkeypatch.setattr(
        papermill, "execute_notebook", lambda source, target, told, **_: asked.update({Path(source).stem: told})
    )
    return asked


def facts(path, dataset):
    """A file of facts for one test query: the first words of an article that answers it."""
    query, answers = next(iter(dataset.positives("test").items()))
    fact = " ".join(dataset.corpus[answers[0]].full_text.split()[:2])
    path.write_text(json.dumps({"query_id": query, "facts": [[fact]]}))
    return path


def test_chapter_8_is_told_its_facts_and_no_other_is(copied, executed, tmp_path):
    file = facts(tmp_path / "facts.jsonl", copied.dataset())
    assert facts_file(copied.source, str(file), AFTER) == file
    run_chapters(copied, AFTER, file)
    assert executed[WITH_FACTS]["FACTS"] == str(file)
    assert "FACTS" not in executed["07_rerank"]


def test_chapter_8_is_left_out_in_a_line_where_there_are_no_facts(copied, executed, capsys):
    assert facts_file(copied.source, None, AFTER) is None
    run_chapters(copied, AFTER)
    assert list(executed) == ["07_rerank"]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(WITH_FACTS)]
    assert line.startswith("08_rag_and_prompts: left out, for nobody said what answers to these queries must contain")
    assert "pass --facts FILE" in line


def test_support_desk_brings_its_facts_along():
    assert facts_file("support_desk", None, (WITH_FACTS,)) == SUPPORT_DESK_ANSWERS
    assert facts_file("support_desk", None, CHAPTERS) is None


def test_facts_that_do_not_fit_are_refused_before_any_chapter(copied, executed, tmp_path):
    file = facts(tmp_path / "facts.jsonl", copied.dataset())
    file.write_text(file.read_text().replace('[["', '[["no such words '))
    with pytest.raises(DataError, match=r"facts\.jsonl line 1: 'no such words .*' does not stand in"):
        run_chapters(copied, AFTER, file)
    assert executed == {}
