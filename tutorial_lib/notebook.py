"""What only the notebooks need: figures that look the same everywhere, source shown as it is, tables told apart."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from typing import Any

import pandas as pd
from IPython.display import Image, Markdown
from matplotlib.figure import Figure


def show_source(item: Callable[..., Any] | type) -> Markdown:
    """Return the source of a function or class as a Markdown code block: what is taught is what runs."""
    return Markdown(f"```python\n{inspect.getsource(item).rstrip()}\n```")


def show(figure: Figure) -> Image:
    """Return a figure as a PNG image."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return Image(buffer.getvalue())


def approx(frame: pd.DataFrame, digits: int = 2) -> Any:
    """Return a table whose floats are printed as "≈0.89": they hang on a trained model and may differ a little."""
    return frame.style.format(lambda v: f"≈{v:.{digits}f}" if isinstance(v, float) else str(v)).set_uuid("t")
