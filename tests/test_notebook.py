import io
import re
from base64 import b64decode
from dataclasses import dataclass
from html import unescape

import nbformat
import pandas as pd
import PIL.Image
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from tutorial_lib.notebook import approximate, bullets, facts, highlighted, settings_table, show, show_source, table


def test_show_gives_a_png():
    assert show(Figure()).data.startswith(b"\x89PNG")


def shown(figure, **given):
    """What a notebook keeps of a figure: pixels of the image, and what is told beside it."""
    bundle, told = DisplayFormatter().format(show(figure, **given))
    return PIL.Image.open(io.BytesIO(b64decode(bundle["image/png"]))).size, told["image/png"]


def test_a_figure_has_more_dots_than_the_page_gives_it_and_is_told_in_words():
    figure = Figure(figsize=(5, 2), label="Scores by rank.")
    axis = figure.subplots()
    axis.plot([1, 2], label="base")
    axis.set(title="dev", xlabel="rank", ylabel="score")
    axis.legend()
    size, told = shown(figure)
    assert size == (720, 288) and told["width"] == 480
    assert told["alt"] == 'Scores by rank. Panel "dev": rank across; score upwards; legend: base.'
    assert shown(figure, words="two bars")[1]["alt"] == "two bars"


def test_words_reach_the_page_that_nbconvert_makes():
    bundle, told = DisplayFormatter().format(show(Figure(label="Scores by rank.")))
    output = nbformat.v4.new_output("display_data", bundle, metadata=told)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)  # its lab template knows no words yet
    assert 'alt="Scores by rank."' in page


def test_show_source_is_the_code_itself():
    source = show_source(approximate)
    assert source.data.startswith("def approximate(text: str) -> str:")
    assert source.data.endswith("text)")
    assert "<pre>" in source._repr_html_()


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, "0.894"),
        ({"approximate": True}, "≈0.894"),
        ({"approximate": True, "digits": 1}, "≈0.9"),
    ],
)
def test_a_table_marks_floats_only(options, shown):
    page = table(pd.DataFrame({"nDCG@10": [0.8941], "queries": [120]}), **options).data
    assert re.findall(r"<td>(.*?)</td>", page) == [shown, "120"]


@dataclass(frozen=True)
class Oven:
    """How to bake.

    Attributes:
        heat: Degrees, not
            more.
        name: Whose.
    """

    heat: int = 180
    name: str = "<b>"


def test_settings_are_told_with_what_their_docstring_says():
    page = settings_table(Oven()).data
    told = [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", page)]
    assert told == ["heat", "180", "Degrees, not more.", "name", "'<b>'", "Whose."]
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("index", "row_names"),
    [
        (["base", "tuned"], ["base", "tuned"]),
        (pd.Index(["base", "tuned"], dtype=object), ["base", "tuned"]),
        (None, []),
        ([3, 7], []),  # positions left over from a filter say nothing
    ],
)
def test_a_table_shows_row_names_but_no_row_numbers(index, row_names):
    page = table(pd.DataFrame({"queries": [120, 80]}, index=index)).data
    assert re.findall(r"<tr>\s*<th[^>]*>(.+?)</th>\s*<td>", page) == row_names


def test_words_stand_left_and_numbers_right_with_commas():
    frame = pd.DataFrame({"step": ["leaks", "copies"], "queries": [2249, 7], "share": ["12 %", ""]})
    page = table(frame).data
    cells = re.findall(r"<(?:th|td)( style=[^>]*)?>(.*?)</", page)
    assert [text for style, text in cells if "left" in style] == ["step", "leaks", "copies"]
    assert [text for style, text in cells if not style] == ["queries", "share", "2,249", "12 %", "7", ""]


def test_each_column_may_have_its_own_decimals():
    page = table(pd.DataFrame({"nDCG@10": [0.8941], "minutes": [1033.25], "ship": [True]}), digits={"minutes": 1}).data
    assert re.findall(r"<td[^>]*>(.*?)</td>", page) == ["0.894", "1,033.2", "True"]


def test_a_small_p_is_no_nought():
    page = table(pd.DataFrame({"p": [0.0002, 0.02], "low": [0.0002, 0.02]}), approximate=True).data
    cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", page)]  # no style: they stand on the right
    assert cells == ["< 0.001", "≈0.000", "≈0.020", "≈0.020"]


def test_the_name_of_the_rows_stands_among_the_heads():
    frame = pd.DataFrame({"nDCG@10": [0.9]}, index=pd.Index(["tuned"], name="system"))
    assert re.findall(r"<th[^>]*>(.*?)</th>", table(frame).data) == ["system", "nDCG@10", "tuned"]
    crossed = frame.rename_axis(columns="measure")  # both have names: two rows
    assert re.findall(r"<th[^>]*>(.*?)</th>", table(crossed).data) == ["measure", "nDCG@10", "system", "", "tuned"]


def test_a_table_with_heads_in_two_rows_is_aligned_too():
    columns = pd.MultiIndex.from_product([["first"], ["precision", "kind"]])
    page = table(pd.DataFrame([[0.96, "wrong"]], columns=columns, index=pd.Index(["2 %"], name="share"))).data
    assert '<td style="text-align: left">wrong</td>' in page and "<td>0.960</td>" in page


def test_facts_are_one_line_of_names_and_values(capsys):
    facts(won="≈110", not_won=24)
    assert capsys.readouterr().out == "won ≈110 · not won 24\n"


def test_what_hangs_on_a_model_is_marked_and_a_threshold_is_not():
    assert approximate("gains +0.194 over base, 0.02 wanted") == "gains ≈+0.194 over base, 0.02 wanted"
    assert approximate("≈-0.5, x-0.5") == "≈-0.5, x-0.5"  # marked already; part of a word


def test_what_stands_in_the_data_is_shown_in_a_list_and_never_run():
    line = "slices: family: <img src=x onerror=alert(1)> [a](javascript:b) *s3* (-0.100)"
    page = markdown2html(bullets([line, "two\nlines"]).data)
    assert "<img" not in page
    assert "<a" not in page
    shown = [unescape(item) for item in re.findall(r"<li>(.*?)</li>", page)]
    assert shown == [line, "two lines"]


def test_marks_that_overlap_are_one_and_what_stands_in_a_text_is_never_run():
    shown = highlighted("<b>refund</b> it", [(3, 9, 0.9), (5, 12, 0.4), (14, 16, 2.0)]).data
    assert shown.count("<mark") == 2
    assert '0.90)">refund</mark>&lt;/b&gt;' in shown
    assert '1.00)">it</mark>' in shown
    assert "<b>" not in shown
