"""``verdict``: which of two versions people prefer, from the clicks of searches that have shown both as one list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from tutorial_lib.data.dataset import DataError
from tutorial_lib.run_marker import folder_of

try:
    from tutorial_lib.serving.verdict import preferences
except ImportError:
    raise DataError("to read what was served takes more packages: pip install 'tutorial-lib[serve]'") from None


@dataclass(frozen=True)
class Verdict:
    """Say which of two versions of the index people prefer, by what they clicked in searches of serve --candidate.

    Attributes:
        folder: Folder of a run.
        events: Folder of the events; by default events in the run's folder.
        planned: Searches that you decided upon before the comparison began. Then the verdict is one sign test at that number,
            which takes the fewest searches. Without it you may look as often as you like, which takes more.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    events: Path | None = None
    planned: int | None = None

    def run(self) -> int:
        """Print a line for each pair of versions; return the exit status.

        Raises:
            DataError: There is no event log, a record in it is wrong, or no search was interleaved.
        """
        if self.planned is not None and self.planned < 1:
            raise DataError(f"--planned is {self.planned}: pass a number of searches")
        for found in preferences(self.events or folder_of(self.folder) / "events", planned=self.planned):
            print(found.sentence)
        return 0
