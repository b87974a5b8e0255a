"""The static rules of the notebooks: run in order, no error, outputs committed, small cells, small files."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.claims import backed, claims, unsupported
from tutorial_lib.notebook import approximate

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
COLUMNS = 100
"""Of a line of code: it is read on a page, beside its text. ``notebooks/ruff.toml`` says the same to ruff."""
SKIPPING = {"nbval-ignore-output", "nbval-skip", "nbval-raises-exception"}


def code_cells(path):
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]


@pytest.fixture(params=[*CHAPTERS, *SOLUTIONS], ids=lambda p: f"{p.parent.name}/{p.stem}")
def notebook(request):
    return request.param


def test_there_are_chapters_and_a_solution_for_each():
    names = ("00", "01", "01b", "02", "03", "04", "04b", "05", "06", "07", "08", "09", "10", "11")
    assert tuple(p.name.split("_")[0] for p in CHAPTERS) == names
    assert [p.name for p in SOLUTIONS] == [p.name for p in CHAPTERS]


def test_was_run_from_top_to_bottom(notebook):
    counts = [c["execution_count"] for c in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_each_figure_is_told_in_words(notebook):
    outputs = [o for c in code_cells(notebook) for o in c["outputs"] if "image/png" in o.get("data", {})]
    told = [len(o["metadata"].get("image/png", {}).get("alt", "")) > 20 for o in outputs]
    assert all(told)


def test_has_outputs_and_no_error(notebook):
    outputs = [o for c in code_cells(notebook) for o in c["outputs"]]
    assert outputs, "stripped outputs would leave nbval nothing to compare"
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"]


def test_hides_at_most_three_cells_from_comparison(notebook):
    tags = [t for c in code_cells(notebook) for t in c["metadata"].get("tags", [])]
    assert sum(t in SKIPPING for t in tags) <= 3
    assert not re.search(r"#\s*NBVAL", notebook.read_text(encoding="utf-8")), "marks are cell tags, not comments"


def test_keeps_no_widget_state_and_stays_small(notebook):
    raw = notebook.read_text(encoding="utf-8")
    assert "widgets" not in json.loads(raw)["metadata"]
    assert "widget-view" not in raw
    assert len(raw.encode()) < 300_000


def test_cells_are_short_and_define_little(notebook):
    for cell in code_cells(notebook):
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= 25, source
        for node in ast.walk(ast.parse(source)):
            assert not isinstance(node, ast.ClassDef), source
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 5, source


def test_lines_of_code_fit_on_a_page(notebook):
    lines = [line for c in code_cells(notebook) for line in "".join(c["source"]).splitlines()]
    assert [line for line in lines if len(line) > COLUMNS] == []


def test_ruff_keeps_notebooks_to_the_same_columns():
    settings = tomllib.loads((ROOT / "notebooks" / "ruff.toml").read_text(encoding="utf-8"))
    assert settings["line-length"] == COLUMNS


def exercises(path):
    """Return the text of each exercise of a chapter."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    asked = text.partition("## Exercises")[2].partition("\nSolutions: ")[0]
    return re.split(r"^\d\. ", asked, flags=re.MULTILINE)[1:]


def test_one_exercise_of_each_chapter_is_a_larger_one_with_a_folded_hint():
    larger = {p.stem: [e for e in exercises(p) if e.startswith("A larger one: ")] for p in CHAPTERS}
    hint = "<details><summary>Hint</summary>"
    assert [name for name, found in larger.items() if not any(hint in e for e in found)] == []


def test_a_chapter_has_at_most_thirty_code_cells():
    assert {p.stem: n for p in CHAPTERS if (n := len(code_cells(p))) > 30} == {}


def test_chapters_can_be_run_on_other_data():
    for path in CHAPTERS:
        tagged = [c for c in code_cells(path) if "parameters" in c["metadata"].get("tags", [])]
        assert len(tagged) == 1
        assert all(name in "".join(tagged[0]["source"]) for name in ("DATASET", "WORKSPACE", "MODEL"))


def test_every_sanitizing_pair_is_seen_by_nbval():
    # nbval reads a pair only as "regex: x" directly followed by "replace: y" at column 0, and drops all else silently.
    text = (ROOT / "nbval.ini").read_text(encoding="utf-8")
    parsed = re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)
    assert len(parsed) == text.count("regex") == text.count("replace") == 1


@pytest.mark.parametrize(
    ("line", "compared"),
    [
        ("nDCG@10 ≈0.894", "nDCG@10 ≈NUM"),
        ("difference ≈-0.03 to ≈+0.12", "difference ≈NUM to ≈NUM"),
        ("≈4,316 pairs, ≈9 MB", "≈NUM pairs, ≈NUM MB"),
        ("bm25 nDCG@10 0.6802 of 1,211", "bm25 nDCG@10 0.6802 of 1,211"),
    ],
)
def test_only_marked_numbers_escape_comparison(line, compared):
    text = (ROOT / "nbval.ini").read_text(encoding="utf-8")
    for pattern, replacement in re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE):
        line = re.sub(pattern, replacement, line)
    assert line == compared


def test_approximate_marks_signed_figures_and_leaves_thresholds():
    reason = "nDCG@10 gains +0.194 (-0.005 to ≈+0.21), 0.02 wanted, p < 0.001, aws-2.5"
    assert approximate(reason) == "nDCG@10 gains ≈+0.194 (≈-0.005 to ≈+0.21), 0.02 wanted, p < 0.001, aws-2.5"


def test_prose_states_no_number_that_nothing_backs(notebook):
    # two decimals and more, thousands set apart, shares: a claim of another kind ("twice as long") the author must check
    assert unsupported(notebook) == [], "print the number in a cell, or name the record it stands in"


def a_notebook(path, *cells):
    kinds = [{"cell_type": kind, "source": [source], "outputs": [{"text": [output]}]} for kind, source, output in cells]
    path.write_text(json.dumps({"cells": kinds}), encoding="utf-8")
    return path


def test_a_sentence_that_says_another_number_than_its_cell_is_found(tmp_path):
    cell = ("code", "print(score, rows)", "≈0.8249 of 1,836")
    sentence = "nDCG@10 is 0.82 (not 0.91) for 1,836 queries, not for 2,248; a step of `0.55` is a setting."
    path = a_notebook(tmp_path / "n.ipynb", cell, ("markdown", sentence, ""))
    assert unsupported(path) == [(1, "0.91"), (1, "2,248")]


def test_a_number_must_be_printed_near_its_sentence_and_a_recap_may_look_back(tmp_path):
    far = [("code", "print(0.82)", "0.82"), *[("markdown", "more", "")] * 5]
    assert unsupported(a_notebook(tmp_path / "far.ipynb", *far, ("markdown", "It was 0.82.", ""))) == [(6, "0.82")]
    assert unsupported(a_notebook(tmp_path / "recap.ipynb", *far, ("markdown", "## Recap\nIt was 0.82.", ""))) == []


def test_the_colour_of_an_output_backs_no_number(tmp_path):
    html = {"text/html": "<style>.k { line-height: 125% }</style><td width='0.82'>0.91</td>", "text/latex": "0.77"}
    cells = [
        {"cell_type": "code", "source": "", "outputs": [{"data": html}]},
        {"cell_type": "markdown", "source": "It was 0.91, not 0.82, nor 0.77, nor 125 %."},
    ]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert unsupported(path) == [(1, "0.82"), (1, "0.77"), (1, "125 %")]


def test_a_number_may_stand_in_the_record_that_the_cell_names(tmp_path):
    named = ("markdown", "The lowest was 0.8786, and not 0.8986 (`confirm_h100.json`).", "")
    assert unsupported(a_notebook(tmp_path / "n.ipynb", named)) == [(0, "0.8986")]


def test_what_states_a_result():
    text = "With 4,237 queries nDCG@10 rises from 0.70 to `0.95`, by 0.2 or 28 %; see arXiv:2407.15831."
    assert claims(text) == ["4,237", "0.70", "28 %"]
    assert backed("28 %", [0.284]) and backed("28 %", [28.0]) and not backed("28 %", [0.34])
    assert backed("0.70", [0.6954]) and not backed("0.70", [0.713])
    assert backed("1,836", [1836.0]) and not backed("1,836", [1835.0])
