"""``history``: the generations of a run's model, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class History:
    """Print the generations that go back to a run: what each was made from, what was found, what became of it.

    Attributes:
        folder: Folder of a run, or of any generation after it.
    """

    folder: Annotated[Path, tyro.conf.Positional]

    def run(self) -> int:
        """Print the table; return the exit status.

        Raises:
            DataError: There is no run, or a manifest is damaged.
        """
        from tutorial_lib.monitoring.lineage import history

        print(history(self.folder).to_string())
        return 0
