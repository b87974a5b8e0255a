"""Every source is finished in one way: cleaned, divided, leaks out, what was done told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tutorial_lib.cleaning.notes import emptied, every_step, hidden_cells, leaks_alone, warnings
from tutorial_lib.cleaning.report import CleaningReport, CleaningStep, Step, clean
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.steps import DOCUMENTATION_STEPS, near_duplicate_documents, remove_leaks
from tutorial_lib.cleaning.tickets import TICKET_STEPS
from tutorial_lib.data.copies import query_copies
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.data.registry import Kind
from tutorial_lib.data.splits import (
    SplitSettings,
    check_leakage,
    complete_splits,
    mark_seen,
    split_at_random,
)
from tutorial_lib.near_duplicates import NearDuplicates
from tutorial_lib.retrieval.coverage import keyword_coverage


@dataclass(frozen=True)
class Prepared:
    """A dataset that is ready for the course, and what was done to make it so."""

    dataset: RetrievalDataset
    report: CleaningReport


@dataclass(frozen=True)
class _Finish:
    """What differs between kinds of sources.

    Attributes:
        before: Steps before queries are divided.
        divide: Divides them: (dataset, seed, near-copies) -> dataset.
        after: Steps once leaks are out.
        tell: Says what the steps did.
        advice: What to do where a split is left without queries; "{}" is the split.
    """

    before: tuple[Step, ...]
    divide: Callable[[RetrievalDataset, int, NearDuplicates], RetrievalDataset]
    after: tuple[Step, ...]
    tell: Callable[[Sequence[CleaningStep]], list[str]]
    advice: str


def _as_read(dataset: RetrievalDataset, seed: int, copies: NearDuplicates) -> RetrievalDataset:
    """Return the dataset as it is: logs are divided by time on reading."""
    return dataset


_LONGER = "pass a longer log"
_FINISH = {
    Kind.DOCUMENTATION: _Finish(DOCUMENTATION_STEPS, split_at_random, (), leaks_alone, _LONGER),
    Kind.TICKETS: _Finish(
        tuple(step for step in TICKET_STEPS if step is not remove_leaks), _as_read, (), every_step, _LONGER
    ),
    Kind.JUDGED: _Finish(
        (),
        complete_splits,
        (near_duplicate_documents,),
        leaks_alone,
        "pass qrels/{}.tsv with queries of its own",
    ),
}


def prepare(
    raw: RetrievalDataset, kind: Kind, settings: CleaningSettings = DEFAULTS, split: SplitSettings | None = None
) -> Prepared:
    """Make a dataset ready for the course: cleaned, divided, without leaks, near-duplicates known, seen answers marked.

    Args:
        raw: The dataset as it was read.
        kind: What its source holds (``Source.kind``): documentation is cleaned and divided at random; tickets are cleaned;
            of a collection with judgments only leaks are taken out, and missing splits drawn.
        settings: What can be set about the cleaning steps.
        split: Its ``split_seed`` is that of the draw.

    Returns:
        The dataset, with what was done as sentences in its notes, and the report of all steps, "leaks" among them.

    Raises:
        DataError: There is no training split, too little to draw the missing ones from, or a split is left empty.
        LeakageError: A copy of a held-out query is still in training.
    """
    finish = _FINISH[kind]
    raw = hidden_cells(raw) if kind is Kind.TICKETS else raw
    cleaned = clean(raw, finish.before, settings)
    copies = query_copies(cleaned.dataset)
    divided = finish.divide(cleaned.dataset, (split or SplitSettings()).split_seed, copies)

    leaks = remove_leaks(divided, settings, copies)
    last = clean(leaks.dataset, finish.after, settings)
    dataset = mark_seen(last.dataset)
    steps = [*cleaned.steps, leaks, *last.steps]
    before = [*_before(raw, cleaned.steps), divided, *_before(leaks.dataset, last.steps)]
    error = emptied(dataset, steps, before, finish.advice)
    if error:
        raise error
    check_leakage(dataset, copies)
    report = CleaningReport(steps, raw if finish.before else divided, (*finish.before, remove_leaks, *finish.after), settings)
    found = (*warnings(steps, before, dataset), *keyword_coverage(dataset), *dataset.own_documents_note())
    notes = (*dataset.notes, *finish.tell(steps), *found)
    return Prepared(replace(dataset, notes=notes), report)


def _before(start: RetrievalDataset, steps: Sequence[CleaningStep]) -> list[RetrievalDataset]:
    """Return the dataset before each of the steps, of which the first was given ``start``."""
    return [start, *(step.dataset for step in steps)][: len(steps)]
