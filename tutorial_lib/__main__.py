"""Command line: ``python -m tutorial_lib run`` runs the course's notebooks on a dataset, ``check`` reads one."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tutorial_lib.data.columns import Columns
from tutorial_lib.data.dataset import DataError
from tutorial_lib.data.help_desk import HelpDesk as Export
from tutorial_lib.data.registry import AWS_DOCS, BUILT_IN, SUPPORT_DESK
from tutorial_lib.models.settings import DEFAULT_MODEL, ModelError
from tutorial_lib.workspace import Workspace

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
CHAPTERS = (
    "01_collect_pairs",
    "02_measure_the_baseline",
    "03_mine_hard_negatives",
    "04_finetune_with_lora",
    "05_reindex",
    "06_compare_before_and_after",
)


def export_of(options: argparse.Namespace) -> Export | None:
    """Return the help desk's files that the options name, or None if ``--data`` is a collection.

    Raises:
        DataError: Some of the files are named and others that they need are not.
    """
    if options.articles is None:
        extra = next((o for o in ("columns", "searches") if getattr(options, o)), None)
        if extra:
            raise DataError(f"--{extra} belongs to a ticket export: pass --articles too, and the tickets as --data")
        return None
    if options.data in BUILT_IN:
        raise DataError(f"--articles belongs to a ticket export, and --data is {options.data}: pass the tickets as --data")
    columns = Columns.read(options.columns) if options.columns else Columns()
    resolved = [Path(p).resolve() if p else None for p in (options.data, options.articles, options.searches)]
    return Export(resolved[0], resolved[1], resolved[2], columns)  # type: ignore[arg-type]


def run(data: str, out: Path, model: str, *, drop_blank: bool = False, export: Export | None = None) -> Path:
    """Run the notebooks on ``data`` and return the report's folder; finished stages of an earlier try are kept.

    Raises:
        DataError: The data or the output folder cannot be used.
        ModelError: The model cannot be used.
        papermill.PapermillExecutionError: A cell failed; the executed notebook shows it.
    """
    import papermill

    from tutorial_lib.report import before_after

    fresh = not out.exists()
    workspace = Workspace(out, data, model, drop_blank=drop_blank, export=export)
    try:
        workspace.dataset()
    except DataError:
        if fresh:
            shutil.rmtree(out)  # unusable data leaves nothing behind
        raise
    for note in workspace.dataset().notes:
        print(f"note: {note}")
    chapters = CHAPTERS if workspace.source == AWS_DOCS else CHAPTERS[1:]  # 01 collects aws_docs
    executed = workspace.root / "notebooks"
    executed.mkdir(exist_ok=True)
    parameters = {"DATASET": workspace.source, "WORKSPACE": str(workspace.root.resolve()), "MODEL": workspace.model_name}
    for chapter in chapters:
        started = time.monotonic()
        print(f"{chapter} …", flush=True)
        papermill.execute_notebook(
            NOTEBOOKS / f"{chapter}.ipynb",
            executed / f"{chapter}.ipynb",
            parameters,
            cwd=NOTEBOOKS,
            kernel_name="python3",
            progress_bar=sys.stderr.isatty(),
        )
        print(f"{chapter}: {time.monotonic() - started:.0f} s", flush=True)
    report = workspace.root / "report"  # written by the last chapter
    metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    print(f"\n{before_after(metrics)}\n\nreport: {report / 'report.html'}\nexecuted notebooks: {executed}")
    return report


def check(data: str, *, drop_blank: bool = False, export: Export | None = None) -> None:
    """Read a dataset as ``run`` would and print what it holds."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        dataset = Workspace(Path(folder, "check"), data, drop_blank=drop_blank, export=export).dataset()
    print(f"{dataset.name}: {', '.join(f'{n:,} {what}' for what, n in dataset.counts().items())}")
    for note in dataset.notes:
        print(f"note: {note}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse ``arguments`` and run a command; returns the exit status: 0, 1 for a failed cell, 2 for unusable input."""
    parser = argparse.ArgumentParser(prog="python -m tutorial_lib", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "run the notebooks on a dataset and write a report"),
        ("check", "read a dataset and say what it holds"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--data",
            default=AWS_DOCS,
            help=f"{AWS_DOCS}, {SUPPORT_DESK}, a BEIR folder, or a ticket export (default: {AWS_DOCS})",
        )
        command.add_argument("--articles", help="articles of the ticket export: CSV, TSV, JSONL or Parquet")
        command.add_argument("--searches", help="search log of the same help centre, if there is one")
        command.add_argument("--columns", help="TOML file that says which column holds what")
        command.add_argument(
            "--drop-blank", action="store_true", help="leave out articles and queries without a letter or digit"
        )
        if name == "run":
            command.add_argument("--out", type=Path, required=True, help="folder of this run's artifacts and report")
            command.add_argument("--model", default=DEFAULT_MODEL, help="base model: name, folder or Hub id")
    options = parser.parse_args(arguments)
    os.environ.pop("TUTORIAL_WORKSPACE", None)  # it moves the notebooks' workspace in tests; here --out decides
    try:
        export = export_of(options)
        if options.command == "run":
            run(options.data, options.out, options.model, drop_blank=options.drop_blank, export=export)
        else:
            check(options.data, drop_blank=options.drop_blank, export=export)
    except (DataError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command goes on where this one stopped", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"error: {error} — nothing half-made is kept; the same command goes on where this one stopped", file=sys.stderr)
        return 1
    except Exception as error:
        if type(error).__name__ != "PapermillExecutionError":
            raise
        print(
            f"error: a cell failed; read it at the end of the newest notebook under {options.out}/notebooks\n"
            f"{str(error)[-1500:]}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
