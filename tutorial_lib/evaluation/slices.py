"""Who won and who lost: kinds of queries, and single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.evaluation.measures import MAIN_MEASURE, rank_of_answer
from tutorial_lib.evaluation.significance import Comparison, paired_difference
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.text import tokenize


def query_slices(dataset: RetrievalDataset, split: str = "test", *, min_queries: int = 20) -> pd.DataFrame:
    """Return the slices each query falls into: index query id, one column a way of slicing.

    Args:
        dataset: The dataset.
        split: Whose queries.
        min_queries: A family of fewer queries is put with the other small ones.

    Returns:
        Columns "article" (its answer seen in training or not), "length" (words), "overlap" (share of the query's words in
        its answer) and, where queries carry ``metadata["family"]``, "family" (small ones together as "other").

    Raises:
        DataError: The split has no judged query.
    """
    if not dataset.qrels.get(split):
        there = ", ".join(s for s, judged in dataset.qrels.items() if judged) or "none"
        raise DataError(f"{dataset.name}: the split {split!r} has no judged query: pass one that has ({there})")
    seen = dataset.seen_documents()
    rows = {}
    for q, documents in dataset.positives(split).items():
        query = dataset.queries[q]
        words = tokenize(query.text)
        answer = set(tokenize(dataset.corpus[documents[0]].full_text))
        shared = sum(w in answer for w in words) / max(1, len(words))
        rows[q] = {
            "article": "seen in training" if seen & set(documents) else "unseen in training",
            "length": "1-4 words" if len(words) <= 4 else "5-8 words" if len(words) <= 8 else "9+ words",
            "overlap": "all words in the answer" if shared == 1 else "over half" if shared > 0.5 else "half or fewer",
            "family": str(query.metadata.get("family", "")),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("query_id").sort_index()
    small = frame["family"].map(frame["family"].value_counts()) < min_queries
    frame.loc[small, "family"] = "other"
    return frame if frame["family"].nunique() > 1 else frame.drop(columns="family")


def slice_table(comparison: Comparison, slices: pd.DataFrame, *, measure: str = MAIN_MEASURE) -> pd.DataFrame:
    """Return how each slice fared.

    Args:
        comparison: Two systems.
        slices: ``query_slices`` of the same queries.
        measure: By which measure.

    Returns:
        One row a slice: slice, value, queries, before, after, difference, low, high, p, p_adjusted, worse. ``worse`` marks
        a slice whose loss is significant at 5 % after Benjamini and Hochberg's (1995) correction for looking at many.
    """
    rows = []
    groups = [(by, value, list(ids)) for by in slices.columns for value, ids in slices.groupby(by).groups.items()]
    for by, value, ids in tqdm(groups, desc="slices", disable=len(groups) * len(slices) < 5000):
        d = paired_difference(
            comparison.before.loc[ids, measure].to_numpy(),
            comparison.after.loc[ids, measure].to_numpy(),
            [comparison.clusters[q] for q in ids],
        )
        rows.append({"slice": by, "value": value, **vars(d)})
    table = pd.DataFrame(rows)
    table["p_adjusted"] = stats.false_discovery_control(table["p"])
    table["worse"] = (table["difference"] < 0) & (table["p_adjusted"] < 0.05)
    return table[["slice", "value", "queries", "before", "after", "difference", "low", "high", "p", "p_adjusted", "worse"]]


def side_by_side(
    dataset: RetrievalDataset, runs: Mapping[str, Run], query_ids: Sequence[str], split: str = "test"
) -> pd.DataFrame:
    """Return for each query its text, its answer, and per system the article ranked first and the answer's rank.

    Args:
        dataset: The dataset.
        runs: System -> run.
        query_ids: The queries to look at, in the order of the rows.
        split: Whose judgments say what answers them.

    Returns:
        Columns query, answer, and for each system "<system> ranks first" and "<system>: answer at".

    Raises:
        KeyError: A query is not among those of the split.
    """
    rows = []
    for q in query_ids:
        row = {"query": dataset.queries[q].text, "answer": ", ".join(relevant(dataset.qrels[split][q]))}
        for name, run in runs.items():
            rank = rank_of_answer({q: dataset.qrels[split][q]}, run)[q]
            row[f"{name} ranks first"] = next(iter(run.get(q, {})), "nothing")
            row[f"{name}: answer at"] = "not in 100" if np.isinf(rank) else str(int(rank))
        rows.append(row)
    return pd.DataFrame(rows)
