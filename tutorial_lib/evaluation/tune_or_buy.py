"""Is tuning a small model better than buying a large one? What a comparison with a hosted model says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.evaluation.significance import Comparison


def tune_or_buy(against_hosted: Comparison, hosted: Mapping[str, Any]) -> str:
    """Return what is shown of the fine-tuned model against a hosted one, and what that one cost.

    It is no requirement of the decision to ship: a hosted model that ranks better is still paid for with every query, and
    reads every text. People weigh that.

    Args:
        against_hosted: Tuned against hosted.
        hosted: The stage's record: "model", "url", "dimension", "tokens", "cost", "texts", "asked_for".
    """
    gain = against_hosted.main
    if gain.low > 0:
        verdict = "the fine-tuned model ranks better than the hosted one"
    elif gain.high < 0:
        verdict = "the hosted model ranks better than the fine-tuned one"
    else:
        verdict = "neither is shown to rank better than the other"
    return (
        f"{hosted['model']} ({hosted['dimension']:,} numbers a vector, at {hosted['url']}): tuned - hosted, {MAIN_MEASURE}: "
        f"{gain.difference:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}): {verdict}. {_paid(hosted)}"
    )


def _paid(hosted: Mapping[str, Any]) -> str:
    return (
        f"{hosted['asked_for']:,} of {hosted['texts']:,} texts were asked for, {hosted['tokens']:,} tokens, "
        f"for {hosted['cost']:.4g}"
    )
