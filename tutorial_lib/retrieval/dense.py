"""Vector search: all documents compared with each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.data.dataset import SPLITS, DataError, RetrievalDataset
from tutorial_lib.models.settings import TextEncoder
from tutorial_lib.retrieval.runs import Run, ranking, top_k, without_own
from tutorial_lib.retrieval.scorer import refuse_one_string


@dataclass(frozen=True)
class Vectors:
    """Unit vectors of a dataset.

    Attributes:
        documents: float32, (N, D), one row a document in ascending order of id.
        queries: Split -> float32, (Q, D), one row a query of ``dataset.query_texts(split)``.
    """

    documents: NDArray[np.float32]
    queries: dict[str, NDArray[np.float32]]

    @classmethod
    def of(cls, dataset: RetrievalDataset, encoder: TextEncoder, splits: Sequence[str] = SPLITS) -> Vectors:
        """Return the vectors of all documents of ``dataset`` and of the queries of ``splits``."""
        documents = encoder.encode_documents(list(dataset.document_texts().values()))
        return cls(documents, {s: encoder.encode_queries(list(dataset.query_texts(s).values())) for s in splits})

    def check(self, dataset: RetrievalDataset, split: str) -> None:
        """Refuse vectors that are not those of ``dataset`` and its ``split``.

        Raises:
            DataError: Rows and documents, or rows and queries, differ in number, the split has no vectors, or one is not
                finite.
        """
        if split not in self.queries:
            raise DataError(
                f"no vectors of the {split} queries, only of {', '.join(self.queries) or 'no split'}: encode them too"
            )
        found = (len(self.queries[split]), len(self.documents))
        wanted = (len(dataset.qrels[split]), len(dataset.corpus))
        if found != wanted:
            raise DataError(
                f"{found[0]} query and {found[1]} document vectors for {wanted[0]} {split} queries and {wanted[1]} "
                "documents: pass the vectors of this dataset (Vectors.of), in id order"
            )
        _check_finite(f"{split} query", list(dataset.query_texts(split)), self.queries[split])
        _check_finite("document", list(dataset.corpus), self.documents)

    def save(self, folder: Path) -> None:
        """Write ``documents.npy`` and ``<split>.npy`` into ``folder``."""
        np.save(folder / "documents.npy", self.documents)
        for split, rows in self.queries.items():
            np.save(folder / f"{split}.npy", rows)

    @classmethod
    def load(cls, folder: Path) -> Vectors:
        """Read what ``save`` wrote."""
        queries = {s: np.load(folder / f"{s}.npy") for s in SPLITS if (folder / f"{s}.npy").is_file()}
        return cls(np.load(folder / "documents.npy"), queries)


@dataclass(frozen=True)
class VectorScorer:
    """Cosines of every document with a query: a ``Scorer`` of vectors, as ``BM25`` is one of words.

    Attributes:
        ids: Document ids in ascending order, length N.
        documents: float32, (N, D), unit length, in the order of ``ids``.
        encoder: The model that made them.
    """

    ids: list[str]
    documents: NDArray[np.float32]
    encoder: TextEncoder

    def __post_init__(self) -> None:
        """Refuse ids that are not those of the vectors.

        Raises:
            ValueError: Ids and vectors differ in number, or ids are not ascending.
        """
        if len(self.ids) != len(self.documents):
            raise ValueError(f"{len(self.ids)} article ids for {len(self.documents)} vectors: pass one vector an id")
        _check_ascending("ids", self.ids)

    def scores(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """Return the cosine of every document with every query text: float32, (Q, N), -1 to 1, higher is better.

        Raises:
            ValueError: ``queries`` is one string, whose letters would be taken for queries.
        """
        refuse_one_string(queries)
        return self.encoder.encode_queries(queries) @ self.documents.T


def dense_run(dataset: RetrievalDataset, vectors: Vectors, split: str, *, k: int = 100) -> Run:
    """Return the run of exact search with ``vectors`` for the queries of one split, ``k`` documents each.

    A query's own document (``dataset.own_documents``) is left out.

    Args:
        dataset: The dataset.
        vectors: Its vectors, made by one model.
        split: Whose queries.
        k: How many documents to keep of each query.

    Raises:
        DataError: The vectors are not those of this dataset and split.
    """
    vectors.check(dataset, split)
    queries, documents = list(dataset.query_texts(split)), list(dataset.corpus)
    return exact_search(queries, vectors.queries[split], documents, vectors.documents, k=k, own=dataset.own_documents)


def exact_search(
    query_ids: Sequence[str],
    query_vectors: NDArray[np.float32],
    document_ids: Sequence[str],
    document_vectors: NDArray[np.float32],
    *,
    k: int = 100,
    own: Mapping[str, str] | None = None,
    chunk: int = 256,
    document_chunk: int = 65_536,
) -> Run:
    """Return the ``k`` documents with the highest cosine similarity to each query, by comparing all of them.

    Every document is read once, ``document_chunk`` at a time, and the best so far of each query are kept: memory does not
    grow with N where ``document_vectors`` gives its rows from disk.

    Args:
        query_ids: Query ids, length Q.
        query_vectors: float32, (Q, D), unit length.
        document_ids: Document ids in ascending order, length N.
        document_vectors: float32, (N, D), unit length: an array, a np.memmap, or anything with a shape that can be sliced.
        k: How many documents to keep of each query.
        own: Query id -> the document that is the query itself (``dataset.own_documents``), which is left out.
        chunk: Queries scored at a time; bounds memory to chunk x document_chunk scores and changes no result.
        document_chunk: Documents compared at a time; changes no result either.

    Raises:
        ValueError: Ids and vectors differ in number or dimension, document ids are not ascending, or a vector is not finite.

    >>> documents = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    >>> run = exact_search(["q"], np.array([[0, 1]], dtype=np.float32), ["a", "b", "c"], documents, k=2)
    >>> {a: round(score, 3) for a, score in run["q"].items()}
    {'b': 1.0, 'c': 0.8}
    """
    _check_fit(query_ids, query_vectors, document_ids, document_vectors)
    best = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))] * len(query_ids)
    for first in range(0, len(document_ids), document_chunk):
        block = document_vectors[first : first + document_chunk].T
        for start in range(0, len(query_ids), chunk):
            with np.errstate(invalid="ignore"):  # infinity times 0, which is told below
                compared = query_vectors[start : start + chunk] @ block
            if not np.isfinite(compared).all():  # some document, as the queries are finite: NaN and inf both reach the score
                _check_finite("document", document_ids[first : first + document_chunk], block.T)
            for n, scores in enumerate(compared, start):
                best[n] = _merged(*best[n], scores, first, k + bool(own))
    run = {
        q: ranking([document_ids[row] for row in rows.tolist()], scores)
        for q, (rows, scores) in zip(query_ids, best, strict=True)
    }
    return without_own(run, own or {}, k)


def _check_fit(
    query_ids: Sequence[str],
    query_vectors: NDArray[np.float32],
    document_ids: Sequence[str],
    document_vectors: NDArray[np.float32],
) -> None:
    if len(query_ids) != len(query_vectors) or len(document_ids) != document_vectors.shape[0]:
        raise ValueError(
            f"{len(query_ids)} query ids for {len(query_vectors)} vectors, {len(document_ids)} article ids "
            f"for {document_vectors.shape[0]} vectors: pass one vector an id"
        )
    if len(query_ids) and query_vectors.shape[1] != document_vectors.shape[1]:
        raise ValueError(
            f"query vectors have {query_vectors.shape[1]} dimensions and article vectors "
            f"{document_vectors.shape[1]}: encode both with one model"
        )
    _check_ascending("document_ids", document_ids)
    _check_finite("query", query_ids, query_vectors)


def _check_finite(kind: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
    finite = np.isfinite(vectors)
    if not finite.all():
        wrong = np.flatnonzero(~finite.all(axis=1))
        raise DataError(
            f"{len(wrong)} of {len(ids)} {kind} vectors hold NaN or infinity, that of {ids[wrong[0]]!r} first: "
            "encode again with a model whose weights are finite"
        )


def _check_ascending(name: str, ids: Sequence[str]) -> None:
    if list(ids) != sorted(ids):
        raise ValueError(f"{name} are not in ascending order: ties could not be broken by id")


def _merged(
    rows: NDArray[np.int64], best: NDArray[np.float32], scores: NDArray[np.float32], first: int, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and scores of the ``k`` best so far and of ``scores``, which are those of the rows from ``first`` on."""
    found = top_k(scores, k)
    rows, best = np.concatenate([rows, found + first]), np.concatenate([best, scores[found]])
    order = top_k(best, k)  # of equal scores the earlier rows stand first, so the tie rule holds
    return rows[order], best[order]
