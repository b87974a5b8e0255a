"""What the steps did, as sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tutorial_lib.cleaning.privacy import find_personal_data, hide_numbers, redact
from tutorial_lib.cleaning.report import CleaningStep, plural
from tutorial_lib.cleaning.ticket_texts import ticket_texts
from tutorial_lib.data.dataset import SPLITS, DataError, RetrievalDataset

WARNING = "warning: "
"""How a note begins that somebody should look at."""

_MANY = 1 / 3
"""Share of the rows from which a step has touched so many that it may have misunderstood them."""


def every_step(steps: Sequence[CleaningStep]) -> list[str]:
    """Return what each step touched, and what it could not do."""
    touched = [(f"{s.name}: {len(s.rows):,} touched ({s.rule})" if len(s.rows) else "", s) for s in steps]
    return [note for told, s in touched for note in (told, f"{s.name}: {s.note}" if s.note else "") if note]


def leaks_alone(steps: Sequence[CleaningStep]) -> list[str]:
    """Return how many queries were taken out of each split because a query held out from it looks alike."""
    rows = next(s.rows for s in steps if s.name == "leaks")
    taken = {split: sum(rows["reason"].str.startswith(f"taken out of {split}:")) for split in SPLITS}
    parts = [f"{n} {plural('query', n)} out of {split}" for split, n in taken.items() if n]
    return [f"taken out because a held-out query looks alike: {', '.join(parts)}"] if parts else []


def warnings(steps: Sequence[CleaningStep], before: Sequence[RetrievalDataset], after: RetrievalDataset) -> list[str]:
    """Return a warning, with three examples, for each step that touched more than a third of what it looked at.

    Args:
        steps: What the steps did.
        before: The dataset before each.
        after: The dataset after the last: examples are quoted as they stand there.
    """
    notes = []
    for step, dataset in zip(steps, before, strict=True):
        touched, total = _counts(step, dataset)
        if touched >= 3 and touched > _MANY * total:
            rows = step.rows[step.rows["id"] != ""].drop_duplicates("id").head(3)
            shown = "; ".join(_example(str(i), str(t), str(r), after) for i, t, r in rows.itertuples(index=False, name=None))
            unit = "article" if step.unit == "row" else step.unit
            example = f", e.g. {shown}" if shown else ""
            notes.append(f"{WARNING}{step.name!r} touched {touched:,} of {total:,} {plural(unit, total)}{example}")
    return notes


def _counts(step: CleaningStep, before: RetrievalDataset) -> tuple[int, int]:
    """Return how many things a step touched, and how many there were."""
    if step.unit == "row":  # its rows are sentences
        return sum(step.dataset.corpus.get(a) != v for a, v in before.corpus.items()), len(before.corpus)
    judged = set().union(*before.qrels.values())
    total = {
        "article": len(before.corpus),
        "ticket": len(judged & ticket_texts(before).keys()),
        "query": len(judged),
    }
    return step.rows["id"].nunique(), total[step.unit]


def _example(id_: str, text: str, reason: str, after: RetrievalDataset) -> str:
    query = after.queries.get(id_)
    words = " ".join((query.text if query else text).split())
    return f"{id_} ({words[:50]}{'…' if len(words) > 50 else ''}): {reason}"


def emptied(
    dataset: RetrievalDataset, steps: Sequence[CleaningStep], before: Sequence[RetrievalDataset], advice: str
) -> DataError | None:
    """Return the error of a split that was left without queries, naming the steps that took them; None if none was.

    Args:
        dataset: The dataset after the last step.
        steps: What the steps did.
        before: The dataset before each.
        advice: What to do; "{}" is the split.
    """
    split = next((s for s in SPLITS if not dataset.qrels[s]), None)
    if split is None:
        return None
    took = []
    for step, earlier in zip(steps, before, strict=True):
        gone = earlier.qrels.get(split, {}).keys() - step.dataset.qrels.get(split, {}).keys()
        if gone:
            reasons = dict(zip(step.rows["id"], step.rows["reason"], strict=True))
            first = min(gone)
            why = f" (e.g. {first}: {reasons[first]})" if first in reasons else ""
            took.append(f"{step.name!r} took {len(gone)} of {len(earlier.qrels[split])}{why}")
    told = "; ".join(took) or "it had none"
    return DataError(f"{dataset.name}: no query is left in {split}: {told}: {advice.format(split)}")


def hidden_cells(dataset: RetrievalDataset) -> RetrievalDataset:
    """Return the dataset of a log without personal data in its notes and its card, which quote cells that are no article id.

    Numbers that look like phones are hidden in these cells alone: notes hold many numbers of their own.
    """
    cells = dict(dataset.card.get("unknown_articles", {}))
    hidden = dict(zip(cells, hide_numbers(list(cells)), strict=True))
    notes = list(dataset.notes)
    for cell, safe in hidden.items():
        notes = [note.replace(cell, safe) for note in notes] if cell != safe else notes
    found = find_personal_data(notes, names=[False] * len(notes))
    notes = [redact(n, [f for f in findings if f.kind != "PHONE"]) for n, findings in zip(notes, found, strict=True)]
    if not cells:
        return replace(dataset, notes=tuple(notes))
    count: Counter[str] = Counter()
    for cell, n in cells.items():
        count[hidden[cell]] += n
    return replace(dataset, notes=tuple(notes), card={**dataset.card, "unknown_articles": dict(count.most_common())})
