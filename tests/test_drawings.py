"""The drawings are what their source draws, say in words what they show, and are found from where they are named."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "img"
SVG = "{http://www.w3.org/2000/svg}"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "notebooks").rglob("*.ipynb"))]
SMALLEST = 12
"""Pixels of letters that are read at 100 %."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The drawings that a copy of the source makes, by name."""
    folder = tmp_path_factory.mktemp("img")
    for source in FOLDER.glob("*.py"):
        (folder / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run([sys.executable, str(folder / "draw.py")], check=True)
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.svg")}


def test_what_is_committed_is_what_the_source_draws(drawn):
    assert len(drawn) == 9
    assert {name: (FOLDER / name).read_text(encoding="utf-8") for name in drawn} == drawn, "run python docs/img/draw.py"


def test_each_says_in_words_what_it_shows_and_is_readable_in_both_schemes(drawn):
    for name, text in drawn.items():
        root = ElementTree.fromstring(text)
        assert root.findtext(f"{SVG}title") and len(root.findtext(f"{SVG}desc")) > 80, name
        assert min(int(word.get("font-size")) for word in root.iter(f"{SVG}text")) >= SMALLEST, name
        assert "prefers-color-scheme: dark" in root.findtext(f"{SVG}style"), name


def test_no_word_leaves_the_paper(drawn):
    for name, text in drawn.items():
        root = ElementTree.fromstring(text)
        for word in root.iter(f"{SVG}text"):
            x, y, reach = float(word.get("x")), float(word.get("y")), 0.62 * int(word.get("font-size")) * len(word.text)
            left = {"start": x, "middle": x - reach / 2, "end": x - reach}[word.get("text-anchor")]
            assert left > 0 and left + reach < int(root.get("width")) and 0 < y < int(root.get("height")), (name, word.text)


def pictures(page):
    """Yield (alternative text, target) of each picture that a page shows in its prose."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        text = "\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")
    return re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_picture_on_a_page_is_there_and_is_told_in_words(page):
    for words, target in pictures(page):
        assert (page.parent / target).is_file(), target
        assert len(words) > 20, f"{target}: say what it shows to somebody who does not see it"


def test_jupyterlab_is_started_where_it_can_serve_the_drawings():
    lab = re.search(r"^lab:.*\n\t(.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert "--ServerApp.root_dir=. " in lab[1], "a server of the folder notebooks finds no ../docs"


def test_the_first_chapters_show_their_drawings():
    shown = {
        page.name[:2]: {Path(target).stem for _, target in pictures(page)}
        for page in PAGES
        if page.parent.name != "solutions"
    }
    assert "the_loop" in shown["00"] and "the_loop" in shown["RE"]
    assert {"text_to_vector", "two_encoders"} <= shown["02"]
    assert "kinds_of_negatives" in shown["03"]
