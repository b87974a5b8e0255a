"""Every source is finished in one way: cleaned, divided, leaks out, what was done told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tutorial_lib.cleaning.report import CleaningReport, CleaningStep, Step, clean
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.steps import DOCUMENTATION_STEPS, near_duplicate_documents, remove_leaks
from tutorial_lib.cleaning.tickets import TICKET_STEPS
from tutorial_lib.data.dataset import SPLITS, DataError, RetrievalDataset
from tutorial_lib.data.registry import Kind
from tutorial_lib.data.splits import (
    SplitSettings,
    check_leakage,
    complete_splits,
    mark_seen,
    query_copies,
    split_at_random,
)
from tutorial_lib.retrieval.coverage import keyword_coverage
from tutorial_lib.text import NearDuplicates


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
        emptied: What to say, and to do, where a split is left without queries; "{}" is the split.
    """

    before: tuple[Step, ...]
    divide: Callable[[RetrievalDataset, int, NearDuplicates], RetrievalDataset]
    after: tuple[Step, ...]
    tell: Callable[[Sequence[CleaningStep]], list[str]]
    emptied: str


def _as_read(dataset: RetrievalDataset, seed: int, copies: NearDuplicates) -> RetrievalDataset:
    """Return the dataset as it is: logs are divided by time on reading."""
    return dataset


def _every_step(steps: Sequence[CleaningStep]) -> list[str]:
    return [f"{s.name}: {len(s.rows):,} touched ({s.rule})" for s in steps if len(s.rows)]


def _leaks_alone(steps: Sequence[CleaningStep]) -> list[str]:
    taken = next(s.rows["id"].nunique() for s in steps if s.name == "leaks")
    return [f"{taken} queries were taken out of training because a held-out query asks the same"] if taken else []


_CLEANED = "after cleaning: pass a longer log, or read the report's rows for what was taken out"
_FINISH = {
    Kind.DOCUMENTATION: _Finish(DOCUMENTATION_STEPS, split_at_random, (), _leaks_alone, _CLEANED),
    Kind.TICKETS: _Finish(
        tuple(step for step in TICKET_STEPS if step is not remove_leaks), _as_read, (), _every_step, _CLEANED
    ),
    Kind.JUDGED: _Finish(
        (),
        complete_splits,
        (near_duplicate_documents,),
        _leaks_alone,
        "once copies of held-out queries are taken out: pass qrels/{}.tsv with queries of its own",
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
    cleaned = clean(raw, finish.before, settings)
    copies = query_copies(cleaned.dataset)
    divided = finish.divide(cleaned.dataset, (split or SplitSettings()).split_seed, copies)

    leaks = remove_leaks(divided, settings, copies)
    last = clean(leaks.dataset, finish.after, settings)
    dataset = mark_seen(last.dataset)
    _refuse_empty(dataset, finish.emptied)
    check_leakage(dataset, copies)
    steps = [*cleaned.steps, leaks, *last.steps]
    report = CleaningReport(steps, raw if finish.before else divided, (*finish.before, remove_leaks, *finish.after), settings)
    unfound = keyword_coverage(dataset)
    return Prepared(replace(dataset, notes=(*dataset.notes, *finish.tell(steps), *([unfound] if unfound else []))), report)


def _refuse_empty(dataset: RetrievalDataset, advice: str) -> None:
    empty = [s for s in SPLITS if not dataset.qrels[s]]
    if empty:
        raise DataError(f"{dataset.name}: no query is left in {empty[0]} {advice.format(empty[0])}")
