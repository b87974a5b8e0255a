"""The decision to ship, requirement by requirement."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.evaluation.significance import Comparison, Difference

RECALL = "R@100"
"""The measure that a gain must not be paid with."""


@dataclass(frozen=True)
class ShipSettings:
    """What a model must show before it replaces the one in use; set them before looking at test.

    Attributes:
        min_gain: Least gain in nDCG@10 worth a reindex, -1 to 1.
        max_recall_loss: Most R@100 that may be lost, 0 to 1.
        alpha: Significance level, above 0 and below 1.

    Raises:
        ValueError: A threshold is out of range.

    >>> ShipSettings(min_gain=0.05)
    ShipSettings(min_gain=0.05, max_recall_loss=0.01, alpha=0.05)
    """

    min_gain: float = 0.02
    max_recall_loss: float = 0.01
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse thresholds out of range."""
        if not -1 <= self.min_gain <= 1:
            raise ValueError(f"min_gain is {self.min_gain}: pass a difference in {MAIN_MEASURE}, -1 to 1")
        if not 0 <= self.max_recall_loss <= 1:
            raise ValueError(f"max_recall_loss is {self.max_recall_loss}: pass a loss of {RECALL}, 0 to 1")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}: pass a significance level, above 0 and below 1")


@dataclass(frozen=True)
class Check:
    """One requirement: whether it holds, and the figures behind it."""

    passed: bool
    text: str


@dataclass(frozen=True)
class ShipDecision:
    """Whether to ship, requirement by requirement."""

    checks: list[Check]

    @property
    def ship(self) -> bool:
        """True only if every requirement holds."""
        return all(c.passed for c in self.checks)

    @property
    def decision(self) -> str:
        """The decision in words: "ship" or "do not ship"."""
        return "ship" if self.ship else "do not ship"

    @property
    def reasons(self) -> list[str]:
        """One line a requirement, failed ones first."""
        return [f"{'yes' if c.passed else 'NO'}: {c.text}" for c in sorted(self.checks, key=lambda c: c.passed)]


def ship_decision(
    against_base: Comparison,
    against_bm25: Comparison,
    slices: pd.DataFrame,
    settings: ShipSettings | None = None,
    *,
    against_untrained: Comparison | None = None,
) -> ShipDecision:
    """Return the decision on the tuned model from its comparisons with what it is to replace.

    Args:
        against_base: Tuned against base.
        against_bm25: Tuned against BM25: a tuned encoder that keyword search beats is not worth its cost.
        slices: ``slice_table`` of tuned against base.
        settings: Thresholds.
        against_untrained: Tuned against the best that can be had without training. The gain is asked over that, since
            nobody should pay for what a setting gives; without it, over base.
    """
    s = settings or ShipSettings()
    return ShipDecision(
        [
            *_gain_checks(against_untrained or against_base, s),
            *([_base_check(against_base.main)] if against_untrained else []),
            _keyword_check(against_bm25.main),
            _recall_check(against_base.differences[RECALL], s),
            _slices_check(slices),
        ]
    )


def _gain_checks(comparison: Comparison, settings: ShipSettings) -> list[Check]:
    gain = comparison.main
    return [
        Check(
            gain.difference >= settings.min_gain,
            f"{MAIN_MEASURE} gains {gain.difference:+.3f} over {comparison.baseline}, {settings.min_gain} wanted",
        ),
        Check(gain.low > 0, f"the 95 % interval of the gain, {gain.low:+.3f} to {gain.high:+.3f}, lies above 0"),
        Check(
            gain.difference > 0 and gain.p < settings.alpha,
            f"p {_p(gain.p)} in the paired randomisation test, below {settings.alpha} wanted"
            + ("" if gain.difference > 0 else " of a gain, and this is none"),
        ),
    ]


def _base_check(gain: Difference) -> Check:
    return Check(
        gain.low > 0,
        f"over base {MAIN_MEASURE} gains {gain.difference:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}): above 0 wanted",
    )


def _keyword_check(gain: Difference) -> Check:
    return Check(
        gain.low >= 0,
        f"against BM25 {MAIN_MEASURE} differs by {gain.difference:+.3f} "
        f"({gain.low:+.3f} to {gain.high:+.3f}): not below 0 wanted",
    )


def _recall_check(change: Difference, settings: ShipSettings) -> Check:
    return Check(
        change.difference >= -settings.max_recall_loss,
        f"{RECALL} changes by {change.difference:+.3f}, a loss of at most {settings.max_recall_loss} is allowed",
    )


def _slices_check(slices: pd.DataFrame) -> Check:
    worse = slices[slices["worse"]]
    named = ", ".join(f"{r['slice']}: {r['value']} ({r['difference']:+.3f})" for _, r in worse.iterrows())
    return Check(
        worse.empty, f"of {len(slices)} slices {len(worse)} got significantly worse" + (f": {named}" if named else "")
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
