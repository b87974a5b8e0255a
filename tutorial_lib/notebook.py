"""What only the notebooks need: figures that look the same everywhere, source shown as it is, tables told apart."""

from __future__ import annotations

import html
import inspect
import io
import itertools
import numbers
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import docstring_parser
import pandas as pd
import PIL.Image
from IPython.display import HTML, Code, Image, Markdown
from matplotlib.figure import Figure

DOTS, PIXELS = 144, 96
"""Dots an inch that a figure is drawn with, and pixels an inch that a page gives it: sharp on a screen of fine dots."""

_NUMBER = re.compile(r"(?:[≈<>]|&[lg]t;)?\s*[-+]?\d[\d,]*(\.\d+)?( ?%)?")
_ROW = re.compile(r"<tr.*?</tr>", flags=re.DOTALL)
_CELL = re.compile(r"<(t[dh])>(.*?)</t[dh]>", flags=re.DOTALL)


def show_source(item: Callable[..., Any] | type) -> Code:
    """Return the source of a function or class, coloured: what is taught is what runs.

    Raises:
        TypeError: ``item`` is no function or class of Python.
    """
    return Code(inspect.getsource(item).rstrip(), language="python")


def show(figure: Figure, words: str | None = None) -> Image:
    """Return a figure as a PNG image of 64 colours: a third of the bytes, so that notebooks stay small.

    Args:
        figure: What to show.
        words: What somebody hears who does not see it; as a rule its label, which ``plots`` sets, and what is written in it.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS)
    PIL.Image.open(drawn).convert("RGB").quantize(64).save(small, format="png", optimize=True)
    width = round(figure.get_size_inches()[0] * PIXELS)
    return Image(small.getvalue(), width=width, alt=words or in_words(figure))


def in_words(figure: Figure) -> str:
    """Return the label of a figure and what is written at its axes.

    >>> figure = Figure(label="A bar a model.")
    >>> _ = figure.subplots().set(title="dev", ylabel="nDCG@10")
    >>> in_words(figure)
    'A bar a model. Panel "dev": nDCG@10 upwards.'
    """
    parts = [str(figure.get_label())] if figure.get_label() else []
    for axis in figure.axes:
        ways = ((axis.get_xlabel(), "across"), (axis.get_ylabel(), "upwards"))
        written = [f"{label} {way}" for label, way in ways if label]
        if legend := axis.get_legend():
            written.append("legend: " + ", ".join(text.get_text() for text in legend.get_texts()))
        if written:
            title = f'Panel "{axis.get_title()}"' if axis.get_title() else "Panel"
            parts.append(f"{title}: {'; '.join(written)}.")
    return " ".join(parts)


def table(frame: pd.DataFrame, *, approximate: bool = False, digits: int | Mapping[str, int] = 3) -> HTML:
    """Return a table with row names but no row numbers; words stand left, numbers right, with commas at thousands.

    In a column named "p" what is below 0.001 reads "< 0.001": no such value is nought.

    Args:
        frame: What to show.
        approximate: Floats read "≈0.894": they hang on a model and may differ a little.
        digits: Decimals of floats, for all columns or by column (3 where none are given).
    """
    mark = "≈" if approximate else ""
    text = frame.astype(object)
    for place, column in enumerate(frame.columns):
        decimals = digits if isinstance(digits, int) else digits.get(str(column), 3)
        written = _p_value if column == "p" else _cell
        text.isetitem(place, [written(value, decimals, mark) for value in frame.iloc[:, place]])
    if text.index.name and text.columns.names == [None]:
        text = text.rename_axis(index=None, columns=str(text.index.name))  # one row of heads, not two
    with pd.option_context("display.max_colwidth", None):
        return HTML(words_to_the_left(text.to_html(index=not pd.api.types.is_integer_dtype(frame.index))))


def _cell(value: Any, digits: int, mark: str) -> str:
    if isinstance(value, float):
        return f"{mark}{value:,.{digits}f}"
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return f"{value:,}" if whole else str(value)


def _p_value(value: Any, digits: int, mark: str) -> str:
    return "< 0.001" if isinstance(value, float) and value < 0.001 else _cell(value, digits, mark)


def words_to_the_left(page: str) -> str:
    """Return the HTML of a table with each column left-aligned that does not hold mostly numbers, row names too.

    >>> words_to_the_left("<tr><th>step</th></tr><tr><td>leaks</td></tr>")
    '<tr><th style="text-align: left">step</th></tr><tr><td style="text-align: left">leaks</td></tr>'
    """
    rows = [_CELL.findall(row) for row in _ROW.findall(page)]
    body = [row for row in rows if any(kind == "td" for kind, _ in row)]
    columns = list(zip(*body, strict=True)) if len({len(row) for row in body}) == 1 else []
    left = {n for n, column in enumerate(columns) if not _numbers(column)}

    def aligned(row: re.Match[str]) -> str:
        if len(_CELL.findall(row[0])) != len(columns):
            return row[0]
        places = itertools.count()
        return _CELL.sub(
            lambda c: f'<{c[1]} style="text-align: left">{c[2]}</{c[1]}>' if next(places) in left else c[0], row[0]
        )

    return _ROW.sub(aligned, page)


def _numbers(column: Sequence[tuple[str, str]]) -> bool:
    """Return whether most of the filled cells of a column, (kind, text) each, are numbers, and none is a row's name."""
    filled = [text for _, text in column if text]
    return all(kind == "td" for kind, _ in column) and 2 * sum(bool(_NUMBER.fullmatch(t)) for t in filled) > len(filled)


def settings_table(*settings: Any) -> HTML:
    """Return the fields of settings (dataclasses whose docstring says what each does): name, value, what it does."""
    rows = []
    for those in settings:
        told = {p.arg_name: p.description for p in docstring_parser.parse(type(those).__doc__ or "").params}
        rows += [(f.name, repr(getattr(those, f.name)), " ".join((told.get(f.name) or "").split())) for f in fields(those)]
    return table(pd.DataFrame(rows, columns=["name", "value", "what it does"]))


def highlighted(text: str, marks: Iterable[tuple[int, int, float]]) -> HTML:
    """Return ``text`` with passages of it marked, the stronger the darker; where two overlap, the stronger is shown.

    Args:
        text: Any text; signs that HTML would run are shown as they are.
        marks: First letter, the one behind the last, and a strength of 0 to 1.

    >>> highlighted("a < b", [(4, 5, 0.5)]).data
    '<div style="white-space:pre-line">a &lt; <mark style="background:rgba(84,162,75,0.50)">b</mark></div>'
    """
    shown: list[tuple[int, int, float]] = []
    for start, end, strength in sorted(marks, key=lambda mark: -mark[2]):
        if all(end <= first or last <= start for first, last, _ in shown):
            shown.append((start, end, strength))
    parts, at = [], 0
    for start, end, strength in sorted(shown):
        colour = f"rgba(84,162,75,{min(max(strength, 0.0), 1.0):.2f})"
        parts += [html.escape(text[at:start]), f'<mark style="background:{colour}">{html.escape(text[start:end])}</mark>']
        at = end
    shown_text = "".join([*parts, html.escape(text[at:])])
    return HTML(f'<div style="white-space:pre-line">{shown_text}</div>')


def bullets(lines: Iterable[str]) -> Markdown:
    r"""Return ``lines`` as a list. Marks in them are shown, and never run: a line may name what stands in the data.

    >>> print(bullets(["slice *s3*", "95 % of it"]).data)
    - slice \*s3\*
    - 95 % of it
    """
    return Markdown("\n".join("- " + re.sub(r"([\\`*_{}\[\]<>#|~$&])", r"\\\1", " ".join(line.split())) for line in lines))


def facts(**values: object) -> None:
    """Print one line of named values, as they are given; names with underscores are shown with spaces.

    >>> facts(won="≈110", lost="≈24", queries_tied=166)
    won ≈110 · lost ≈24 · queries tied 166
    """
    sys.stdout.write(" · ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items()) + "\n")


def approximate(text: str) -> str:
    """Return ``text`` with "≈" before every signed decimal; thresholds without a sign stay.

    >>> approximate("gains +0.194 over base, 0.02 wanted")
    'gains ≈+0.194 over base, 0.02 wanted'
    """
    return re.sub(r"(?<![\w≈])[-+]\d+\.\d+", r"≈\g<0>", text)
