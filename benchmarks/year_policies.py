"""When each policy trains a model, and what its year looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.year_world import FIRST, LAST, MONTHS

POLICIES = (
    "never",
    "watched/base",
    "at the end/base",
    "watched/live",
    "quarterly/base",
    "quarterly/live",
    "monthly/base",
    "monthly/live",
)


def cutoffs(watched: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return for each way of deciding the months at whose end a model is trained."""
    return {
        "never": (),
        "watched": tuple(watched),
        "quarterly": (21, 24, 27),
        "monthly": tuple(range(FIRST, LAST)),
        "at the end": (LAST - 1,),
    }


@dataclass(frozen=True)
class Model:
    """A model that some policy trains.

    Attributes:
        line: The line of generations that it stands in: "base", one for all policies, or "live quarterly" and so on.
        chain: Months at whose ends it and those before it were trained; from the base model the last one alone matters.
        seed: Of the training.

    >>> Model("live quarterly", (21, 24), 0).name
    'live quarterly@21+24'
    """

    line: str
    chain: tuple[int, ...]
    seed: int

    @property
    def start(self) -> str:
        """What it is trained from: "base" or "live"."""
        return self.line.split()[0]

    @property
    def month(self) -> int:
        """The month at whose end it was trained."""
        return self.chain[-1]

    @property
    def name(self) -> str:
        """Its name in the record."""
        seed = f" seed {self.seed}" if self.seed else ""
        return f"{self.line}@{'+'.join(map(str, self.chain))}{seed}"

    @property
    def number(self) -> int:
        """Its number in its line, in which the first year's model is 1."""
        return self.month - FIRST + 2

    @property
    def parent(self) -> int:
        """Number of the generation that it is gathered from: from the base model, always the first."""
        return self.chain[-2] - FIRST + 2 if len(self.chain) > 1 else 1


def first_of(seed: int) -> str:
    """Return the name of the first year's model in the record."""
    return f"first seed {seed}" if seed else "first"


def model_of(policy: str, months: tuple[int, ...], seed: int) -> Model:
    """Return the last model that a policy has trained by the ends of these months.

    >>> model_of("quarterly/base", (21, 24), 0).name
    'base@24'
    """
    way, _, start = policy.partition("/")
    return Model("base", months[-1:], seed) if start == "base" else Model(f"live {way}", months, seed)


def models_of(policies: Sequence[str], watched: Sequence[int], seeds: Sequence[int]) -> list[Model]:
    """Return all models that the policies need, each once, in the order to train them in: seed by seed, policy by policy."""
    found = [
        model_of(policy, months[:n], seed)
        for seed in seeds
        for policy in policies
        for months in [cutoffs(watched)[policy.partition("/")[0]]]
        for n in range(1, len(months) + 1)
    ]
    return list(dict.fromkeys(found))


def summary(record: Mapping[str, Any], when: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return for each policy and seed whose models are all there the means by month, exam and change, and the cost."""
    seeds = sorted({row.get("seed", 0) for row in record["rows"].values()})
    made = {}
    for policy in POLICIES:
        for seed in seeds:
            months = when[policy.partition("/")[0]]
            models = [model_of(policy, months[: n + 1], seed).name for n in range(len(months))]
            first = first_of(seed) if first_of(seed) in record["rows"] else first_of(0)
            if {first, *models} <= set(record["rows"]) and (models or first == first_of(seed)):
                trained = dict(zip(months, models, strict=True))
                made[policy + (f" seed {seed}" if seed else "")] = _of_policy(record, first, trained)
    return made


def _of_policy(record: Mapping[str, Any], first: str, trained: Mapping[int, str]) -> dict[str, Any]:
    """Return the year of a policy, given the first year's model and those trained at the ends of months."""
    rows, queries = record["rows"], record["queries"]
    live = {m: next((trained[t] for t in sorted(trained, reverse=True) if t < m), first) for m in MONTHS}
    last = live[LAST]
    scores = {str(month): rows[name]["scores"][str(month)] for month, name in live.items()}
    by_change: dict[str, list[float]] = {}
    for part, found in scores.items():
        for change, score in zip(queries[part].values(), found, strict=True):
            by_change.setdefault(change, []).append(score)
    everything = [score for found in scores.values() for score in found]
    return {
        "models": live,
        "months": {part: float(np.mean(found)) for part, found in scores.items()},
        "year": float(np.mean(everything)),
        "by_change": {change: float(np.mean(found)) for change, found in sorted(by_change.items())},
        "exams": {exam: float(np.mean(rows[last]["scores"][exam])) for exam in ("old", "new")},
        "trainings": len(trained),
        "cpu_s": round(sum(rows[name]["cpu_s"] for name in trained.values()), 1),
    }
