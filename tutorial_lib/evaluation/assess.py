"""A system against what it is to replace: each comparison, its slices, and whether to ship it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.ship import ShipDecision, ShipSettings, ship_decision
from tutorial_lib.evaluation.significance import Comparison, compare
from tutorial_lib.evaluation.slices import query_slices, slice_table
from tutorial_lib.retrieval.hosted import HOSTED
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.systems import BASELINE, KEYWORD, UNTRAINED


@dataclass(frozen=True)
class Assessment:
    """What the test queries say of one system.

    Attributes:
        against: Baseline -> the system against it.
        slices: ``slice_table`` of the system against the base model.
        decision: Whether to ship it.
    """

    against: dict[str, Comparison]
    slices: pd.DataFrame
    decision: ShipDecision

    def record(self) -> dict[str, Any]:
        """Return the decision and its reasons as a report keeps them."""
        return {"decision": self.decision.decision, "reasons": self.decision.reasons}


def assess(
    dataset: RetrievalDataset,
    runs: Mapping[str, Run],
    candidate: str,
    untrained: str = UNTRAINED,
    *,
    scores: Mapping[str, pd.DataFrame] | None = None,
    settings: ShipSettings | None = None,
) -> Assessment:
    """Return what the test queries say of ``candidate``.

    Args:
        dataset: The dataset; its test split judges.
        runs: Test runs by system: the candidate's, "base", "bm25" and that of ``untrained``; "hosted" where there is one.
        candidate: Name of the system in question.
        untrained: Name of the best that can be had without training, over which the gain is asked.
        scores: ``per_query`` of the runs, where it is known.
        settings: What a candidate must show.

    Raises:
        ValueError: A run is missing.
    """
    baselines = [BASELINE, KEYWORD, untrained, *([HOSTED] if HOSTED in runs else [])]
    against = {name: compare(dataset.qrels["test"], runs, name, candidate, scores=scores) for name in baselines}
    slices = slice_table(against[BASELINE], query_slices(dataset))
    decision = ship_decision(against[BASELINE], against[KEYWORD], slices, settings, against_untrained=against[untrained])
    return Assessment(against, slices, decision)
