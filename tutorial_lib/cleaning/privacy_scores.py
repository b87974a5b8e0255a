"""How much of the personal data that was planted in texts was found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tutorial_lib.cleaning.privacy import KINDS, PersonalData


def score_findings(
    found: Mapping[str, Sequence[PersonalData]], texts: Mapping[str, str], planted: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, dict[str, float]]:
    """Return, for each kind and in all, how much planted personal data was covered, and how many findings hit none.

    Args:
        found: Findings by text id.
        texts: The texts by id.
        planted: (kind, exact text) of what each text really holds.

    Returns:
        Kind -> planted, covered (by findings of any kind: a name taken for a phone is hidden all the same), recall,
        found, false_alarms (findings of that kind that touch nothing planted).
    """
    result = {k: dict.fromkeys(("planted", "covered", "found", "false_alarms"), 0.0) for k in [*KINDS.values(), "all"]}
    for id_, text in texts.items():
        places = [(kind, at, at + len(value)) for kind, value in planted.get(id_, ()) for at in _places(value, text)]
        hidden = _marked(text, ((f.start, f.end) for f in found.get(id_, ())))
        real = _marked(text, ((start, end) for _, start, end in places))
        for kind, start, end in places:
            covered = all(hidden[n] or not text[n].isalnum() for n in range(start, end))
            _add(result, kind, planted=1, covered=covered)
        for f in found.get(id_, ()):
            _add(result, f.kind, found=1, false_alarms=not any(real[f.start : f.end]))
    for row in result.values():
        row["recall"] = row["covered"] / row["planted"] if row["planted"] else float("nan")
    return result


def _add(result: dict[str, dict[str, float]], kind: str, **counts: float) -> None:
    """Add ``counts`` to the rows of ``kind`` and of all kinds."""
    for key, (column, n) in itertools.product((kind, "all"), counts.items()):
        result[key][column] += n


def _places(value: str, text: str) -> Iterator[int]:
    """Yield where ``value`` begins in ``text``, one after the other without overlap."""
    at = text.find(value)
    while at >= 0:
        yield at
        at = text.find(value, at + len(value))


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> list[bool]:
    """Return for each character of ``text`` whether it lies in one of the spans [start, end)."""
    marked = [False] * len(text)
    for start, end in spans:
        marked[start:end] = [True] * (end - start)
    return marked
