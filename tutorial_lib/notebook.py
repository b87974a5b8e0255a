"""What only the notebooks need: figures that look the same everywhere, source shown as it is, tables told apart."""

from __future__ import annotations

import html
import inspect
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import docstring_parser
import pandas as pd
import PIL.Image
from IPython.display import HTML, Image, Markdown
from matplotlib.figure import Figure


def show_source(item: Callable[..., Any] | type) -> Markdown:
    """Return the source of a function or class as a Markdown code block: what is taught is what runs.

    Raises:
        TypeError: ``item`` is no function or class of Python.
    """
    return Markdown(f"```python\n{inspect.getsource(item).rstrip()}\n```")


def show(figure: Figure) -> Image:
    """Return a figure as a PNG image of 64 colours: a third of the bytes, so that notebooks stay small."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80)
    PIL.Image.open(drawn).convert("RGB").quantize(64).save(small, format="png", optimize=True)
    return Image(small.getvalue())


def table(frame: pd.DataFrame, *, approximate: bool = False, digits: int = 3) -> HTML:
    """Return a table with row names but no row numbers.

    Args:
        frame: What to show.
        approximate: Floats read "≈0.894": they hang on a model and may differ a little.
        digits: Decimals of floats.
    """
    mark = "≈" if approximate else ""

    def cell(value: Any) -> str:
        return f"{mark}{value:.{digits}f}" if isinstance(value, float) else str(value)

    text = frame.map(cell)
    with pd.option_context("display.max_colwidth", None):
        return HTML(text.to_html(index=not pd.api.types.is_integer_dtype(frame.index)))


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


def approximate(text: str) -> str:
    """Return ``text`` with "≈" before every signed decimal; thresholds without a sign stay.

    >>> approximate("gains +0.194 over base, 0.02 wanted")
    'gains ≈+0.194 over base, 0.02 wanted'
    """
    return re.sub(r"(?<![\w≈])[-+]\d+\.\d+", r"≈\g<0>", text)
