"""What can be had without training: the settings that dev chose, and the ranking made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tutorial_lib.data.dataset import DataError
from tutorial_lib.retrieval.fusion import SHARE, convex_combination
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.terms import BM25Settings

FUSED = "fused"
"""BM25 and the base model by their scores, with the share that dev chose."""

ROWS = {"bm25": "BM25 alone", "base": "the base model alone", FUSED: "BM25 and the base model fused"}
"""Each ranking that needs no training, the cheapest first: of two that score the same the first is chosen."""


def rankings(bm25: Run, base: Run, share: float) -> dict[str, Run]:
    """Return the run of each of ``ROWS``, given those of keyword search and of the base model, and the latter's share."""
    return {"bm25": bm25, "base": base, FUSED: convex_combination(bm25, base, share)}


@dataclass(frozen=True)
class UntrainedSettings:
    """What dev chose before anything is trained.

    Attributes:
        window: Tokens that the base model reads of a text, None: as many as its folder says.
        bm25: Settings of keyword search, chosen on dev and training queries: it learns nothing of either.
        windows: nDCG@10 on the dev pool by window tried, empty where there was nothing to choose by.
        level: Windows tried that dev cannot tell from the best one, and it.
    """

    window: int | None = None
    bm25: BM25Settings = field(default_factory=BM25Settings)
    windows: dict[str, float] = field(default_factory=dict)
    level: tuple[int, ...] = ()

    def training_window(self, most: int) -> int | None:
        """Return how many tokens training is to read: more than search does, up to ``most``, where dev sees no harm in it.

        What a shorter window gives the untrained model by chance would be taken from every pair.

        >>> UntrainedSettings(64, level=(64, 128, 256)).training_window(128)
        128
        """
        if self.window is None:
            return None
        return max([self.window, *(window for window in self.level if window <= most)])

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> UntrainedSettings:
        """Return what ``dataclasses.asdict`` made."""
        level = tuple(record.get("level", ()))  # records of earlier versions lack it
        return cls(record["window"], BM25Settings(**record["bm25"]), record["windows"], level)


@dataclass(frozen=True)
class Untrained:
    """The best system that needs no training.

    Attributes:
        settings: What its parts were made with.
        system: Which ranking it is, a key of ``ROWS``.
        scores: nDCG@10 of each on dev, on the whole corpus; empty where there was nothing to choose by.
        share: What the base model counts where both are fused, 0 to 1.

    Raises:
        DataError: There is no such ranking.
    """

    settings: UntrainedSettings
    system: str = FUSED
    scores: dict[str, float] = field(default_factory=dict)
    share: float = SHARE

    def __post_init__(self) -> None:
        """Refuse a ranking that is none."""
        if self.system not in ROWS:
            raise DataError(f"system is {self.system!r}: pass one of {', '.join(ROWS)}")

    @property
    def sentence(self) -> str:
        """What it is, for people."""
        window = f"a window of {self.settings.window} tokens" if self.settings.window else "the model's own window"
        made = {"bm25": self.settings.bm25.title, "base": window}
        share = f"{self.share:.0%} of the score from the model"
        parts = [share, *made.values()] if self.system == FUSED else [made[self.system]]
        chosen = "chosen on dev" if self.scores else "not chosen: dev has too few queries"
        return f"{ROWS[self.system]} ({'; '.join(parts)}), {chosen}"

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Untrained:
        """Return what ``dataclasses.asdict`` made."""
        return cls(
            UntrainedSettings.from_record(record["settings"]), record["system"], record["scores"], record.get("share", SHARE)
        )
