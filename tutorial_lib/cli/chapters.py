"""What the verb ``run`` does: execute notebooks in a workspace, and say what the last one found."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import papermill

from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.paths import is_there, resolved
from tutorial_lib.data.registry import AWS_DOCS, SUPPORT_DESK
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_ANSWERS
from tutorial_lib.evaluation.before_after import before_after
from tutorial_lib.files import course_folder, plain
from tutorial_lib.rag.facts import read_facts
from tutorial_lib.workspace import Workspace

CHAPTERS = (
    "01_collect_pairs",
    "02_measure_the_baseline",
    "03_mine_hard_negatives",
    "04_finetune_with_lora",
    "05_reindex",
    "06_compare_before_and_after",
)
AFTER = ("07_rerank", "08_rag_and_prompts")
"""Chapters on what to do with a model that is shipped: ``run --through`` goes on to them."""
WITH_FACTS = "08_rag_and_prompts"
"""The chapter that needs more than queries and documents: what an answer to a query must contain."""
NO_FACTS = (
    'nobody said what answers to these queries must contain: pass --facts FILE, JSON Lines such as {"query_id": "q1", '
    '"facts": [["14 days", "two weeks"]]}'
)
LAST = CHAPTERS[-1][:2]
NOT_SHIPPED = 3
"""Exit status of ``run --gate`` where the decision is not to ship."""


def named_chapters(numbers: Sequence[str], through: str = LAST) -> tuple[str, ...]:
    """Return the names of the chapters with these numbers; for none of them all up to ``through``.

    Raises:
        DataError: There is no such chapter.
    """
    every = {name[:2]: name for name in (*CHAPTERS, *AFTER)}
    in_turn = list(every)
    for option, asked in (("chapters", numbers), ("through", [through])):
        if unknown := [n for n in asked if n not in every]:
            raise DataError(f"--{option} {unknown[0]}: there are {', '.join(in_turn)}")
    wanted = numbers or in_turn[: in_turn.index(through) + 1]
    return tuple(name for number, name in every.items() if number in wanted)


def facts_file(data: str, given: str | None, chapters: Sequence[str]) -> Path | None:
    """Return the file of facts that the chapters of a run need; None where none does, or where there is none.

    Args:
        data: What is read; support_desk brings its facts along.
        given: What was passed.
        chapters: Those to run.

    Raises:
        DataError: The file is not there, no chapter needs it, or the only chapter to run lacks it.
    """
    if WITH_FACTS not in chapters:
        if given:
            raise DataError(f"--facts belongs to {WITH_FACTS}, which does not run: pass --through 08 too")
        return None
    file = resolved(given) if given else SUPPORT_DESK_ANSWERS if data == SUPPORT_DESK else None
    if file and not is_there(file):
        raise DataError(f"--facts {file}: no such file")
    if file is None and len(chapters) == 1:
        raise DataError(f"{WITH_FACTS} cannot run, for {NO_FACTS}")
    return file


def run_chapters(space: Workspace, chapters: Sequence[str], facts: Path | None = None) -> bool:
    """Execute notebooks on a workspace, each into its folder ``notebooks``; return whether the report's was among them.

    Args:
        space: The workspace.
        chapters: Names of notebooks.
        facts: What answers must contain (``facts_file``); without, the chapter ``WITH_FACTS`` is left out, which is said.

    Raises:
        DataError: The facts are not those of this dataset; nothing is executed then.
        papermill.PapermillExecutionError: A cell failed; the executed notebook shows it.
    """
    if facts:
        read_facts(facts, space.dataset())
    for note in space.dataset().notes:
        print(f"note: {note}")
    executed = space.root / "notebooks"
    executed.mkdir(exist_ok=True)
    _lay_drawings(space.root)
    parameters = {"DATASET": space.source, "WORKSPACE": str(space.root.resolve()), "MODEL": space.model_name}
    for chapter in chapters:
        if chapter == CHAPTERS[0] and space.source != AWS_DOCS:
            continue  # it collects aws_docs
        if chapter == WITH_FACTS and facts is None:
            print(f"{chapter}: left out, for {NO_FACTS}")
            continue
        started = time.monotonic()
        print(f"{chapter} …", flush=True)
        papermill.execute_notebook(
            _as_it_is(course_folder("notebooks") / f"{chapter}.ipynb"),
            _as_it_is(plain(executed / f"{chapter}.ipynb")),
            parameters | ({"FACTS": str(facts)} if chapter == WITH_FACTS else {}),
            cwd=course_folder("notebooks"),
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],  # not, each time, that a kernel on this machine is not encrypted
            progress_bar=sys.stderr.isatty(),
        )
        print(f"{chapter}: {time.monotonic() - started:.0f} s", flush=True)
    return CHAPTERS[-1] in chapters


def _lay_drawings(root: Path) -> None:
    """Copy the drawings to where notebooks in the folder ``notebooks`` of ``root`` look for them."""
    folder = root / "docs" / "img"
    folder.mkdir(parents=True, exist_ok=True)
    for drawing in course_folder("docs/img").glob("*.svg"):
        shutil.copyfile(drawing, plain(folder / drawing.name))


def _as_it_is(path: Path) -> str:
    """Return a path as papermill takes it, which fills in what stands in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def told(space: Workspace, *, gate: bool) -> int:
    """Print the before/after table that the last chapter left, and where the rest is; return the exit status."""
    report = space.root / "report"
    metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    executed = space.root / "notebooks"
    print(f"\n{before_after(metrics)}\n\nreport: {report / 'report.html'}\nexecuted notebooks: {executed}")
    return NOT_SHIPPED if gate and metrics["ship"]["decision"] != "ship" else 0
