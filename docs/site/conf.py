"""Sphinx' settings for the course as a site: committed outputs are shown, nothing is run (``make site``)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
REPOSITORY = os.environ.get("COURSE_REPOSITORY", "")
"""Address of the repository, such as https://github.com/OWNER/NAME: with it come the buttons of Colab and Binder."""
BRANCH = os.environ.get("COURSE_BRANCH", "main")

project = "Fine-tune search for your domain"
author = "the authors"
language = "en"
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "data/README.md", "benchmarks/README.md", "notebooks/**.ipynb"]
exclude_patterns = [".*", "build", "workspace", "**/.ipynb_checkpoints"]

extensions = ["myst_nb"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # questions are headings of the third level below one of the first

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["course.css"]
html_context = {"default_mode": "auto"}
html_favicon = "static/favicon.svg"
html_show_sphinx = False
html_theme_options: dict[str, Any] = {
    "repository_url": REPOSITORY,
    "repository_branch": BRANCH,
    "use_repository_button": bool(REPOSITORY),
    "use_issues_button": bool(REPOSITORY),
    "use_download_button": True,
    "launch_buttons": {"colab_url": "https://colab.research.google.com", "binderhub_url": "https://mybinder.org"}
    if REPOSITORY
    else {},
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
}

CONTENTS = """
```{toctree}
:hidden:
:caption: Chapters
:glob:

notebooks/*
```

```{toctree}
:hidden:
:caption: Beside them
:glob:

docs/*
data/README
benchmarks/README
CONTRIBUTING
CHANGELOG
```

```{toctree}
:hidden:
:caption: Solutions
:glob:

notebooks/solutions/*
```
"""
"""What stands in the margin of every page; a new chapter is found by itself."""


def prepared(text: str, docname: str) -> str:
    """Return the source of a page as Sphinx reads it: the contents behind the README, and words for each figure."""
    if docname == root_doc:
        return f"{text}\n{CONTENTS}"
    return with_words(text) if (ROOT / f"{docname}.ipynb").exists() else text


def with_words(notebook: str) -> str:
    """Return a notebook in which each code cell tells Sphinx the alternative text of its figure, and its width.

    IPython keeps both beside the output, MyST-NB reads them from the cell.
    """
    read = json.loads(notebook)
    for cell in read["cells"]:
        for output in cell.get("outputs", []):
            told = output.get("metadata", {}).get("image/png", {})
            if "alt" in told:
                cell["metadata"]["mystnb"] = {"image": {"alt": told["alt"], "width": f"{told['width']}px"}}
    return json.dumps(read)


def setup(app: Any) -> dict[str, Any]:
    """Prepare each page as it is read, and let the site open with the README."""

    def read(_: Any, docname: str, source: list[str]) -> None:
        source[0] = prepared(source[0], docname)

    def open_at_readme(app: Any, error: Exception | None) -> None:
        if error is None:
            shutil.copyfile(Path(app.outdir, f"{root_doc}.html"), Path(app.outdir, "index.html"))

    app.connect("source-read", read)
    app.connect("build-finished", open_at_readme)
    return {"parallel_read_safe": True}
