"""The decision to ship, requirement by requirement."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tutorial_lib.evaluation.significance import Comparison


@dataclass(frozen=True)
class ShipSettings:
    """What a model must show before it replaces the one in use; set them before looking at test.

    Attributes:
        min_gain: Least gain in nDCG@10 worth a reindex.
        max_recall_loss: Most R@100 that may be lost.
        alpha: Significance level.
    """

    min_gain: float = 0.02
    max_recall_loss: float = 0.01
    alpha: float = 0.05


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
    against_base: Comparison, against_bm25: Comparison, slices: pd.DataFrame, settings: ShipSettings | None = None
) -> ShipDecision:
    """Return the decision on the tuned model from its comparisons with the base model and with BM25.

    Args:
        against_base: Tuned against base.
        against_bm25: Tuned against BM25: a tuned encoder that keyword search beats is not worth its cost.
        slices: ``slice_table`` of tuned against base.
        settings: Thresholds.
    """
    s = settings or ShipSettings()
    main, recall, keyword = against_base.main, against_base.differences["R@100"], against_bm25.main
    worse = slices[slices["worse"]]
    named = ", ".join(f"{r['slice']}: {r['value']} ({r['difference']:+.3f})" for _, r in worse.iterrows())
    return ShipDecision(
        [
            Check(main.difference >= s.min_gain, f"nDCG@10 gains {main.difference:+.3f} over base, {s.min_gain} wanted"),
            Check(main.low > 0, f"the 95 % interval of the gain, {main.low:+.3f} to {main.high:+.3f}, lies above 0"),
            Check(
                main.difference > 0 and main.p < s.alpha,
                f"p {_p(main.p)} in the paired randomisation test, below {s.alpha} wanted",
            ),
            Check(
                keyword.low >= 0,
                f"against BM25 nDCG@10 differs by {keyword.difference:+.3f} "
                f"({keyword.low:+.3f} to {keyword.high:+.3f}): not below 0 wanted",
            ),
            Check(
                recall.difference >= -s.max_recall_loss,
                f"R@100 changes by {recall.difference:+.3f}, a loss of at most {s.max_recall_loss} is allowed",
            ),
            Check(
                worse.empty, f"of {len(slices)} slices {len(worse)} got significantly worse" + (f": {named}" if named else "")
            ),
        ]
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
