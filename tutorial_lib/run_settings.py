"""Everything a run can be told, stage by stage: what the command line offers and a workspace notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tutorial_lib.cleaning.prepare import CleaningSettings
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.data.splits import SplitSettings
from tutorial_lib.training.mining import MiningSettings
from tutorial_lib.training.settings import LoraSettings, TrainSettings


@dataclass(frozen=True)
class RunSettings:
    """Settings of all stages; each part checks itself.

    Attributes:
        train: How the adapter is trained.
        lora: Shape of the adapter.
        mining: How hard negatives are chosen.
        cleaning: What the cleaning steps take for noise.
        split: Where train, dev and test are divided.
        clicks: When a click of a search log counts.
    """

    train: TrainSettings = field(default_factory=TrainSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)
    mining: MiningSettings = field(default_factory=MiningSettings)
    cleaning: CleaningSettings = field(default_factory=CleaningSettings)
    split: SplitSettings = field(default_factory=SplitSettings)
    clicks: ClickSettings = field(default_factory=ClickSettings)

    def record(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return plain(asdict(self))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> RunSettings:
        """Return the settings that ``record`` describes; what it does not name has its default.

        Raises:
            TypeError: It names a setting that this version does not know.
        """
        return cls(**{f.name: PARTS[f.name](**tupled(record.get(f.name, {}))) for f in fields(cls)})

    def differences(self, other: RunSettings) -> list[str]:
        """Return one line for each setting that differs: its name, the value of ``other`` and the one here."""
        mine, theirs = self.record(), other.record()
        return [
            f"{part}.{name} {theirs[part][name]!r} there and {value!r} here"
            for part, values in mine.items()
            for name, value in values.items()
            if theirs[part][name] != value
        ]


PARTS: dict[str, Any] = {
    "train": TrainSettings,
    "lora": LoraSettings,
    "mining": MiningSettings,
    "cleaning": CleaningSettings,
    "split": SplitSettings,
    "clicks": ClickSettings,
}


def plain(value: Any) -> Any:
    """Return ``value`` as JSON would give it back (tuples become lists), so that records compare equal."""
    return json.loads(json.dumps(value))


def tupled(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as their dataclass holds them: JSON has no tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
