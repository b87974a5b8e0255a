"""``check``: read a dataset as ``run`` would, and say what it holds. Nothing is written, and no model is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from tutorial_lib.cleaning.notes import WARNING
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.settings import CleaningSettings
from tutorial_lib.cli.options import DataOptions, Flat
from tutorial_lib.data.registry import ReadSettings, find_source


@dataclass(frozen=True)
class Check:
    """Read a dataset and say what it holds.

    Attributes:
        source: What to read.
        read: How the data are read and divided.
        cleaning: What the cleaning steps take for noise.
    """

    source: Annotated[DataOptions, Flat] = field(default_factory=DataOptions)
    read: Annotated[ReadSettings, Flat] = field(default_factory=ReadSettings)
    cleaning: Annotated[CleaningSettings, Flat] = field(default_factory=CleaningSettings)

    def run(self) -> int:
        """Print counts and notes; return the exit status.

        Raises:
            DataError: The data cannot be used.
        """
        origin = find_source(self.source.data, self.source.help_desk())
        dataset = prepare(origin.read(self.read), origin.kind, self.cleaning, self.read.split).dataset
        print(f"{dataset.name}: {', '.join(f'{n:,} {what}' for what, n in dataset.counts().items())}")
        for note in dataset.notes:
            print(note if note.startswith(WARNING) else f"note: {note}")
        return 0
