"""How the result of a training is kept. Importing this module loads no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self


class Result:
    """What a training did, kept as JSON: a dataclass whose lists are of tuples."""

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(vars(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        record = json.loads(path.read_text(encoding="utf-8"))
        # JSON has no tuples.
        return cls(**{k: [tuple(e) for e in value] if isinstance(value, list) else value for k, value in record.items()})
