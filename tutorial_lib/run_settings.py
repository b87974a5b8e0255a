"""Everything a run can be told, stage by stage: what the command line offers and a workspace notes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, get_type_hints

from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.data.registry import ReadSettings
from tutorial_lib.evaluation.parity import ExportSettings
from tutorial_lib.retrieval.hosted import HOSTED, HostedSettings
from tutorial_lib.training.cross_settings import CrossSettings
from tutorial_lib.training.distill_settings import TeacherSettings
from tutorial_lib.training.mining import MiningSettings
from tutorial_lib.training.settings import LoraSettings, TrainSettings


@dataclass(frozen=True)
class RunSettings:
    """Settings of all stages; each part checks itself.

    Attributes:
        train: How the adapter is trained.
        lora: Shape of the adapter.
        teaching: Whether a matrix is put behind the fine-tuned model.
        mining: How hard negatives are chosen.
        cleaning: What the cleaning steps take for noise.
        read: How the data are read and divided.
        hosted: A hosted model to compare with; it adds to a run and changes nothing of it.
    """

    train: TrainSettings = field(default_factory=TrainSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)
    teaching: TeacherSettings = field(default_factory=TeacherSettings)
    mining: MiningSettings = field(default_factory=MiningSettings)
    cleaning: CleaningSettings = field(default_factory=CleaningSettings)
    read: ReadSettings = field(default_factory=ReadSettings)
    hosted: HostedSettings = field(default_factory=HostedSettings)

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other.

        Raises:
            ValueError: A teacher for a model that is trained for queries alone.
        """
        self.teaching.check_fits(train_documents=self.train.train_documents)

    @property
    def cross(self) -> CrossSettings:
        """How a cross-encoder is trained where nobody says otherwise: no run trains one, so it is no option of a run."""
        return CrossSettings()

    @property
    def export(self) -> ExportSettings:
        """How the fine-tuned model is exported where nobody says otherwise: no run exports it."""
        return ExportSettings()

    def record(self) -> dict[str, Any]:
        """Return the settings as plain JSON values, by part."""
        return as_record(self)

    def differences(self, other: RunSettings) -> list[str]:
        """Return one line for each setting that differs: its name, the value of ``other`` and the one here.

        A hosted model is left out: a run may be compared with one after all.
        """
        mine, theirs = (dict(_leaves({**s.record(), HOSTED: {}})) for s in (self, other))
        return [f"{name} {theirs[name]!r} there and {value!r} here" for name, value in mine.items() if theirs[name] != value]


def as_record(settings: Any) -> dict[str, Any]:
    """Return a settings dataclass as JSON would give it back: dicts for its parts, lists for tuples.

    >>> as_record(LoraSettings(rank=8))["rank"]
    8
    """
    return json.loads(json.dumps(asdict(settings)))


def from_record(kind: Any, record: Mapping[str, Any]) -> Any:
    """Return the settings of class ``kind`` that ``as_record`` wrote; what the record does not name has its default.

    Raises:
        TypeError: It names a setting that this version does not know.
        ValueError: A value is none that the setting can have.
    """
    hints = get_type_hints(kind)
    values = {}
    for name, value in record.items():
        part = hints.get(name)
        if is_dataclass(part):
            value = from_record(part, value)
        values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def field_names(kind: Any) -> Iterator[str]:
    """Yield the names of all settings of a class and of its parts: each is an option of the command line."""
    hints = get_type_hints(kind)
    for each in fields(kind):
        if is_dataclass(hints[each.name]):
            yield from field_names(hints[each.name])
        else:
            yield each.name


def _leaves(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
