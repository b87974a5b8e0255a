"""What the site is built from: words and widths of figures, and contents that miss no page."""

import importlib.util
import json
from pathlib import Path

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure

from tutorial_lib.notebook import show

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def conf():
    spec = importlib.util.spec_from_file_location("site_conf", ROOT / "docs" / "site" / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_words_of_a_figure_stand_where_myst_nb_looks_for_them(conf):
    bundle, told = DisplayFormatter().format(show(Figure(figsize=(7, 3), label="Scores by rank.")))
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", bundle, metadata=told)])
    plain = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("stream", text="0.9")])
    read = json.loads(conf.with_words(nbformat.writes(nbformat.v4.new_notebook(cells=[cell, plain]))))
    assert read["cells"][0]["metadata"]["mystnb"] == {"image": {"alt": "Scores by rank.", "width": "672px"}}
    assert read["cells"][1]["metadata"] == {}


def test_the_contents_stand_behind_the_readme_alone(conf):
    assert conf.prepared("# The course", "README").startswith("# The course\n\n```{toctree}")
    assert conf.prepared("# Glossary", "docs/glossary") == "# Glossary"


def test_the_contents_name_every_page(conf):
    pages = {*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), *(ROOT / "notebooks").rglob("*.ipynb")} - {ROOT / "README.md"}
    entries = [line for line in conf.CONTENTS.splitlines() if line and not line.startswith((":", "`"))]
    named = {page for entry in entries for suffix in (".md", ".ipynb") for page in ROOT.glob(entry + suffix)}
    assert {page for page in pages if ".ipynb_checkpoints" not in page.parts} <= named


def test_without_an_address_there_are_no_buttons_that_lead_nowhere(conf):
    options = conf.html_theme_options
    assert conf.REPOSITORY or not (options["launch_buttons"] or options["use_repository_button"])


def test_every_package_of_the_sites_own_environment_is_pinned():
    lines = (ROOT / "docs" / "site" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all("==" in line for line in lines if line and not line.startswith("#"))
