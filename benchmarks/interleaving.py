"""How many searches tell two rankings apart: interleaved, or half of the people with each?

    python -m benchmarks.interleaving --workspace workspace/support_desk --out benchmarks/results/interleaving.json

Nothing is encoded: rankings and judgments are read from the workspace's ``runs``. People search for its test queries, each as
often as any other, and click as in support_desk's search log (data/README.md): a document at place r is looked at with
probability r^-0.7, then clicked with 0.86 if it answers (has the query's best grade) and with 0.17 if not. Ten are shown.

``false_alarms``: of experiments with two versions that are equally good, the share that names a winner; with the same
ranking twice, and with two rankings ("exchanged") that change their names by a coin for each search.
``sizes``: for differences of several sizes the searches that find them in 80 % of experiments at 5 %, for interleaving by the
sign test of wins and losses, for the split by the better of two figures: the share of searches with a click, and the mean of
1 / place of the first click. A candidate of share s has the better ranking for that share of the queries, else the worse one.
"paper" credits what both rankings have next too, by a coin, and "first click" counts the first click of a search alone.
Sizes are worked out from the exact chances of each search, and where they are small enough tried by simulation (``power``).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.machine import description
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.files import write_json
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.serving.interleave import team_draft
from tutorial_lib.serving.preference import ALPHA, any_time_p, sign_test

SHOWN = 10
LOOKED_AT = np.arange(1, SHOWN + 1) ** -0.7
CLICK_RIGHT, CLICK_WRONG = 0.86, 0.17
POWER = 0.8
TRIED = 20_000
"""Experiments of more searches are not simulated."""
AT_A_TIME = 200_000
"""Searches simulated at once."""

Floats = NDArray[np.float64]
Ranking = Mapping[str, Sequence[str]]
"""Query id -> document ids, best first."""


@dataclass
class _Coins:
    """Coins that fall in a given order: going through all orders makes every draft there is."""

    numbers: list[float]

    def random(self) -> float:
        return self.numbers.pop(0)


@dataclass(frozen=True)
class Drafts:
    """All drafts of all queries: Q queries, each with the M drafts that coins can give, all as likely.

    Attributes:
        chance: Of a click on each document shown: (Q, M, SHOWN).
        team: 1 for the candidate's, -1 for the live version's, 0 for none: (Q, M, SHOWN).
    """

    chance: Floats
    team: NDArray[np.int64]

    def outcomes(self, rng: np.random.Generator, searches: int) -> NDArray[np.int64]:
        """Return who won each of so many simulated searches: 1 the candidate, -1 the live version, 0 nobody."""
        q, m = rng.integers(0, self.chance.shape[0], searches), rng.integers(0, self.chance.shape[1], searches)
        clicked = rng.random((searches, SHOWN), dtype=np.float32) < self.chance[q, m]
        return np.sign((clicked * self.team[q, m]).sum(axis=1))

    def first_click(self) -> tuple[float, float]:
        """Return the same chances where the first click of a search counts alone."""
        before = np.concatenate([np.ones_like(self.chance[..., :1]), np.cumprod(1 - self.chance, axis=-1)[..., :-1]], axis=-1)
        mean = (self.chance * before).reshape(-1), self.team.reshape(-1)
        searches = self.team.shape[0] * self.team.shape[1]
        return float(mean[0][mean[1] > 0].sum() / searches), float(mean[0][mean[1] < 0].sum() / searches)

    def chances(self) -> tuple[float, float]:
        """Return the exact chances that the candidate and the live version win a search."""
        rows = np.zeros((self.team.shape[0] * self.team.shape[1], 2 * SHOWN + 1))
        rows[:, SHOWN] = 1.0  # of each draft the chance of every difference in clicks, -SHOWN to SHOWN
        for place in range(SHOWN):
            chance, team = self.chance[..., place].reshape(-1, 1), self.team[..., place].reshape(-1, 1)
            moved = np.where(team > 0, np.roll(rows, 1, axis=1), np.where(team < 0, np.roll(rows, -1, axis=1), rows))
            rows = rows * (1 - chance) + moved * chance
        mean = rows.mean(axis=0)
        return float(mean[SHOWN + 1 :].sum()), float(mean[:SHOWN].sum())


def chances(documents: Sequence[str], right: set[str]) -> Floats:
    """Return the chance of a click on each of the SHOWN places."""
    worth = [CLICK_RIGHT if a in right else CLICK_WRONG for a in documents[:SHOWN]]
    return LOOKED_AT * np.array(worth + [0.0] * (SHOWN - len(worth)))


def drafts_of(live: Ranking, candidate: Ranking, right: Mapping[str, set[str]], *, paper: bool = False) -> Drafts:
    """Return every draft of two rankings of the same queries, by the package's own ``team_draft``."""
    tosses = list(product((0.1, 0.9), repeat=-(-SHOWN // 2)))
    chance, team = np.zeros((2, len(right), len(tosses), SHOWN))
    for q, (query, answers) in enumerate(right.items()):
        for m, coins in enumerate(tosses):
            shown = team_draft(live[query][:SHOWN], candidate[query][:SHOWN], SHOWN, _Coins(list(coins)), agreed_too=paper)
            chance[q, m] = chances(list(shown), answers)
            team[q, m, : len(shown)] = [0 if t is None else 2 * t - 1 for t in shown.values()]
    return Drafts(chance, team.astype(np.int64))


def split_moments(ranking: Ranking, right: Mapping[str, set[str]]) -> dict[str, tuple[float, float]]:
    """Return mean and variance of a search's figures where one ranking is shown: a click at all, 1 / place of the first."""
    chance = np.array([chances(ranking[q], answers) for q, answers in right.items()])
    first = chance * np.cumprod(np.hstack([np.ones((len(chance), 1)), 1 - chance[:, :-1]]), axis=1)
    worth = {"clicked": np.ones(SHOWN), "reciprocal place": 1 / np.arange(1, SHOWN + 1)}
    means = {name: float((first * w).sum(axis=1).mean()) for name, w in worth.items()}
    return {name: (means[name], float((first * w**2).sum(axis=1).mean()) - means[name] ** 2) for name, w in worth.items()}


def needed(difference: float, variance: float) -> int | None:
    """Return how many observations find a mean difference with POWER at ALPHA; None for none that is there."""
    z = float(stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER))
    return int(np.ceil(z**2 * variance / difference**2)) if abs(difference) > 1e-9 else None


def _needed_of(chances: tuple[float, float]) -> int | None:
    wins, losses = chances
    return needed(wins - losses, wins + losses)  # the variance of wins less losses where both are nearly as likely


def simulated(drafts: Drafts, searches: int, experiments: int, seed: int, *, exchanged: bool = False) -> Iterator[Any]:
    """Yield the outcomes of experiments: int, (some, ``searches``) each time."""
    rng, most = np.random.default_rng(seed), max(1, AT_A_TIME // searches)
    for begun in range(0, experiments, most):
        number = min(most, experiments - begun)
        won = drafts.outcomes(rng, number * searches).reshape(number, searches)
        yield won * rng.choice([-1, 1], won.shape) if exchanged else won


def rate(found: int, experiments: int) -> dict[str, Any]:
    """Return a share of experiments with its 95 % interval (Clopper and Pearson)."""
    interval = stats.binomtest(found, experiments).proportion_ci()
    return {"share": found / experiments, "low": interval.low, "high": interval.high, "experiments": experiments}


def false_alarms(drafts: Drafts, experiments: int, searches: int, every: int, *, exchanged: bool) -> dict[str, Any]:
    """Return how often a winner is named where there is none: for one look at the end, and for a look now and then."""
    counts = dict.fromkeys(("sign test, one look", "sign test, looked at often", "any time, looked at often"), 0)
    for won in simulated(drafts, searches, experiments, seed=1, exchanged=exchanged):
        wins, losses = ((won == side).cumsum(axis=1)[:, every - 1 :: every] for side in (1, -1))
        by_look = sign_test(wins, losses) < ALPHA
        counts["sign test, one look"] += int(by_look[:, -1].sum())
        counts["sign test, looked at often"] += int(by_look.any(axis=1).sum())
        counts["any time, looked at often"] += int((any_time_p(wins, losses) < ALPHA).any(axis=1).sum())
    return {"searches": searches, "looked_at_every": every} | {name: rate(n, experiments) for name, n in counts.items()}


def tried(drafts: Drafts, searches: int, experiments: int) -> dict[str, Any]:
    """Return in how many experiments of so many searches the sign test names the version that is better."""
    found, better = 0, np.subtract(*drafts.chances())
    for won in simulated(drafts, searches, experiments, seed=2):
        wins, losses = (won > 0).sum(axis=1), (won < 0).sum(axis=1)
        found += int(((sign_test(wins, losses) < ALPHA) & ((wins - losses) * better > 0)).sum())
    return rate(found, experiments)


def looked_at_any_time(drafts: Drafts, experiments: int, searches: int, every: int) -> int | None:
    """Return after how many searches ``any_time_p`` has named a winner in POWER of the experiments; None if it has not."""
    ends: list[float] = []
    for won in simulated(drafts, searches, experiments, seed=3):
        wins, losses = ((won == side).cumsum(axis=1)[:, every - 1 :: every] for side in (1, -1))
        seen = any_time_p(wins, losses) < ALPHA
        ends += np.where(seen.any(axis=1), (seen.argmax(axis=1) + 1) * every, np.inf).tolist()
    end = float(np.quantile(ends, POWER, method="higher"))
    return int(end) if np.isfinite(end) else None


def row_of(name: str, live: Run, candidate: Run, qrels: Mapping[str, Mapping[str, int]], experiments: int) -> dict[str, Any]:
    """Return how many searches tell a candidate from the live version."""
    right = answers_of(qrels)
    lists = [{q: list(run.get(q, {})) for q in right} for run in (live, candidate)]
    drafts = drafts_of(lists[0], lists[1], right)
    wins, losses = drafts.chances()
    interleaved = _needed_of(drafts.chances())
    paper = drafts_of(lists[0], lists[1], right, paper=True)
    before, after = (split_moments(ranking, right) for ranking in lists)
    split = {}
    for figure, (mean, variance) in before.items():
        other_mean, other_variance = after[figure]
        half = needed(other_mean - mean, variance + other_variance)
        split[figure] = {"live": mean, "candidate": other_mean, "searches": half and 2 * half}
    scores = [evaluate_run(dict(qrels), run)[MAIN_MEASURE] for run in (live, candidate)]
    best = min((s["searches"] for s in split.values() if s["searches"]), default=None)
    small = interleaved is not None and interleaved <= TRIED
    return {
        "name": name,
        MAIN_MEASURE: scores,
        "difference": scores[1] - scores[0],
        "candidate_wins": wins,
        "live_wins": losses,
        "interleaved": interleaved,
        "interleaved_paper": _needed_of(paper.chances()),
        "interleaved_first_click": _needed_of(drafts.first_click()),
        "interleaved_any_time": looked_at_any_time(drafts, experiments, 3 * (interleaved or 0), 50) if small else None,
        "power": tried(drafts, interleaved or 0, experiments) if small else None,
        "split": split,
        "split_best": best,
        "split_to_interleaved": best / interleaved if best and interleaved else None,
    }


def answers_of(qrels: Mapping[str, Mapping[str, int]]) -> dict[str, set[str]]:
    """Return for each query the documents with its best grade."""
    return {q: {a for a, grade in grades.items() if grade == max(grades.values())} for q, grades in qrels.items()}


def mixed(worse: Run, better: Run, share: float) -> Run:
    """Return a run with the better ranking for so large a share of the queries, drawn once, the worse one for the rest."""
    queries = np.random.default_rng(0).permutation(sorted(worse)).tolist()
    chosen = set(queries[: round(share * len(queries))])
    return {q: better[q] if q in chosen else worse[q] for q in worse}


def read_run(path: Path) -> Run:
    """Return a run as the workspace wrote it, best first."""
    run: Run = {}
    for scored in ir_measures.read_trec_run(str(path)):
        run.setdefault(scored.query_id, {})[scored.doc_id] = scored.score
    return run


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Return judgments as the workspace wrote them."""
    qrels: dict[str, dict[str, int]] = {}
    for judged in ir_measures.read_trec_qrels(str(path)):
        qrels.setdefault(judged.query_id, {})[judged.doc_id] = judged.relevance
    return qrels


def main() -> None:
    """Simulate and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--experiments", type=int, default=2000, help="without a difference")
    parser.add_argument("--tried", type=int, default=500, help="experiments with one, for each size")
    parser.add_argument("--searches", type=int, default=1000, help="of an experiment without a difference")
    given = parser.parse_args()
    folder = given.workspace / "runs"
    qrels = read_qrels(folder / "qrels.trec")
    runs = {name: read_run(folder / f"{name}.trec") for name in ("bm25", "base", "tuned", "bm25+tuned")}
    right = answers_of(qrels)
    ranked = {name: {q: list(run.get(q, {})) for q in qrels} for name, run in runs.items()}
    alarms = {}
    equal = {"the same": ("tuned", False), "the same, the paper's way": ("tuned", True), "exchanged": ("base", False)}
    for name, (first, paper) in equal.items():
        drafts = drafts_of(ranked[first], ranked["tuned"], right, paper=paper)
        alarms[name] = false_alarms(drafts, given.experiments, given.searches, 50, exchanged=first != "tuned")
        print(name, alarms[name], flush=True)
    pairs = {
        f"base -> tuned, share {s:g}": ("base", mixed(runs["base"], runs["tuned"], s)) for s in (1, 0.75, 0.5, 0.25, 0.1)
    }
    pairs |= {f"{a} -> {b}": (a, runs[b]) for a, b in (("bm25", "base"), ("bm25", "tuned"), ("tuned", "bm25+tuned"))}
    rows = [row_of(name, runs[live], candidate, qrels, given.tried) for name, (live, candidate) in pairs.items()]
    for row in rows:
        print({name: row[name] for name in ("name", "difference", "interleaved", "split_best", "power")}, flush=True)
    command = f"python -m benchmarks.interleaving --experiments {given.experiments} --tried {given.tried}"
    write_json(given.out, {"command": command, "machine": description(), "false_alarms": alarms, "sizes": rows})


if __name__ == "__main__":
    main()
