"""Less prompt for the same answer: how many tokens of context a system needs until the facts of an answer are in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError
from tutorial_lib.evaluation.significance import Comparison, paired_difference
from tutorial_lib.rag.context import SEPARATOR, ContextError, Render, as_it_is
from tutorial_lib.rag.facts import Fact, facts_in
from tutorial_lib.rag.tokens import TokenCounter
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.text import normal_form

RESAMPLES = 2_000
"""Resamples of the bootstrap, the same ones for every system: their differences are paired."""
ANSWERED = "answered"
"""Measure of a comparison: whether all facts of a query are in a context of so many tokens."""


@dataclass(frozen=True)
class Budget:
    """What a context costs until it holds the answer.

    Attributes:
        needed: Index query id, a column a system: the least budget of tokens with which ``context.fill_context`` shows all
            facts of the query; infinite where what was found does not hold them.
        clusters: Cluster of each query (``evaluation.significance.document_clusters``): resampled together.
        counted_by: Name of the tokenizer.
        seed: Seed of the bootstrap.

    >>> needed = pd.DataFrame({"base": [100.0, 300.0], "tuned": [100.0, 150.0]}, index=["q1", "q2"])
    >>> budget = Budget(needed, {"q1": "a", "q2": "b"}, "words")
    >>> budget.tokens_for(0.9)["tokens"].to_dict()
    {'base': 300.0, 'tuned': 150.0}
    """

    needed: pd.DataFrame
    clusters: Mapping[str, str]
    counted_by: str
    seed: int = 0

    def shares(self, budgets: Sequence[int]) -> pd.DataFrame:
        """Return the share of queries whose facts are all in a context of so many tokens.

        Args:
            budgets: Tokens.

        Returns:
            One row a system and budget: "system", "tokens", "share" (0 to 1, higher is better), and its 95 % bootstrap
            interval "low" and "high".
        """
        rows = []
        for system, needed in self.needed.items():
            enough = needed.to_numpy()[:, None] <= np.asarray(budgets)
            drawn = self._weights @ enough / self._weights.sum(axis=1, keepdims=True)
            low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
            for tokens, *values in zip(budgets, enough.mean(axis=0), low, high, strict=True):
                rows.append((str(system), int(tokens), *map(float, values)))
        return pd.DataFrame(rows, columns=["system", "tokens", "share", "low", "high"])

    def tokens_for(self, share: float = 0.9, *, price: float | None = None) -> pd.DataFrame:
        """Return the least budget with which ``share`` of the queries have all their facts in the context.

        Args:
            share: Of the queries, above 0, at most 1.
            price: Money for a million tokens of prompts.

        Returns:
            Index system; "tokens" with its 95 % bootstrap interval "low" and "high" (infinite where too few queries are
            answered by anything found); "times" as many as the first system needs, with its interval "times_low" and
            "times_high" (1 is as many; not a number where both are infinite); and with a price "cost_per_1000", the money for
            a thousand prompts filled to that budget.

        Raises:
            DataError: ``share`` is not above 0 and at most 1, or the price is below 0.
        """
        if not 0 < share <= 1:
            raise DataError(f"share is {share}: pass one above 0, at most 1")
        if price is not None and not price >= 0:
            raise DataError(f"price is {price}: pass the money for a million tokens, at least 0")
        rows, first = {}, None
        for system, needed in self.needed.items():
            drawn = _reached(needed.to_numpy(), np.vstack([np.ones(len(needed)), self._weights]), share)
            first = drawn if first is None else first
            with np.errstate(invalid="ignore"):
                times = drawn / first
            low, high, times_low, times_high = *_ends(drawn[1:]), *_ends(times[1:])
            rows[system] = {"tokens": drawn[0], "low": low, "high": high, "times": times[0]}
            rows[system] |= {"times_low": times_low, "times_high": times_high}
            if price is not None:
                rows[system]["cost_per_1000"] = drawn[0] * price / 1000
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("system")

    def compare(self, before: str, after: str, tokens: int) -> Comparison:
        """Return two systems compared query by query: ``ANSWERED`` is 1 where a context of so many tokens holds all facts."""
        there = (self.needed <= tokens).astype(float)
        old, new = (there[[name]].set_axis([ANSWERED], axis=1) for name in (before, after))
        clusters = [self.clusters[q] for q in there.index]
        difference = paired_difference(old[ANSWERED].to_numpy(), new[ANSWERED].to_numpy(), clusters, seed=self.seed)
        return Comparison(before, after, old, new, dict(self.clusters), {ANSWERED: difference})

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """How often each query is drawn in each resample of clusters, (RESAMPLES, Q)."""
        groups, names = pd.factorize(pd.Series([self.clusters[q] for q in self.needed.index]), sort=True)
        count = len(names)
        drawn = np.random.default_rng(self.seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        return drawn[:, groups].astype(float)


def tokens_needed(
    runs: Mapping[str, Run],
    texts: Mapping[str, str],
    facts: Mapping[str, Sequence[Fact]],
    clusters: Mapping[str, str],
    count: TokenCounter,
    *,
    render: Render = as_it_is,
    seed: int = 0,
) -> Budget:
    """Return what each system's contexts cost on the queries that have facts.

    Args:
        runs: System -> run; the first is what others are compared with.
        texts: Text of every document or passage that the runs rank.
        facts: What the answer of each query must contain.
        clusters: Cluster of each query.
        count: Counts tokens.
        render: What stands in the prompt for a text.
        seed: Seed of the bootstrap.

    Raises:
        DataError: There is no run, no facts, or a query with facts has no cluster.
        ContextError: A run ranks what has no text.
    """
    alone = next((q for q in facts if q not in clusters), None)
    if not runs or not facts or alone is not None:
        what = f"query {alone} has facts and no cluster" if runs and facts else "there is no run, or there are no facts"
        raise DataError(f"{what}: pass runs, and facts of judged queries")
    needed: dict[str, dict[str, float]] = {}
    for q, wanted in facts.items():
        held: dict[str, list[bool]] = {}  # what a text holds for this query, whichever system found it
        needed[q] = {name: _needed(run.get(q, {}), texts, wanted, count, render, held) for name, run in runs.items()}
    frame = pd.DataFrame.from_dict(needed, orient="index", columns=list(runs)).rename_axis("query_id").sort_index()
    return Budget(frame, {q: clusters[q] for q in frame.index}, count.name, seed)


def _needed(
    found: Mapping[str, float],
    texts: Mapping[str, str],
    facts: Sequence[Fact],
    count: TokenCounter,
    render: Render,
    held: dict[str, list[bool]],
) -> float:
    """Return the tokens of the first texts found, each said once, that together hold all ``facts``."""
    tokens = 0
    missing = set(range(len(facts)))
    said: set[str] = set()
    for id_ in found:
        if id_ not in texts:
            raise ContextError(f"{id_} was found and has no text: pass the texts of what the runs rank, articles or passages")
        form = normal_form(texts[id_])
        if form in said or not form:
            continue
        said.add(form)
        shown = render(id_, texts[id_])
        tokens += count(shown + SEPARATOR)
        if id_ not in held:
            held[id_] = facts_in(shown, facts)
        missing -= {n for n, there in enumerate(held[id_]) if there}
        if not missing:
            return float(tokens)
    return float("inf")


def _reached(needed: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return for each row of ``weights`` (R, Q) the least budget that ``share`` of the weighted queries do with: (R,)."""
    order = np.argsort(needed, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    enough = reached >= share * reached[:, -1:] - 1e-9
    return needed[order][enough.argmax(axis=1)]


def _ends(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the 95 % interval; each is one of the values, for some may be infinite."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)
