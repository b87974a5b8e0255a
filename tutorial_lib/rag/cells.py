"""The cells of a prompt experiment: what each query got, tables of them, and a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.significance import Comparison, paired_difference
from tutorial_lib.evaluation.slices import slice_table
from tutorial_lib.files import write_json

MEASURE = "fact_recall"
"""What cells are compared by: the share of a query's facts that stand in its answer, on the mean of queries.

It asks whether the answer is there, not whether it is good: a model that copies its whole context has them all, and
"completion_tokens" gives it away.
"""


@dataclass(frozen=True)
class Cell:
    """One template, system and depth, answered.

    Attributes:
        template: Name and version.
        system: Name of the run.
        k: Depth.
        queries: Index query id; "fact_recall" and "context_recall" (share of the facts in the answer, and in the context),
            "all_facts" (0 or 1), "context_tokens" (by the counter), "prompt_tokens", "completion_tokens" (by the endpoint),
            "cost", "seconds" and "answer". What is not known is not a number.
    """

    template: str
    system: str
    k: int
    queries: pd.DataFrame

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.template}, {self.system}, k={self.k}"


@dataclass(frozen=True)
class Experiment:
    """All cells of a grid on the same queries.

    Attributes:
        cells: In the order of the grid.
        clusters: Cluster of each query: those of one article are resampled together.
        settings: What else decides the figures (any JSON).
    """

    cells: tuple[Cell, ...]
    clusters: Mapping[str, str]
    settings: Mapping[str, Any]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a cell.

        "fact_recall" with its 95 % bootstrap interval ("low", "high"); means of "all_facts", "context_recall" and of the
        tokens; "cost" of all queries; median "seconds"; "empty", the queries for which nothing was found (they count 0).
        Then against the first cell: "difference" in fact recall with its interval, "p" and "p_adjusted" (Benjamini and
        Hochberg 1995, over the cells); None for the first itself.
        """
        rows = [self._row(cell) for cell in self.cells]
        if others := rows[1:]:
            adjusted = stats.false_discovery_control([row["p"] for row in others])
            for row, p in zip(others, adjusted, strict=True):
                row["p_adjusted"] = float(p)
        return rows

    def table(self) -> pd.DataFrame:
        """Return ``rows`` as a frame."""
        return pd.DataFrame(self.rows())

    def _row(self, cell: Cell) -> dict[str, Any]:
        queries, clusters = cell.queries, [self.clusters[q] for q in cell.queries.index]
        recall = paired_difference(np.zeros(len(queries)), queries[MEASURE].to_numpy(), clusters)
        means = {c: float(queries[c].mean()) for c in ("all_facts", "context_recall", "context_tokens", "prompt_tokens")}
        row = {
            "template": cell.template,
            "system": cell.system,
            "k": cell.k,
            "queries": len(queries),
            "empty": int(queries["answer"].isna().sum()),
            MEASURE: recall.after,
            "low": recall.low,
            "high": recall.high,
            **means,
            "completion_tokens": float(queries["completion_tokens"].mean()),
            "cost": float(queries["cost"].sum(skipna=False)),
            "seconds": float(queries["seconds"].median()),
        }
        return {**row, **self._against_first(cell, clusters)}

    def _against_first(self, cell: Cell, clusters: Sequence[str]) -> dict[str, float | None]:
        names = ("difference", "difference_low", "difference_high", "p", "p_adjusted")
        if cell is self.cells[0]:
            return dict.fromkeys(names)
        d = paired_difference(self.cells[0].queries[MEASURE].to_numpy(), cell.queries[MEASURE].to_numpy(), clusters)
        return dict(zip(names, (d.difference, d.low, d.high, d.p, None), strict=True))

    def slices(self, slices: pd.DataFrame) -> pd.DataFrame:
        """Return how each slice fared in each cell but the first: ``evaluation.slice_table`` by fact recall.

        Args:
            slices: ``evaluation.query_slices`` of the dataset.
        """
        first = self.cells[0]
        parts = slices.loc[slices.index.intersection(first.queries.index)]
        tables = []
        for cell in self.cells[1:]:
            compared = Comparison(first.name, cell.name, first.queries, cell.queries, dict(self.clusters), {})
            tables.append(slice_table(compared, parts, measure=MEASURE).assign(cell=cell.name))
        if not tables:
            raise DataError("slices compare cells with the first, and there is one cell: pass a larger grid")
        return pd.concat(tables, ignore_index=True)

    def write(self, path: str | Path, slices: pd.DataFrame | None = None) -> None:
        """Write settings, rows and every answer as JSON, whole or not at all; what is not known is null.

        Args:
            path: The file, ``prompts/experiment.json`` in a workspace; its folder is made if need be.
            slices: ``evaluation.query_slices``, for a table of ``slices``.
        """
        compared = slices is not None and len(self.cells) > 1
        record = {
            "settings": dict(self.settings),
            "cells": self.rows(),
            "slices": self.slices(slices).to_dict("records") if compared and slices is not None else [],
            "queries": {cell.name: cell.queries.reset_index().to_dict("records") for cell in self.cells},
        }
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_json(Path(path), as_json(record))


def as_json(value: Any) -> Any:
    """Return ``value`` as JSON has it: numpy's numbers as Python's, what is no number as None."""
    if isinstance(value, Mapping):
        return {k: as_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(v) for v in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
