"""What cleaning did: one step, and all of them in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from tutorial_lib.cleaning.privacy import hide_numbers
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.tables import write_table
from tutorial_lib.data.dataset import RetrievalDataset


@dataclass(frozen=True)
class CleaningStep:
    """What one step did.

    Attributes:
        name: Name of the step.
        unit: What its rows are: "article", "query", "ticket" or "row".
        rule: The rule applied, as a sentence.
        dataset: The dataset after the step.
        rows: One row for each thing it touched: id, text, reason.
        note: What it could not do, as a sentence; "" for nothing.
    """

    name: str
    unit: str
    rule: str
    dataset: RetrievalDataset
    rows: pd.DataFrame
    note: str = ""


class Step(Protocol):
    """A function that cleans: it takes what it needs of the settings."""

    def __call__(self, dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS, /) -> CleaningStep:
        """Return the dataset after the step, and what it touched."""
        ...


@dataclass(frozen=True)
class CleaningReport:
    """All steps of a cleaning run, in order, and what they started from, so that any can be undone.

    Attributes:
        steps: What each step did.
        raw: The dataset before the first.
        functions: The steps themselves.
        settings: What they were told.
    """

    steps: list[CleaningStep]
    raw: RetrievalDataset
    functions: tuple[Step, ...]
    settings: CleaningSettings = DEFAULTS

    @property
    def dataset(self) -> RetrievalDataset:
        """The dataset after the last step."""
        return self.steps[-1].dataset if self.steps else self.raw

    def summary(self) -> pd.DataFrame:
        """Return one row a step: its rule, how many rows it touched, and what was left after it."""
        return pd.DataFrame(
            [
                {
                    "step": s.name,
                    "rule": s.rule,
                    "touched": f"{len(s.rows)} {plural(s.unit, len(s.rows))}",
                    "articles left": len(s.dataset.corpus),
                    "queries left": sum(map(len, s.dataset.qrels.values())),
                }
                for s in self.steps
            ]
        )

    def rows(self, step: str) -> pd.DataFrame:
        """Return what the named step touched.

        Raises:
            KeyError: There is no such step; names those there are.
        """
        for s in self.steps:
            if s.name == step:
                return s.rows
        raise KeyError(f"no step {step!r}: there are {[s.name for s in self.steps]}")

    def without(self, *steps: str) -> CleaningReport:
        """Return the report of the same run with the named steps undone, that is: cleaned again without them.

        Raises:
            KeyError: There is no step of such a name.
        """
        for step in steps:
            self.rows(step)
        kept = [f for s, f in zip(self.steps, self.functions, strict=True) if s.name not in steps]
        return clean(self.raw, kept, self.settings)

    def save(self, folder: Path) -> None:
        """Write ``summary.csv`` and one table a step of what it touched.

        Raises:
            FileExistsError: The folder exists.
        """
        folder.mkdir()
        write_table(folder / "summary.csv", self.summary())
        for n, step in enumerate(self.steps, 1):
            write_table(folder / f"{n}_{step.name.replace(' ', '_')}.csv", step.rows)


def plural(unit: str, count: int) -> str:
    """Return the word for ``count`` of a unit."""
    return unit if count == 1 else {"query": "queries"}.get(unit, f"{unit}s")


def table_of(records: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Return the rows of a step: (id, text, reason) of each thing it touched."""
    return pd.DataFrame(list(records), columns=["id", "text", "reason"])


def private_table(records: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Return ``table_of`` records whose texts customers wrote: no address or number of a person stands in it.

    Steps before ``personal_data`` see the texts as they came, and their rows are shown and saved.
    """
    hidden = hide_numbers([text for _, text, _ in records])
    return table_of([(id_, text, reason) for (id_, _, reason), text in zip(records, hidden, strict=True)])


def clean(dataset: RetrievalDataset, steps: Sequence[Step], settings: CleaningSettings = DEFAULTS) -> CleaningReport:
    """Apply ``steps`` in order and return the report; ``report.dataset`` is the result.

    Args:
        dataset: Dataset to clean.
        steps: Functions from (dataset, settings) to ``CleaningStep``, e.g. ``DOCUMENTATION_STEPS`` or ``TICKET_STEPS``.
        settings: Handed to every step.
    """
    done: list[CleaningStep] = []
    for step in steps:
        done.append(step(done[-1].dataset if done else dataset, settings))
    return CleaningReport(done, dataset, tuple(steps), settings)
