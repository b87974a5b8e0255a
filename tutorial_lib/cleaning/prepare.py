"""Every source is finished in one way: cleaned, split, leaks out, what was done told."""

from __future__ import annotations

from dataclasses import replace

from tutorial_lib.cleaning.report import CleaningReport, clean
from tutorial_lib.cleaning.steps import near_duplicate_documents, remove_leaks
from tutorial_lib.cleaning.tickets import TICKET_STEPS
from tutorial_lib.data.dataset import SPLITS, DataError, RetrievalDataset
from tutorial_lib.data.splits import check_leakage, complete_splits, mark_seen


def prepare(dataset: RetrievalDataset, *, seed: int = 0) -> RetrievalDataset:
    """Make a dataset that came with judgments ready for the course: splits completed, leaks out, near-duplicates known.

    Everything that was done stands as a sentence in ``card["notes"]``.

    Raises:
        DataError: There is no training split, or too little to draw the missing ones from.
    """
    completed, notes = complete_splits(dataset, seed)
    leaks = remove_leaks(completed)
    if len(leaks.rows):
        taken = leaks.rows["id"].nunique()
        notes.append(f"{taken} queries were taken out of training because a held-out query asks the same")
    empty = [s for s in SPLITS if not leaks.dataset.qrels[s]]
    if empty:
        raise DataError(
            f"{dataset.name}: no query is left in {empty[0]} once copies of held-out queries are taken out: pass "
            f"qrels/{empty[0]}.tsv with queries of its own"
        )
    result = mark_seen(near_duplicate_documents(leaks.dataset).dataset)
    check_leakage(result)
    return replace(result, card={**result.card, "notes": [*dataset.card.get("notes", []), *notes]})


def collect(raw: RetrievalDataset) -> CleaningReport:
    """Clean a dataset read from logs with ``TICKET_STEPS``; ``dataset_of`` makes the result ready for the course."""
    return clean(raw, TICKET_STEPS)


def dataset_of(report: CleaningReport) -> RetrievalDataset:
    """Return the cleaned dataset with what was done as sentences in ``card["notes"]``, and seen articles marked.

    Raises:
        DataError: Cleaning left a split without queries.
        LeakageError: A copy of a held-out query is still in training.
    """
    dataset = mark_seen(report.dataset)
    empty = [s for s in SPLITS if not dataset.qrels[s]]
    if empty:
        raise DataError(
            f"{dataset.name}: no query is left in {empty[0]} after cleaning: pass a longer log, or read the "
            "report's rows for what was taken out"
        )
    check_leakage(dataset)
    notes = [f"{s.name}: {len(s.rows):,} touched ({s.rule})" for s in report.steps if len(s.rows)]
    return replace(dataset, card={**dataset.card, "notes": [*dataset.card.get("notes", []), *notes]})
