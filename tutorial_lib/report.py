"""The report of a run: ``metrics.json`` for machines, one self-contained ``report.html`` for people."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
from jinja2 import Environment
from matplotlib.figure import Figure

from tutorial_lib import plots
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.measures import (
    MAIN_MEASURE,
    TWINS,
    UNJUDGED,
    per_query,
    rank_of_answer,
    systems_table,
)
from tutorial_lib.evaluation.reranked import find_system
from tutorial_lib.evaluation.ship import ShipDecision, ship_decision
from tutorial_lib.evaluation.significance import Comparison, compare
from tutorial_lib.evaluation.slices import query_slices, side_by_side, slice_table
from tutorial_lib.evaluation.tune_or_buy import tune_or_buy
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.hosted import HOSTED, hosted_record
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, KEYWORD, UNTRAINED
from tutorial_lib.retrieval.untrained import Untrained
from tutorial_lib.workspace import Workspace

TEMPLATE = "report.html.jinja"
"""Beside this file: what the page looks like."""

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


def evaluate_workspace(workspace: Workspace, also: Sequence[str] = ()) -> Report:
    """Return the evaluation of all systems on a workspace's test queries, ``also`` of those named among ``RERANKED``."""
    dataset, training = workspace.dataset(), workspace.training()
    runs = {**workspace.runs(), **{name: workspace.run_of(name, "test") for name in also}}
    qrels = dataset.qrels["test"]
    scores = {name: per_query(qrels, run) for name, run in runs.items()}
    systems = systems_table(qrels, runs, scores=scores, near_duplicates=dataset.near_duplicates)
    baselines = [name for name in (BASELINE, KEYWORD, UNTRAINED, HOSTED) if name in runs]
    against = {name: compare(qrels, runs, name, CANDIDATE, scores=scores) for name in baselines}
    slices = slice_table(against[BASELINE], query_slices(dataset))
    decision = ship_decision(against[BASELINE], against[KEYWORD], slices, against_untrained=against[UNTRAINED])
    untrained = workspace.untrained()
    significance = {f"{CANDIDATE}_vs_{name}": _differences(comparison) for name, comparison in against.items()}
    for name in set(also) - set(against):
        significance[f"{name}_vs_{CANDIDATE}"] = _differences(compare(qrels, runs, CANDIDATE, name, scores=scores))
    metrics: dict[str, Any] = {
        "dataset": dataset.name,
        "counts": dataset.counts(),
        "untrained": {"sentence": untrained.sentence, **asdict(untrained)},
        "systems": {name: {m: float(v) for m, v in row.items()} for name, row in systems.T.to_dict().items()},
        "significance": significance,
        "train": {"pairs": training.pairs, "pairs_per_s": training.pairs_per_s},
        "seconds": workspace.seconds(),
        "ship": {"decision": decision.decision, "reasons": decision.reasons},
    }
    if HOSTED in runs:
        paid = hosted_record(workspace)
        metrics[HOSTED] = {"sentence": tune_or_buy(against[HOSTED], paid), **paid}
    return Report(
        dataset,
        runs,
        systems,
        against_base=against[BASELINE],
        against_bm25=against[KEYWORD],
        against_untrained=against[UNTRAINED],
        untrained=untrained,
        against_hosted=against.get(HOSTED),
        slices=slices,
        decision=decision,
        metrics=metrics,
    )


def _differences(comparison: Comparison) -> dict[str, dict[str, float]]:
    return {
        measure: {k: getattr(difference, k) for k in ("difference", "low", "high", "p")}
        for measure, difference in comparison.differences.items()
    }


def compare_elsewhere(tuned: Encoder, other: Workspace) -> Comparison:
    """Return the base model against ``tuned`` on the test queries of another dataset's workspace: what tuning forgot.

    Both read its texts through the window that dev chose there: a window that suits one collection says nothing of what
    a model has forgotten.

    Args:
        tuned: A model fine-tuned on some other dataset than that of ``other``.
        other: Workspace of the dataset to ask about; its own fine-tuned model plays no part.
    """
    dataset = other.dataset()
    read = tuned.with_window(other.base_encoder.settings.max_length)
    vectors = {BASELINE: other.base_vectors(), CANDIDATE: Vectors.of(dataset, read, ["test"])}
    runs = {name: dense_run(dataset, made, "test") for name, made in vectors.items()}
    return compare(dataset.qrels["test"], runs, BASELINE, CANDIDATE)


def write_report(workspace: Workspace, report: Report | None = None) -> Path:
    """Write ``report/metrics.json`` and ``report/report.html`` and return the folder."""
    report = report or evaluate_workspace(workspace)
    folder = workspace.root / "report"
    folder.mkdir(exist_ok=True)
    template = files("tutorial_lib").joinpath(TEMPLATE).read_text(encoding="utf-8")
    page = (
        Environment(autoescape=True)
        .from_string(template)
        .render(
            m=report.metrics,
            notes=report.dataset.notes,
            sections=_sections(report),
            colour="#54a24b" if report.decision.ship else "#e45756",
        )
    )
    write_text(folder / "metrics.json", json.dumps(report.metrics, indent=1))
    write_text(folder / "report.html", page)
    return folder


# --- sections -----------------------------------------------------------------------------------------------------


def _sections(report: Report) -> list[Section]:
    return [
        _systems(report),
        _ranks(report),
        (
            "Is the gain real?",
            "Tuned against base, and below it tuned against the best without training: mean difference, 95 % bootstrap "
            "interval, p of the paired randomisation test; queries that share an article are resampled together.",
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
    text = f"{', '.join(others)}, and {last}. The best without training is {report.untrained.sentence}. {_columns(table)}"
    return f"The {NUMBERS[len(table)]} systems", text[0].upper() + text[1:], _table(table) + _image(plots.systems(table))


def _columns(table: pd.DataFrame) -> str:
    """Return what the columns say that are no plain measures."""
    twins = f"{TWINS}: a near-duplicate of a right document is right too, once for each group. " if TWINS in table else ""
    return f"{twins}{UNJUDGED}: share of the first ten that nobody has judged, and that count as wrong."


def _ranks(report: Report) -> Section:
    qrels = report.dataset.qrels["test"]
    ranks = {name: rank_of_answer(qrels, report.runs[name]) for name in (KEYWORD, BASELINE, CANDIDATE)}
    shift = plots.rank_shift(ranks[BASELINE], ranks[CANDIDATE], (BASELINE, CANDIDATE))
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
    runs = {name: report.runs[name] for name in (BASELINE, CANDIDATE)}
    return "The worst losses", "Read these before you ship.", _table(side_by_side(report.dataset, runs, list(worst)))


def _table(frame: pd.DataFrame) -> str:
    return str(frame.to_html(border=0, float_format=lambda v: f"{v:.3f}", escape=True, max_rows=200))


def _image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return f'<p><img alt="figure" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"></p>'
