"""What is known of the first documents of a ranking: scores, ranks, overlaps and lengths, from which another is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import Document, RetrievalDataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.reranking import DEPTH, candidates
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.terms import analyzer

OWN = ("score", "gap to the top", "1/rank", "bm25", "1/rank by bm25", "overlap with title", "overlap with text")
LENGTHS = ("words of the query", "words of the document")

Scores = Mapping[str, Mapping[str, float]]
"""query id -> document id -> score, of all candidates."""


@dataclass(frozen=True)
class Features:
    """What is known of each candidate of each query.

    Attributes:
        names: Of the F features.
        ids: Query id -> its candidates, in the order of the run.
        values: float32, (R, F): a row a candidate, query by query.
    """

    names: tuple[str, ...]
    ids: dict[str, list[str]]
    values: NDArray[np.float32]


def candidate_cosines(
    dataset: RetrievalDataset, vectors: Vectors, split: str, run: Run, depth: int = DEPTH
) -> dict[str, dict[str, float]]:
    """Return the cosine, by some model's ``vectors``, of each candidate of another ranking: for ``shortlist_features``.

    Raises:
        DataError: The vectors are not those of this dataset and split.
    """
    vectors.check(dataset, split)
    row = {a: n for n, a in enumerate(dataset.corpus)}
    shortlists = candidates(run, dataset.query_texts(split), depth)
    cosines = (
        vectors.documents[[row[a] for a in shortlists[q]]] @ v
        for q, v in zip(shortlists, vectors.queries[split], strict=True)
    )
    return {
        q: dict(zip(found, row_of.tolist(), strict=True))
        for (q, found), row_of in zip(shortlists.items(), cosines, strict=True)
    }


def shortlist_features(
    queries: Mapping[str, str],
    run: Run,
    documents: Mapping[str, Document],
    bm25: BM25,
    further: Mapping[str, Scores] | None = None,
    depth: int = DEPTH,
) -> Features:
    """Return the features of the first ``depth`` documents of each query.

    They are the run's score, its gap to the first one's and 1/rank; BM25's score and 1/rank among the candidates; the share
    of the query's words, weighed by their IDF, that title and text hold; lengths in words; each of ``further``, with 1/rank.

    Args:
        queries: Query id -> text, of all queries of the run.
        run: The first ranker's run.
        documents: The corpus.
        bm25: Index over it.
        further: Name -> scores of other rankers: ``candidate_cosines``, ``LateInteraction.maxsim``.
        depth: Candidates of each query.

    Raises:
        ValueError: Queries and run are not the same, or one of ``further`` lacks a candidate.
    """
    shortlists, further = candidates(run, queries, depth), further or {}
    terms, column = analyzer(bm25.settings), {a: n for n, a in enumerate(bm25.ids)}
    names = (*OWN, *LENGTHS, *(name for kind in further for name in (kind, f"1/rank by {kind}")))
    read = {a: documents[a] for found in shortlists.values() for a in found}  # each once: queries share candidates
    held = {a: (terms(d.title), terms(d.text)) for a, d in read.items()}
    values = np.zeros((sum(map(len, shortlists.values())), len(names)), dtype=np.float32)
    start = 0
    for q, found in shortlists.items():
        block = values[start : start + len(found)]
        start += len(found)
        if not found:
            continue
        first, asked = np.array([run[q][a] for a in found]), terms(queries[q])
        keyword = bm25.scores([queries[q]])[0, [column[a] for a in found]]
        own = [first, first - first[0], reciprocal_ranks(first), keyword, reciprocal_ranks(keyword)]
        own += [np.array([_overlap(asked, held[a][part], bm25.idf) for a in found]) for part in (0, 1)]
        own += [np.full(len(found), len(asked)), np.array([sum(map(len, held[a])) for a in found])]
        for kind, scores in further.items():
            if missing := next((a for a in found if a not in scores.get(q, ())), None):
                raise ValueError(f"{kind} has no score of document {missing!r} for query {q!r}: score every candidate")
            score = np.array([scores[q][a] for a in found])
            own += [score, reciprocal_ranks(score)]
        block[:] = np.stack(own, axis=1)
    return Features(names, shortlists, values)


def reciprocal_ranks(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return 1/rank of each score, the highest 1; equal scores share the better rank.

    >>> reciprocal_ranks(np.array([0.2, 0.9, 0.2])).tolist()
    [0.5, 1.0, 0.5]
    """
    return 1.0 / (1 + (scores[None, :] > scores[:, None]).sum(axis=1))


def _overlap(asked: Sequence[str], held: Sequence[str], idf: Mapping[str, float]) -> float:
    """Return which share of a query's words, weighed by their IDF, is among ``held``: 0 to 1."""
    words, weights = set(held), {word: max(0.0, idf.get(word, 0.0)) for word in set(asked)}
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in words) / total if total else 0.0
