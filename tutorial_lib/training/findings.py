"""What checks before training found, and whether it stands against starting."""

from __future__ import annotations

import html
import sys
from dataclasses import dataclass
from typing import Literal

from tutorial_lib.data.dataset import DataError


@dataclass(frozen=True)
class Finding:
    """One thing that a check found: how serious it is, and what it is, where, and what to pass."""

    level: Literal["note", "warning", "error"]
    what: str

    def __str__(self) -> str:
        return f"{self.level}: {self.what}"


@dataclass(frozen=True)
class PreflightReport:
    """What the checks found, in the order they were made."""

    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether training can start: there may be warnings, but no error."""
        return not self._errors()

    def _errors(self) -> list[str]:
        return [f.what for f in self.findings if f.level == "error"]

    def raise_if_bad(self) -> None:
        """Do nothing, or name all errors at once.

        Raises:
            DataError: There is an error among the findings.
        """
        if not self.ok:
            raise DataError("; ".join(self._errors()))

    def announce(self) -> None:
        """Write notes and warnings to stderr, one a line, and raise as ``raise_if_bad`` does."""
        for finding in self.findings:
            if finding.level != "error":
                print(finding, file=sys.stderr, flush=True)  # noqa: T201
        self.raise_if_bad()

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) or "nothing found that stands against this training run"

    def _repr_html_(self) -> str:
        return "<br>".join(html.escape(line) for line in str(self).split("\n"))
