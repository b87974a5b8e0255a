"""Is the tuned model really better? Measures per query, paired tests, slices, and the decision to ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
import pandas as pd
from ir_measures import RR, R, Success, nDCG
from numpy.typing import NDArray
from scipy import stats
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import Qrels, RetrievalDataset, relevant
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.text import tokenize

MEASURES = (nDCG @ 10, RR @ 10, R @ 10, R @ 100, Success @ 1)
MEASURE_NAMES = tuple(str(m) for m in MEASURES)
MAIN_MEASURE = "nDCG@10"
RESAMPLES = 9_999


def per_query(qrels: Qrels, run: Run) -> pd.DataFrame:
    """Return every measure of every judged query: index query id (ascending), columns ``MEASURE_NAMES``, values 0 to 1.

    A judged query that the run does not answer counts 0.
    """
    frame = pd.DataFrame(0.0, index=pd.Index(sorted(qrels), name="query_id"), columns=list(MEASURE_NAMES))
    for metric in ir_measures.iter_calc(MEASURES, qrels, run):
        frame.loc[metric.query_id, str(metric.measure)] = metric.value
    return frame


def evaluate_run(qrels: Qrels, run: Run) -> dict[str, float]:
    """Return the mean of each measure over all judged queries; higher is better, 0 to 1."""
    means = per_query(qrels, run).mean()
    return {name: float(means[name]) for name in MEASURE_NAMES}


def systems_table(qrels: Qrels, runs: Mapping[str, Run]) -> pd.DataFrame:
    """Return one row a system, one column a measure."""
    return pd.DataFrame({name: evaluate_run(qrels, run) for name, run in runs.items()}).T


def article_clusters(qrels: Qrels) -> dict[str, str]:
    """Return for each query its best-graded article: queries for one article are not independent of each other."""
    return {q: relevant(grades)[0] for q, grades in qrels.items()}


@dataclass(frozen=True)
class Difference:
    """Mean paired difference of one measure with its uncertainty.

    Attributes:
        before: Mean of the baseline.
        after: Mean of the system.
        difference: after - before.
        low: Lower end of the 95 % bootstrap interval of the difference.
        high: Upper end.
        p: Two-sided p-value of the paired randomisation test.
        queries: Number of queries.
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    queries: int


def paired_difference(
    before: NDArray[np.float64], after: NDArray[np.float64], clusters: Sequence[str], *, seed: int = 0
) -> Difference:
    """Compare two systems on the same queries, resampling whole clusters of queries.

    Args:
        before: Per-query values of the baseline, length Q.
        after: Per-query values of the system, same order.
        clusters: Cluster of each query; queries of one cluster move together in every resample.
        seed: Seed of both tests.

    Raises:
        ValueError: The lengths differ, or there is no query.

    Reference: Smucker, Allan and Carterette 2007, CIKM (paired randomisation test and bootstrap in retrieval).
    """
    if not len(before) == len(after) == len(clusters) or not len(before):
        raise ValueError(f"{len(before)} values before, {len(after)} after, {len(clusters)} clusters: pass one each "
                         "for every query, and at least one query")
    groups = pd.factorize(pd.Series(list(clusters)), sort=True)[0]
    sizes = np.bincount(groups).astype(float)
    sums = np.bincount(groups, weights=after - before)
    mean = float(sums.sum() / sizes.sum())
    low = high = mean
    p = 1.0
    if len(sizes) > 1 and np.any(sums):
        rng = np.random.default_rng(seed)
        interval = stats.bootstrap(
            (sums, sizes), lambda s, n, axis: s.sum(axis) / n.sum(axis), paired=True, vectorized=True,
            n_resamples=RESAMPLES, batch=500, method="percentile", rng=rng,
        ).confidence_interval
        low, high = float(interval.low), float(interval.high)
        # Swapping the two systems within a cluster flips the sign of its summed difference.
        p = float(stats.permutation_test(
            (sums,), lambda s, axis: s.sum(axis), permutation_type="samples", vectorized=True,
            n_resamples=RESAMPLES, batch=500, rng=rng,
        ).pvalue)
    return Difference(float(before.mean()), float(after.mean()), mean, low, high, p, len(before))


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same queries, corpus and judgments.

    Attributes:
        baseline: Name of the system compared against.
        system: Name of the system compared.
        before: Per-query measures of the baseline.
        after: Per-query measures of the system, same index.
        clusters: Cluster of each query.
        differences: Per measure the mean difference and its uncertainty.
    """

    baseline: str
    system: str
    before: pd.DataFrame
    after: pd.DataFrame
    clusters: dict[str, str]
    differences: dict[str, Difference]

    @property
    def main(self) -> Difference:
        """The difference in nDCG@10."""
        return self.differences[MAIN_MEASURE]

    def deltas(self, measure: str = MAIN_MEASURE) -> pd.Series:
        """Return after - before of every query."""
        return self.after[measure] - self.before[measure]

    def outcome(self, measure: str = MAIN_MEASURE) -> dict[str, int]:
        """Return the number of queries won, lost and tied by the system."""
        deltas = self.deltas(measure)
        return {"won": int((deltas > 1e-9).sum()), "lost": int((deltas < -1e-9).sum()),
                "tied": int((deltas.abs() <= 1e-9).sum())}

    def table(self) -> pd.DataFrame:
        """Return one row a measure: before, after, difference, low, high, p."""
        return pd.DataFrame({m: vars(d) for m, d in self.differences.items()}).T


def compare(
    qrels: Qrels, runs: Mapping[str, Run], baseline: str, system: str, *, seed: int = 0
) -> Comparison:
    """Compare two runs on every measure; queries that share an article are resampled together.

    Raises:
        ValueError: A name is not among ``runs``.
    """
    missing = {baseline, system} - set(runs)
    if missing:
        raise ValueError(f"no run named {sorted(missing)}: there are {sorted(runs)}")
    before, after = per_query(qrels, runs[baseline]), per_query(qrels, runs[system])
    clusters = article_clusters(qrels)
    order = [clusters[q] for q in before.index]
    measures = tqdm(MEASURE_NAMES, desc=f"compare {system} with {baseline}", disable=len(order) < 1000)
    differences = {m: paired_difference(before[m].to_numpy(), after[m].to_numpy(), order, seed=seed) for m in measures}
    return Comparison(baseline, system, before, after, clusters, differences)


# --- slices -------------------------------------------------------------------------------------------------------


def query_slices(dataset: RetrievalDataset, split: str = "test", *, min_queries: int = 20) -> pd.DataFrame:
    """Return the slices each query falls into: index query id, one column a way of slicing.

    Columns: "article" (its answer seen in training or not), "length" (words), "overlap" (share of the query's words in
    its answer) and, where queries carry ``metadata["family"]``, "family" (small ones together as "other").
    """
    seen = dataset.seen_articles()
    rows = {}
    for q, articles in dataset.positives(split).items():
        query = dataset.queries[q]
        words = tokenize(query.text)
        answer = set(tokenize(dataset.corpus[articles[0]].full_text))
        shared = sum(w in answer for w in words) / max(1, len(words))
        rows[q] = {
            "article": "seen in training" if seen & set(articles) else "unseen in training",
            "length": "1-4 words" if len(words) <= 4 else "5-8 words" if len(words) <= 8 else "9+ words",
            "overlap": "all words in the answer" if shared == 1 else "over half" if shared > 0.5 else "half or fewer",
            "family": str(query.metadata.get("family", "")),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("query_id").sort_index()
    small = frame["family"].map(frame["family"].value_counts()) < min_queries
    frame.loc[small, "family"] = "other"
    return frame if frame["family"].nunique() > 1 else frame.drop(columns="family")


def slice_table(comparison: Comparison, slices: pd.DataFrame, *, measure: str = MAIN_MEASURE) -> pd.DataFrame:
    """Return one row a slice: queries, before, after, difference, low, high, p, p_adjusted, worse.

    ``worse`` marks a slice whose loss is significant at 5 % after Benjamini and Hochberg's (1995) correction for looking at
    many slices.
    """
    rows = []
    groups = [(by, value, list(ids)) for by in slices.columns for value, ids in slices.groupby(by).groups.items()]
    for by, value, ids in tqdm(groups, desc="slices", disable=len(groups) * len(slices) < 5000):
        d = paired_difference(comparison.before.loc[ids, measure].to_numpy(),
                              comparison.after.loc[ids, measure].to_numpy(),
                              [comparison.clusters[q] for q in ids])
        rows.append({"slice": by, "value": value, **vars(d)})
    table = pd.DataFrame(rows)
    table["p_adjusted"] = stats.false_discovery_control(table["p"])
    table["worse"] = (table["difference"] < 0) & (table["p_adjusted"] < 0.05)
    return table[["slice", "value", "queries", "before", "after", "difference", "low", "high", "p", "p_adjusted", "worse"]]


def rank_of_answer(qrels: Qrels, run: Run) -> pd.Series:
    """Return the rank (from 1) of each query's best-placed relevant article; infinite where none was retrieved."""
    ranks = {}
    for q, grades in sorted(qrels.items()):
        good = set(relevant(grades))
        ranks[q] = next((float(n) for n, a in enumerate(run.get(q, {}), 1) if a in good), np.inf)
    return pd.Series(ranks, name="rank").rename_axis("query_id")


def side_by_side(
    dataset: RetrievalDataset, runs: Mapping[str, Run], query_ids: Sequence[str], split: str = "test"
) -> pd.DataFrame:
    """Return for each query its text, its answer, and per system the article ranked first and the answer's rank."""
    rows = []
    for q in query_ids:
        row = {"query": dataset.queries[q].text, "answer": ", ".join(relevant(dataset.qrels[split][q]))}
        for name, run in runs.items():
            rank = rank_of_answer({q: dataset.qrels[split][q]}, run)[q]
            row[f"{name} ranks first"] = next(iter(run.get(q, {})), "nothing")
            row[f"{name}: answer at"] = "not in 100" if np.isinf(rank) else str(int(rank))
        rows.append(row)
    return pd.DataFrame(rows)


# --- the decision -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShipSettings:
    """What a model must show before it replaces the one in use; set them before looking at test.

    Attributes:
        min_gain: Least gain in nDCG@10 worth a reindex.
        max_recall_loss: Most R@100 that may be lost.
        alpha: Significance level.
    """

    min_gain: float = 0.02
    max_recall_loss: float = 0.01
    alpha: float = 0.05


@dataclass(frozen=True)
class Check:
    """One requirement: whether it holds, and the figures behind it."""

    passed: bool
    text: str


@dataclass(frozen=True)
class ShipDecision:
    """Whether to ship, requirement by requirement."""

    checks: list[Check]

    @property
    def ship(self) -> bool:
        """True only if every requirement holds."""
        return all(c.passed for c in self.checks)

    @property
    def decision(self) -> str:
        """The decision in words: "ship" or "do not ship"."""
        return "ship" if self.ship else "do not ship"

    @property
    def reasons(self) -> list[str]:
        """One line a requirement, failed ones first."""
        return [f"{'yes' if c.passed else 'NO'}: {c.text}" for c in sorted(self.checks, key=lambda c: c.passed)]


def ship_decision(
    against_base: Comparison, against_bm25: Comparison, slices: pd.DataFrame, settings: ShipSettings | None = None
) -> ShipDecision:
    """Return the decision on the tuned model from its comparisons with the base model and with BM25.

    Args:
        against_base: Tuned against base.
        against_bm25: Tuned against BM25: a tuned encoder that keyword search beats is not worth its cost.
        slices: ``slice_table`` of tuned against base.
        settings: Thresholds.
    """
    s = settings or ShipSettings()
    main, recall, keyword = against_base.main, against_base.differences["R@100"], against_bm25.main
    worse = slices[slices["worse"]]
    named = ", ".join(f"{r['slice']}: {r['value']} ({r['difference']:+.3f})" for _, r in worse.iterrows())
    return ShipDecision([
        Check(main.difference >= s.min_gain, f"nDCG@10 gains {main.difference:+.3f} over base, {s.min_gain} wanted"),
        Check(main.low > 0, f"the 95 % interval of the gain, {main.low:+.3f} to {main.high:+.3f}, lies above 0"),
        Check(main.difference > 0 and main.p < s.alpha, f"p {_p(main.p)} in the paired randomisation test, below "
                                                        f"{s.alpha} wanted"),
        Check(keyword.low >= 0, f"against BM25 nDCG@10 differs by {keyword.difference:+.3f} "
                                f"({keyword.low:+.3f} to {keyword.high:+.3f}): not below 0 wanted"),
        Check(recall.difference >= -s.max_recall_loss,
              f"R@100 changes by {recall.difference:+.3f}, a loss of at most {s.max_recall_loss} is allowed"),
        Check(worse.empty, f"of {len(slices)} slices {len(worse)} got significantly worse" + (f": {named}" if named else "")),
    ])


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
