import re
from dataclasses import dataclass
from html import unescape

import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbconvert.filters import markdown2html

from tutorial_lib.notebook import approximate, bullets, highlighted, settings_table, show, show_source, table


def test_show_gives_a_png():
    assert show(Figure()).data.startswith(b"\x89PNG")


def test_show_source_is_the_code_itself():
    source = show_source(approximate).data
    assert source.startswith("```python\ndef approximate(text: str) -> str:")
    assert source.endswith("text)\n```")


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
    told = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", page)]
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
    assert re.findall(r"<tr>\s*<th>(.+?)</th>\s*<td>", page) == row_names


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
