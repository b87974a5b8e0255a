"""Which numbers in a notebook's prose are backed by what it prints, by its code, or by the record that the cell names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
NEARBY = 4
"""Cells on either side whose outputs and code can back a sentence; a recap sums up the whole notebook."""

_CLAIM = re.compile(
    r"(?<![\w.,:/])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)? %|\d+\.\d{2,}(?![\w.]*\d))",
)
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e-?\d+)?")
_NO_CLAIM = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|https?://\S+|arXiv:\S+|\b95 %", flags=re.DOTALL)
"""Code is a setting, not a claim; nor is an address, nor the level of an interval."""
_NOT_SHOWN = re.compile(r"<style>.*?</style>|<[^<>]*>", flags=re.DOTALL)
"""What HTML says of colours and widths backs no claim."""


def claims(text: str) -> list[str]:
    """Return the numbers in prose that state a result: two decimals or more, thousands set apart, a share.

    >>> claims("With 4,237 queries nDCG@10 rises from 0.70 to `0.95`, by 0.2 or 28 %; see arXiv:2407.15831.")
    ['4,237', '0.70', '28 %']
    """
    return _CLAIM.findall(_NO_CLAIM.sub(" ", text))


def unsupported(path: Path) -> list[tuple[int, str]]:
    """Return (cell, number) of each claim that nothing backs.

    A claim is backed by a number in the code or the outputs of the cells nearby that is it, rounded, and by the record in
    benchmarks/results that its cell names.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    wrong, recap = [], len(cells)
    for n, cell in enumerate(cells):
        text = "".join(cell["source"])
        if cell["cell_type"] != "markdown":
            continue
        recap = min(recap, n) if "## Recap" in text else recap
        near = cells if n >= recap else cells[max(0, n - NEARBY) : n + NEARBY + 1]
        known = [x for c in near for x in _printed(c)] + list(_recorded(text))
        wrong += [(n, claim) for claim in claims(text) if not backed(claim, known)]
    return wrong


def backed(claim: str, known: list[float]) -> bool:
    """Return whether a known number is ``claim`` when rounded as it is; a printed one may have been rounded before.

    A share may be known as one of 100 or of 1.

    >>> backed("0.70", [0.6954]), backed("0.70", [0.713]), backed("1,836", [1836.0]), backed("1,836", [1835.0])
    (True, False, True, False)
    >>> backed("28 %", [0.284]), backed("28 %", [28.0]), backed("28 %", [0.34])
    (True, True, False)
    """
    number, share = claim.replace(",", "").removesuffix(" %"), claim.endswith("%")
    decimals = len(number.partition(".")[2])
    slack = 0.6 * 10**-decimals if decimals or share else 0.0
    return any(abs(abs(x) - float(number)) <= slack for x in [*known, *(100 * x for x in known if share)])


def _printed(cell: dict[str, Any]) -> list[float]:
    """Return the numbers in a code cell and its outputs."""
    if cell["cell_type"] != "code":
        return []
    texts = ["".join(cell["source"])]
    for output in cell["outputs"]:
        bundle = {**output.get("data", {}), "text": output.get("text", "")}
        texts += [
            _NOT_SHOWN.sub(" ", "".join(v)) for kind, v in bundle.items() if kind.startswith("text") and kind != "text/latex"
        ]
    return [float(x.replace(",", "")) for t in texts for x in _NUMBER.findall(t)]


def _recorded(text: str) -> Iterator[float]:
    """Yield the numbers of each record that a cell names."""
    for name in re.findall(r"([\w-]+\.json)", text):
        if (RECORDS / name).exists():
            yield from _numbers(json.loads((RECORDS / name).read_text(encoding="utf-8")))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _numbers(part)
    elif isinstance(value, int | float):
        yield float(value)
