"""May a new generation go live? Better on what is new, not worse on what was known, each by paired tests on three exams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.evaluation.ship import Check, ShipDecision, ship_decision
from tutorial_lib.evaluation.significance import Comparison, Difference, compare
from tutorial_lib.evaluation.slices import slice_table
from tutorial_lib.monitoring.gather import EXAMS, NEW, NEWEST, OLD
from tutorial_lib.monitoring.settings import GateSettings
from tutorial_lib.retrieval.runs import Run

LIVE, CANDIDATE, KEYWORD = "live", "candidate", "bm25"
"""The systems that are compared."""


@dataclass(frozen=True)
class Judged:
    """What the exams say of a candidate.

    Attributes:
        comparisons: Exam -> candidate against the live model.
        deciding: The exam that a gain is asked on.
        decision: Requirement by requirement.
    """

    comparisons: Mapping[str, Comparison]
    deciding: str
    decision: ShipDecision

    def figures(self) -> dict[str, dict[str, Any]]:
        """Return for each exam before, after, difference, low, high, p and queries, by nDCG@10."""
        return {exam: vars(comparison.main) for exam, comparison in self.comparisons.items()}


def exams_of(dataset: RetrievalDataset) -> dict[str, list[str]]:
    """Return the test queries of each of ``EXAMS`` that has any, in id order."""
    exam_of = {q: str(dataset.queries[q].metadata.get("exam", OLD)) for q in sorted(dataset.qrels["test"])}
    found = {exam: [q for q, its in exam_of.items() if its == exam] for exam in EXAMS}
    return {exam: ids for exam, ids in found.items() if ids}


def judge(dataset: RetrievalDataset, runs: Mapping[str, Run], settings: GateSettings | None = None) -> Judged:
    """Return whether the candidate may go live.

    The gates are those of ``ship_decision``, asked on the new exam, or on the newest weeks where that has too few queries; no
    exam may have become significantly worse; and the old one must have lost less than a bound, by its interval's lower end:
    that it is "not significantly worse" would be easiest to show with few queries.

    Args:
        dataset: Of the generation; its test queries are marked by exam (``gather``).
        runs: Runs of all test queries by ``LIVE``, ``CANDIDATE`` and ``KEYWORD``.
        settings: Bounds.

    Raises:
        ValueError: A run is missing.
    """
    settings, exams = settings or GateSettings(), exams_of(dataset)
    deciding = NEW if len(exams.get(NEW, ())) >= settings.fewest else NEWEST

    def compared(ids: list[str], baseline: str) -> Comparison:
        qrels = {q: dataset.qrels["test"][q] for q in ids}
        restricted = {name: {q: run[q] for q in ids if q in run} for name, run in runs.items()}
        return compare(qrels, restricted, baseline, CANDIDATE)

    comparisons = {exam: compared(ids, LIVE) for exam, ids in exams.items()}
    asked = {q: exam for exam, ids in exams.items() for q in ids}
    slices = slice_table(compared(sorted(asked), LIVE), pd.DataFrame({"exam": pd.Series(asked)}))
    shipping = ship_decision(comparisons[deciding], compared(exams[deciding], KEYWORD), slices, settings.ship)
    kept = [_old_check(comparisons[OLD].main, settings.max_old_loss)] if OLD in comparisons else []
    return Judged(comparisons, deciding, ShipDecision([*shipping.checks, *kept]))


def _old_check(change: Difference, most: float) -> Check:
    return Check(
        change.low > -most,
        f"on the old exam {MAIN_MEASURE} changes by {change.difference:+.3f} ({change.low:+.3f} to {change.high:+.3f}): "
        f"a loss of {most} or more is ruled out",
    )
