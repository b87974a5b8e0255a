"""What the report of a run says, section by section; ``report`` works it out and writes it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

import pandas as pd
from matplotlib.figure import Figure

from tutorial_lib import plots
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE, TWINS, UNJUDGED, rank_of_answer
from tutorial_lib.evaluation.reranked import find_system
from tutorial_lib.evaluation.ship import ShipDecision
from tutorial_lib.evaluation.significance import Comparison
from tutorial_lib.evaluation.slices import side_by_side
from tutorial_lib.notebook import in_words
from tutorial_lib.retrieval.hosted import HOSTED
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, KEYWORD, KEYWORD_AND_TUNED
from tutorial_lib.retrieval.untrained import Untrained

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

Section: TypeAlias = tuple[str, str, str]
"""Title, text, and what stands below it as HTML."""


@dataclass(frozen=True)
class Report:
    """Everything the report says, as objects.

    Attributes:
        dataset: The dataset whose test queries were asked.
        runs: System -> its run of them.
        systems: One row a system, one column a measure.
        against_base: Tuned against base.
        against_bm25: Tuned against BM25.
        against_untrained: Tuned against the best that can be had without training.
        untrained: What that is.
        against_hosted: Tuned against a hosted model, where the run has one.
        slices: Table of slices, tuned against base.
        decision: Whether to ship.
        metrics: What metrics.json holds.
        candidate: Name of the system whose shipping is decided, which "tuned" above stands for.
    """

    dataset: RetrievalDataset
    runs: dict[str, Run]
    systems: pd.DataFrame
    against_base: Comparison
    against_bm25: Comparison
    against_untrained: Comparison
    untrained: Untrained
    against_hosted: Comparison | None
    slices: pd.DataFrame
    decision: ShipDecision
    metrics: dict[str, Any]
    candidate: str = CANDIDATE


def sections(report: Report) -> list[Section]:
    """Return the sections of the page, in their order."""
    against = f"{report.candidate} against base, and below it against {report.against_untrained.baseline}"
    return [
        _systems(report),
        _ranks(report),
        (
            "Is the gain real?",
            f"{against}, the best without training: mean difference, 95 % bootstrap interval, p of the paired randomisation "
            "test; queries that share an article are resampled together.",
            _table(report.against_base.table()) + _table(report.against_untrained.table()),
        ),
        *_hosted(report),
        _outcome(report.against_base),
        (
            "Slices",
            f"Difference in {MAIN_MEASURE} by kind of query.",
            _image(plots.slices(report.slices)) + _table(report.slices),
        ),
        _losses(report),
    ]


def _systems(report: Report) -> Section:
    table = report.systems
    *others, last = [find_system(str(name)).title for name in table.index]
    share = (
        f"{report.metrics[KEYWORD_AND_TUNED]['share']:.0%} of the score of {KEYWORD_AND_TUNED} is the model's, as dev chose."
    )
    best = f"The best without training is {report.untrained.sentence}."
    text = f"{', '.join(others)}, and {last}. {best} {share} {_columns(table)}"
    return f"The {NUMBERS[len(table)]} systems", text[0].upper() + text[1:], _table(table) + _image(plots.systems(table))


def _columns(table: pd.DataFrame) -> str:
    """Return what the columns say that are no plain measures."""
    twins = f"{TWINS}: a near-duplicate of a right document is right too, once for each group. " if TWINS in table else ""
    return f"{twins}{UNJUDGED}: share of the first ten that nobody has judged, and that count as wrong."


def _ranks(report: Report) -> Section:
    qrels = report.dataset.qrels["test"]
    ranks = {name: rank_of_answer(qrels, report.runs[name]) for name in (KEYWORD, BASELINE, report.candidate)}
    shift = plots.rank_shift(ranks[BASELINE], ranks[report.candidate], (BASELINE, report.candidate))
    return "Where the answer stands", "Rank of the best-placed answer.", _image(plots.answer_ranks(ranks)) + _image(shift)


def _hosted(report: Report) -> list[Section]:
    if report.against_hosted is None:
        return []
    return [("Tune or buy?", report.metrics[HOSTED]["sentence"], _table(report.against_hosted.table()))]


def _outcome(comparison: Comparison) -> Section:
    outcome = comparison.outcome()
    text = f"{outcome['won']} queries got better, {outcome['lost']} worse, {outcome['tied']} stayed."
    return "Won and lost", text, _image(plots.deltas(comparison.deltas()))


def _losses(report: Report) -> Section:
    comparison = report.against_base
    worst = comparison.deltas().sort_values(kind="stable").index[: min(10, comparison.outcome()["lost"])]
    runs = {name: report.runs[name] for name in (BASELINE, report.candidate)}
    return "The worst losses", "Read these before you ship.", _table(side_by_side(report.dataset, runs, list(worst)))


def _table(frame: pd.DataFrame) -> str:
    return str(frame.to_html(border=0, float_format=lambda v: f"{v:.3f}", escape=True, max_rows=200))


def _image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    drawn = base64.b64encode(buffer.getvalue()).decode()
    return f'<p><img alt="{escape(in_words(figure))}" src="data:image/png;base64,{drawn}"></p>'
