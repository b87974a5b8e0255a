"""Run notebooks in order in a fresh workspace and save their outputs: ``python tests/execute_notebooks.py [NAME …]``.

What differs from run to run is taken out (stderr, times, kernel versions), so that a commit shows only real changes.
With names given (such as 03 or solutions/03), only those are run, in the workspace that TUTORIAL_WORKSPACE names.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def execute(path: Path) -> None:
    """Run one notebook from a fresh kernel and save it, cleaned."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=3600, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    nbformat.write(notebook, path)


def main() -> int:
    """Run the notebooks named on the command line, or all; a failing one keeps its old outputs."""
    failed = 0
    names = sys.argv[1:]
    paths = [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))]
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as workspace:
        os.environ.setdefault("TUTORIAL_WORKSPACE", workspace)
        for path in paths:
            if not names or any(str(path.relative_to(NOTEBOOKS)).startswith(n) for n in names):
                print(path.relative_to(NOTEBOOKS), flush=True)
                try:
                    execute(path)
                except CellExecutionError as error:
                    failed += 1
                    print(error, file=sys.stderr)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
