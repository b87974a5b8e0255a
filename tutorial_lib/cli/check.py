"""``check``: read a dataset as ``run`` would, and say what it holds. Nothing is written, and no model is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from tutorial_lib.cleaning.prepare import CleaningSettings, prepare
from tutorial_lib.cli.options import DataOptions, Flat
from tutorial_lib.data.registry import find_source
from tutorial_lib.data.search_log import ClickSettings
from tutorial_lib.data.splits import SplitSettings


@dataclass(frozen=True)
class Check:
    """Read a dataset and say what it holds.

    Attributes:
        source: What to read.
        cleaning: What the cleaning steps take for noise.
        split: Where train, dev and test are divided.
        clicks: When a click of a search log counts.
    """

    source: Annotated[DataOptions, Flat] = field(default_factory=DataOptions)
    cleaning: Annotated[CleaningSettings, Flat] = field(default_factory=CleaningSettings)
    split: Annotated[SplitSettings, Flat] = field(default_factory=SplitSettings)
    clicks: Annotated[ClickSettings, Flat] = field(default_factory=ClickSettings)

    def run(self) -> int:
        """Print counts and notes; return the exit status.

        Raises:
            DataError: The data cannot be used.
        """
        origin = find_source(self.source.data, self.source.help_desk(), drop_blank=self.source.drop_blank)
        raw = origin.read(self.split, self.clicks)
        dataset = prepare(raw, origin.kind, split=self.split, cleaning=self.cleaning).dataset
        print(f"{dataset.name}: {', '.join(f'{n:,} {what}' for what, n in dataset.counts().items())}")
        for note in dataset.notes:
            print(f"note: {note}")
        return 0
