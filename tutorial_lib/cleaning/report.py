"""What cleaning did: one step, and all of them in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tutorial_lib.data.dataset import RetrievalDataset


@dataclass(frozen=True)
class CleaningStep:
    """What one step did.

    Attributes:
        name: Name of the step.
        unit: What its rows are: "article", "query" or "row".
        rule: The rule applied, as a sentence.
        dataset: The dataset after the step.
        rows: One row for each thing it touched: id, text, reason.
    """

    name: str
    unit: str
    rule: str
    dataset: RetrievalDataset
    rows: pd.DataFrame


@dataclass(frozen=True)
class CleaningReport:
    """All steps of a cleaning run, in order, and what they started from, so that any can be undone."""

    steps: list[CleaningStep]
    raw: RetrievalDataset
    functions: tuple[Callable[[RetrievalDataset], CleaningStep], ...]

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
                    "touched": f"{len(s.rows)} {_plural(s.unit, len(s.rows))}",
                    "articles left": len(s.dataset.corpus),
                    "queries left": sum(map(len, s.dataset.qrels.values())),
                }
                for s in self.steps
            ]
        )

    def rows(self, step: str) -> pd.DataFrame:
        """Return what the named step touched; raises KeyError naming the steps there are."""
        for s in self.steps:
            if s.name == step:
                return s.rows
        raise KeyError(f"no step {step!r}: there are {[s.name for s in self.steps]}")

    def without(self, *steps: str) -> CleaningReport:
        """Return the report of the same run with the named steps undone, that is: cleaned again without them."""
        for step in steps:
            self.rows(step)
        return clean(self.raw, [f for s, f in zip(self.steps, self.functions, strict=True) if s.name not in steps])

    def save(self, folder: Path) -> None:
        """Write ``summary.csv`` and one table a step of what it touched."""
        folder.mkdir()
        self.summary().to_csv(folder / "summary.csv", index=False)
        for n, step in enumerate(self.steps, 1):
            step.rows.to_csv(folder / f"{n}_{step.name.replace(' ', '_')}.csv", index=False)


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 else {"query": "queries"}.get(unit, f"{unit}s")


def table_of(records: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    """Return the rows of a step: (id, text, reason) of each thing it touched."""
    return pd.DataFrame(list(records), columns=["id", "text", "reason"])


def clean(dataset: RetrievalDataset, steps: Sequence[Callable[[RetrievalDataset], CleaningStep]]) -> CleaningReport:
    """Apply ``steps`` in order and return the report; ``report.dataset`` is the result."""
    done: list[CleaningStep] = []
    for step in steps:
        done.append(step(done[-1].dataset if done else dataset))
    return CleaningReport(done, dataset, tuple(steps))
