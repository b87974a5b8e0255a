"""Noisy pairs: which recorded answers are probably wrong.

A pair is unlikely if scorers that never saw it put another article far above the recorded one. The first pass asks BM25 and
the base model; the second asks models fine-tuned on the *other* pairs (cross-fitting), which know the domain's words but
have not been taught this pair. Reference: Northcutt et al. 2021, "Confident Learning", arXiv:1911.00068.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_lib.data.dataset import DataError, RetrievalDataset, relevant
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.scorer import Scorer

COLUMNS = ["query_id", "article_id", "bm25_rank", "model_rank", "bm25_margin", "model_margin", "reopened", "suggested"]


def suspicious_pairs(dataset: RetrievalDataset, scorer: Scorer, vectors: Vectors, split: str = "train") -> pd.DataFrame:
    """Return every (query, article) pair of a split with its suspicion, most suspicious first.

    For each voice the margin of a pair is how far the best *other* article lies above the recorded one, in standard
    deviations of that query's scores; other positives of the query are left out. Margins of different voices are not
    comparable, their ranks among all pairs are: suspicion is the mean of both ranks, from 0 (least) to 1 (most). Where the
    log says which tickets were reopened (metadata ``reopened``), that is a third voice, heard in the same way.

    Args:
        dataset: The dataset.
        scorer: Scores of its documents by keywords, e.g. ``BM25``.
        vectors: Vectors of the dataset by a model.
        split: Which split's pairs.

    Returns:
        Columns query_id, article_id, bm25_rank, model_rank (1 is first), bm25_margin, model_margin, reopened, suggested
        (the article that both scorers together like best), suspicion.

    Raises:
        DataError: The vectors are not those of this dataset and split, or the scorer's documents are not its own.
    """
    vectors.check(dataset, split)
    documents = list(dataset.corpus)
    if list(scorer.ids) != documents:
        raise DataError(f"the scorer ranks {len(scorer.ids)} other documents than the dataset's {len(documents)}")
    position = {a: n for n, a in enumerate(documents)}
    records = []
    for (q, text), vector in zip(dataset.query_texts(split).items(), vectors.queries[split], strict=True):
        voices = [_standard(scorer.scores([text])[0]), _standard(vectors.documents @ vector)]
        recorded = [position[a] for a in relevant(dataset.qrels[split][q])]
        reopened = bool(dataset.queries[q].metadata.get("reopened", False))
        records += [(q, *pair) for pair in _judged(voices, recorded, documents, reopened)]
    return by_suspicion(pd.DataFrame(records, columns=COLUMNS))


def _judged(
    voices: Sequence[NDArray[np.float64]], recorded: Sequence[int], documents: Sequence[str], reopened: bool
) -> Iterator[tuple[Any, ...]]:
    """Yield what the voices say of each recorded document of one query, ``COLUMNS`` but the first.

    Args:
        voices: Standardized scores of all documents, (N,) each.
        recorded: Places of the recorded documents.
        documents: Their ids, length N.
        reopened: What the log says.
    """
    others = [np.delete(scores, recorded) for scores in voices]
    rest = np.delete(np.arange(len(documents)), recorded)
    suggested = documents[int(rest[np.argmax(others[0] + others[1])])]
    for n in recorded:
        ranks = [int(np.sum(o > s[n])) + 1 for s, o in zip(voices, others, strict=True)]
        margins = [float(o.max() - s[n]) for s, o in zip(voices, others, strict=True)]
        yield documents[n], *ranks, *margins, reopened, suggested


def by_suspicion(table: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with their suspicion, the mean of their ranks by each voice (0 to 1), most suspicious first."""
    voices = ["bm25_margin", "model_margin"] + (["reopened"] if table["reopened"].any() else [])
    table["suspicion"] = table[voices].rank(pct=True).mean(axis=1)
    return table.sort_values(["suspicion", "query_id", "article_id"], ascending=[False, True, True], ignore_index=True)


def _standard(scores: NDArray) -> NDArray[np.float64]:
    scores = np.asarray(scores, dtype=np.float64)
    return (scores - scores.mean()) / (scores.std() or 1.0)


def precision_recall(table: pd.DataFrame, wrong: Collection[tuple[str, str]]) -> pd.DataFrame:
    """Return precision and recall of calling the first n pairs of ``table`` wrong, for n = 1 to all.

    Args:
        table: Pairs, most suspicious first.
        wrong: The (query id, article id) pairs that are wrong, as planted or as people found out.

    Returns:
        Columns reviewed (n), share (n / all), precision, recall.
    """
    hits = np.array([pair in wrong for pair in zip(table["query_id"], table["article_id"], strict=True)], dtype=float)
    n = np.arange(1, len(hits) + 1)
    return pd.DataFrame(
        {"reviewed": n, "share": n / len(n), "precision": hits.cumsum() / n, "recall": hits.cumsum() / max(1.0, hits.sum())}
    )


def drop_pairs(dataset: RetrievalDataset, pairs: Collection[tuple[str, str]], *, split: str = "train") -> RetrievalDataset:
    """Return the dataset without these (query id, article id) judgments of one split; a query left with none goes."""
    gone = set(pairs)
    judged = {q: {a: g for a, g in grades.items() if (q, a) not in gone} for q, grades in dataset.qrels[split].items()}
    return replace(dataset, qrels={**dataset.qrels, split: judged}).restrict()


def drop_most_suspicious(dataset: RetrievalDataset, table: pd.DataFrame, share: float) -> RetrievalDataset:
    """Return the dataset without the most suspicious ``share`` (0 to below 1) of its training pairs.

    Raises:
        ValueError: ``share`` is out of range.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}: pass a share of the pairs, from 0 to below 1")
    worst = table.head(int(len(table) * share))
    return drop_pairs(dataset, set(zip(worst["query_id"], worst["article_id"], strict=True)))
