"""The report of a run: ``metrics.json`` for machines, one self-contained ``report.html`` for people."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment
from matplotlib.figure import Figure

from tutorial_lib import plots
from tutorial_lib.evaluation.measures import MEASURE_NAMES, rank_of_answer, systems_table
from tutorial_lib.evaluation.ship import ShipDecision, ship_decision
from tutorial_lib.evaluation.significance import Comparison, compare
from tutorial_lib.evaluation.slices import query_slices, side_by_side, slice_table
from tutorial_lib.files import write_text
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.dense import exact_search
from tutorial_lib.workspace import Workspace

_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ m.dataset }}: before and after</title><style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px } th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: left }
th { background: #f6f6f6 } img { max-width: 100% } .ship { padding: .8rem 1rem; border-left: 6px solid {{ colour }}; background: #fafafa }
</style></head><body>
<h1>{{ m.dataset }}: before and after fine-tuning</h1>
<p>{{ "{:,}".format(m.counts.articles) }} articles; {{ "{:,}".format(m.counts.train) }} training, {{ "{:,}".format(m.counts.dev) }}
dev and {{ "{:,}".format(m.counts.test) }} test queries. Every figure below is of the test queries, on the whole corpus.</p>
<div class="ship"><strong>Decision: {{ m.ship.decision }}</strong><ul>{% for r in m.ship.reasons %}<li>{{ r }}</li>{% endfor %}</ul></div>
{% if notes %}<h2>What was done to the data</h2><ul>{% for n in notes %}<li>{{ n }}</li>{% endfor %}</ul>{% endif %}
{% for title, text, content in sections %}<h2>{{ title }}</h2><p>{{ text }}</p>{{ content | safe }}{% endfor %}
<h2>Training</h2><p>{{ "{:,}".format(m.train.pairs) }} pairs at {{ "%.1f"|format(m.train.pairs_per_s) }} a second. Seconds per stage:
{% for s, t in m.seconds.items() %}{{ s }} {{ "%.0f"|format(t) }}{{ ", " if not loop.last }}{% endfor %}.</p>
</body></html>
"""


@dataclass(frozen=True)
class Report:
    """Everything the report says, as objects.

    Attributes:
        systems: One row a system, one column a measure.
        against_base: Tuned against base.
        against_bm25: Tuned against BM25.
        slices: Table of slices, tuned against base.
        decision: Whether to ship.
        metrics: What metrics.json holds.
    """

    systems: pd.DataFrame
    against_base: Comparison
    against_bm25: Comparison
    slices: pd.DataFrame
    decision: ShipDecision
    metrics: dict[str, Any]


def evaluate_workspace(workspace: Workspace) -> Report:
    """Return the evaluation of all four systems on the test queries of a workspace."""
    dataset, runs, training = workspace.dataset(), workspace.runs(), workspace.training()
    qrels = dataset.qrels["test"]
    systems = systems_table(qrels, runs)
    against = {name: compare(qrels, runs, name, "tuned") for name in ("base", "bm25")}
    slices = slice_table(against["base"], query_slices(dataset))
    decision = ship_decision(against["base"], against["bm25"], slices)
    significance = {
        f"tuned_vs_{name}": {
            m: {k: getattr(d, k) for k in ("difference", "low", "high", "p")} for m, d in c.differences.items()
        }
        for name, c in against.items()
    }
    metrics = {
        "dataset": dataset.name,
        "counts": dataset.counts(),
        "systems": {name: {m: float(v) for m, v in row.items()} for name, row in systems.T.to_dict().items()},
        "significance": significance,
        "train": {"pairs": training.pairs, "pairs_per_s": training.pairs_per_s},
        "seconds": workspace.seconds(),
        "ship": {"decision": decision.decision, "reasons": decision.reasons},
    }
    return Report(systems, against["base"], against["bm25"], slices, decision, metrics)


def compare_elsewhere(tuned: Encoder, other: Workspace) -> Comparison:
    """Return the base model against ``tuned`` on the test queries of another dataset's workspace: what tuning forgot.

    Args:
        tuned: A model fine-tuned on some other dataset than that of ``other``.
        other: Workspace of the dataset to ask about; its own fine-tuned model plays no part.
    """
    dataset = other.dataset()
    queries = dataset.query_texts("test")
    run = exact_search(
        list(queries),
        tuned.encode_queries(list(queries.values())),
        list(dataset.corpus),
        tuned.encode_documents(list(dataset.document_texts().values())),
    )
    runs = {"base": other.search_run(other.base_vectors(), "test"), "tuned": run}
    return compare(dataset.qrels["test"], runs, "base", "tuned")


def write_report(workspace: Workspace, report: Report | None = None) -> Path:
    """Write ``report/metrics.json`` and ``report/report.html`` and return the folder."""
    report = report or evaluate_workspace(workspace)
    folder = workspace.root / "report"
    folder.mkdir(exist_ok=True)
    page = (
        Environment(autoescape=True)
        .from_string(_TEMPLATE)
        .render(
            m=report.metrics,
            notes=workspace.dataset().notes,
            sections=_sections(workspace, report),
            colour="#54a24b" if report.decision.ship else "#e45756",
        )
    )
    write_text(folder / "metrics.json", json.dumps(report.metrics, indent=1))
    write_text(folder / "report.html", page)
    return folder


def _sections(workspace: Workspace, report: Report) -> list[tuple[str, str, str]]:
    dataset, runs = workspace.dataset(), workspace.runs()
    qrels, comparison = dataset.qrels["test"], report.against_base
    ranks = {name: rank_of_answer(qrels, runs[name]) for name in ("bm25", "base", "tuned")}
    outcome = comparison.outcome()
    losses = comparison.deltas().sort_values(kind="stable").index[: min(10, outcome["lost"])]
    return [
        (
            "The four systems",
            "BM25, the base model, the fine-tuned model, and BM25 fused with the fine-tuned model.",
            _table(report.systems) + _image(plots.systems(report.systems)),
        ),
        (
            "Where the answer stands",
            "Rank of the best-placed answer.",
            _image(plots.answer_ranks(ranks)) + _image(plots.rank_shift(ranks["base"], ranks["tuned"])),
        ),
        (
            "Is the gain real?",
            "Tuned against base: mean difference, 95 % bootstrap interval, p of the paired "
            "randomisation test; queries that share an article are resampled together.",
            _table(comparison.table()),
        ),
        (
            "Won and lost",
            f"{outcome['won']} queries got better, {outcome['lost']} worse, {outcome['tied']} stayed.",
            _image(plots.deltas(comparison.deltas())),
        ),
        ("Slices", "Difference in nDCG@10 by kind of query.", _image(plots.slices(report.slices)) + _table(report.slices)),
        (
            "The worst losses",
            "Read these before you ship.",
            _table(side_by_side(dataset, {n: runs[n] for n in ("base", "tuned")}, list(losses))),
        ),
    ]


def _table(frame: pd.DataFrame) -> str:
    return str(frame.to_html(border=0, float_format=lambda v: f"{v:.3f}", escape=True, max_rows=200))


def _image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return f'<p><img alt="figure" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"></p>'


def before_after(metrics: dict[str, Any]) -> str:
    """Return the before/after table of a metrics.json as plain text."""
    head = f"{'':8}" + "".join(f"{m:>11}" for m in MEASURE_NAMES)
    rows = [f"{name:8}" + "".join(f"{row[m]:>11.3f}" for m in MEASURE_NAMES) for name, row in metrics["systems"].items()]
    d = metrics["significance"]["tuned_vs_base"]["nDCG@10"]
    gain = (
        f"tuned - base, nDCG@10: {d['difference']:+.3f}, 95 % interval {d['low']:+.3f} to {d['high']:+.3f}, "
        f"p {'< 0.001' if d['p'] < 0.001 else format(d['p'], '.3f')}"
    )
    return "\n".join([head, *rows, gain, f"decision: {metrics['ship']['decision']}"])
