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
from tutorial_lib.data.registry import AWS_DOCS
from tutorial_lib.evaluation.before_after import before_after
from tutorial_lib.files import course_folder, plain
from tutorial_lib.workspace import Workspace

CHAPTERS = (
    "01_collect_pairs",
    "02_measure_the_baseline",
    "03_mine_hard_negatives",
    "04_finetune_with_lora",
    "05_reindex",
    "06_compare_before_and_after",
)
AFTER = ("07_rerank",)
"""Chapters on what to do with a model that is shipped: ``run --through`` goes on to them."""
NAMED_ONLY = ("08_rag_and_prompts",)
"""Chapters that run when their number is given: they need more than queries and documents (facts)."""
LAST = CHAPTERS[-1][:2]
NOT_SHIPPED = 3
"""Exit status of ``run --gate`` where the decision is not to ship."""


def named_chapters(numbers: Sequence[str], through: str = LAST) -> tuple[str, ...]:
    """Return the names of the chapters with these numbers; for none of them all up to ``through``.

    Raises:
        DataError: There is no such chapter.
    """
    every = {name[:2]: name for name in (*CHAPTERS, *AFTER, *NAMED_ONLY)}
    in_turn = [name[:2] for name in (*CHAPTERS, *AFTER)]
    for option, asked, there in (("chapters", numbers, list(every)), ("through", [through], in_turn)):
        if unknown := [n for n in asked if n not in there]:
            raise DataError(f"--{option} {unknown[0]}: there are {', '.join(there)}")
    wanted = numbers or in_turn[: in_turn.index(through) + 1]
    return tuple(name for number, name in every.items() if number in wanted)


def run_chapters(space: Workspace, chapters: Sequence[str]) -> bool:
    """Execute notebooks on a workspace, each into its folder ``notebooks``; return whether the last was among them.

    Raises:
        papermill.PapermillExecutionError: A cell failed; the executed notebook shows it.
    """
    for note in space.dataset().notes:
        print(f"note: {note}")
    executed = space.root / "notebooks"
    executed.mkdir(exist_ok=True)
    _lay_drawings(space.root)
    parameters = {"DATASET": space.source, "WORKSPACE": str(space.root.resolve()), "MODEL": space.model_name}
    for chapter in chapters:
        if chapter == CHAPTERS[0] and space.source != AWS_DOCS:
            continue  # it collects aws_docs
        started = time.monotonic()
        print(f"{chapter} …", flush=True)
        papermill.execute_notebook(
            _as_it_is(course_folder("notebooks") / f"{chapter}.ipynb"),
            _as_it_is(plain(executed / f"{chapter}.ipynb")),
            parameters,
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
