"""The before/after table of a run as plain text, for a terminal."""

from __future__ import annotations

from typing import Any

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.retrieval.hosted import HOSTED
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, KEYWORD_AND_TUNED, UNTRAINED


def before_after(metrics: dict[str, Any]) -> str:
    """Return the before/after table of a metrics.json as plain text."""
    names, ship = list(next(iter(metrics["systems"].values()))), metrics["ship"]
    candidate = ship.get("candidate", CANDIDATE)  # an older report says neither
    widths = {name: max(11, len(name) + 2) for name in names}
    first = max(10, *(len(name) + 1 for name in metrics["systems"]))
    head = f"{'':{first}}" + "".join(f"{m:>{widths[m]}}" for m in names)
    rows = [
        f"{name:{first}}" + "".join(f"{row[m]:>{widths[m]}.3f}" for m in names) for name, row in metrics["systems"].items()
    ]
    return "\n".join(
        [
            head,
            *rows,
            *(_gain(metrics["significance"], candidate, name) for name in (BASELINE, ship.get("untrained", UNTRAINED))),
            *([f"hosted is {metrics[HOSTED]['sentence']}"] if HOSTED in metrics else []),
            f"untrained: {metrics['untrained']['sentence']}",
            *_fused(metrics),
            *(f"{question}: {answer['decision']}" for question, answer in decisions(metrics)),
        ]
    )


def decisions(metrics: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return each question about shipping with its decision and reasons: the candidate, and keyword search beside the model.

    Args:
        metrics: A metrics.json; an older one answers the first alone.
    """
    asked, beside = [("decision", metrics["ship"])], metrics.get(KEYWORD_AND_TUNED, {})
    if "decision" in beside and metrics["ship"].get("candidate") != KEYWORD_AND_TUNED:
        asked.append((f"with keyword search beside the model ({KEYWORD_AND_TUNED}, serve --keywords)", beside))
    return asked


def _fused(metrics: dict[str, Any]) -> list[str]:
    """Return what keyword search beside the model is worth, if the report says so: an older one does not."""
    if KEYWORD_AND_TUNED not in metrics:
        return []
    share = metrics[KEYWORD_AND_TUNED]["share"]
    gain = _gain(metrics["significance"], KEYWORD_AND_TUNED, CANDIDATE)
    return [f"{KEYWORD_AND_TUNED}: {share:.0%} of the score from the model, chosen on dev", gain]


def _gain(significance: dict[str, Any], candidate: str, baseline: str) -> str:
    d = significance[f"{candidate}_vs_{baseline}"][MAIN_MEASURE]
    p = "< 0.001" if d["p"] < 0.001 else format(d["p"], ".3f")
    return (
        f"{candidate} - {baseline}, {MAIN_MEASURE}: {d['difference']:+.3f}, "
        f"95 % interval {d['low']:+.3f} to {d['high']:+.3f}, p {p}"
    )
