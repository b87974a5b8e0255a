"""The report of a run: ``metrics.json`` for machines, one self-contained ``report.html`` for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from tutorial_lib.evaluation.assess import assess
from tutorial_lib.evaluation.before_after import decisions
from tutorial_lib.evaluation.measures import (
    per_query,
    systems_table,
)
from tutorial_lib.evaluation.significance import Comparison, compare
from tutorial_lib.evaluation.tune_or_buy import tune_or_buy
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.report_page import Report, sections
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.hosted import HOSTED, hosted_record
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, KEYWORD, KEYWORD_AND_TUNED, SYSTEMS, UNTRAINED
from tutorial_lib.workspace import Workspace

TEMPLATE = "report.html.jinja"
"""Beside this file: what the page looks like."""


def evaluate_workspace(
    workspace: Workspace, also: Sequence[str] = (), *, candidate: str = CANDIDATE, untrained: str = UNTRAINED
) -> Report:
    """Return the evaluation of all systems on a workspace's test queries.

    Args:
        workspace: A workspace.
        also: Systems to evaluate besides, of those among ``RERANKED``.
        candidate: The system whose shipping is decided; "tuned+late" where late interaction is to be served.
        untrained: What it must beat to be worth its training; "untrained+late" where that could be served.

    Raises:
        ValueError: There is no such system.
    """
    dataset, training = workspace.dataset(), workspace.training()
    also = list(dict.fromkeys(name for name in (*also, candidate, untrained) if name not in SYSTEMS))
    runs = {**workspace.runs(), **{name: workspace.run_of(name, "test") for name in also}}
    qrels = dataset.qrels["test"]
    scores = {name: per_query(qrels, run) for name, run in runs.items()}
    systems = systems_table(qrels, runs, scores=scores, near_duplicates=dataset.near_duplicates)
    assessed = {
        name: assess(dataset, runs, name, untrained, scores=scores) for name in dict.fromkeys((KEYWORD_AND_TUNED, candidate))
    }
    asked, beside = assessed[candidate], assessed[KEYWORD_AND_TUNED]
    chosen = workspace.untrained()
    significance = {
        f"{name}_vs_{baseline}": _differences(comparison)
        for name, of in assessed.items()
        for baseline, comparison in of.against.items()
    }
    for name in [KEYWORD_AND_TUNED, *(name for name in also if name != HOSTED)]:
        significance[f"{name}_vs_{CANDIDATE}"] = _differences(compare(qrels, runs, CANDIDATE, name, scores=scores))
    metrics: dict[str, Any] = {
        "dataset": dataset.name,
        "counts": dataset.counts(),
        "untrained": {"sentence": chosen.sentence, **asdict(chosen)},
        KEYWORD_AND_TUNED: {"share": workspace.tuned_share(), **beside.record()},
        "systems": {name: {m: float(v) for m, v in row.items()} for name, row in systems.T.to_dict().items()},
        "significance": significance,
        "train": {"pairs": training.pairs, "pairs_per_s": training.pairs_per_s},
        "seconds": workspace.seconds(),
        "ship": {**asked.record(), "candidate": candidate, "untrained": untrained},
    }
    if HOSTED in runs:
        paid = hosted_record(workspace)
        metrics[HOSTED] = {"sentence": tune_or_buy(asked.against[HOSTED], paid), **paid}
    return Report(
        dataset,
        runs,
        systems,
        against_base=asked.against[BASELINE],
        against_bm25=asked.against[KEYWORD],
        against_untrained=asked.against[untrained],
        untrained=chosen,
        against_hosted=asked.against.get(HOSTED),
        slices=asked.slices,
        decision=asked.decision,
        metrics=metrics,
        candidate=candidate,
    )


def _differences(comparison: Comparison) -> dict[str, dict[str, float]]:
    return {measure: difference.record() for measure, difference in comparison.differences.items()}


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
            sections=sections(report),
            decisions=decisions(report.metrics),
        )
    )
    write_text(folder / "metrics.json", json.dumps(report.metrics, indent=1))
    write_text(folder / "report.html", page)
    return folder
