"""The before/after table of a run as plain text, for a terminal."""

from __future__ import annotations

from typing import Any

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.retrieval.hosted import HOSTED
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, UNTRAINED


def before_after(metrics: dict[str, Any]) -> str:
    """Return the before/after table of a metrics.json as plain text."""
    names = list(next(iter(metrics["systems"].values())))
    widths = {name: max(11, len(name) + 2) for name in names}
    head = f"{'':10}" + "".join(f"{m:>{widths[m]}}" for m in names)
    rows = [f"{name:10}" + "".join(f"{row[m]:>{widths[m]}.3f}" for m in names) for name, row in metrics["systems"].items()]
    return "\n".join(
        [
            head,
            *rows,
            *(_gain(metrics["significance"], name) for name in (BASELINE, UNTRAINED)),
            *([f"hosted is {metrics[HOSTED]['sentence']}"] if HOSTED in metrics else []),
            f"untrained: {metrics['untrained']['sentence']}",
            f"decision: {metrics['ship']['decision']}",
        ]
    )


def _gain(significance: dict[str, Any], baseline: str) -> str:
    d = significance[f"{CANDIDATE}_vs_{baseline}"][MAIN_MEASURE]
    p = "< 0.001" if d["p"] < 0.001 else format(d["p"], ".3f")
    return (
        f"{CANDIDATE} - {baseline}, {MAIN_MEASURE}: {d['difference']:+.3f}, "
        f"95 % interval {d['low']:+.3f} to {d['high']:+.3f}, p {p}"
    )
