"""Which BM25 suits a collection: a handful of settings, compared on its dev queries alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
import numpy as np
from ir_measures import nDCG
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import Qrels, RetrievalDataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.terms import BM25Settings, language_settings

FEWEST_QUERIES = 10
"""With fewer queries to compare on, differences are chance: ``language_settings`` are taken as they are."""

QUERIES = 1000
"""At most some so many queries are compared on, evenly over all: more would cost time and change little."""

MANY_DOCUMENTS = 5000
"""From so many documents on the choice takes seconds, and shows its progress."""


def candidates(documents: Mapping[str, str]) -> list[BM25Settings]:
    """Return the settings to choose among, the simplest first: either IDF, with and without stop words and stems.

    Args:
        documents: Document id -> text; stop words and stems are those of the language they are written in, if there are any.
    """
    full = language_settings(documents)
    # A set that keeps its order: without a list of stop words, or a stemmer, some are equal.
    words = dict.fromkeys([(None, None), (full.stop_words, None), (None, full.stemmer), (full.stop_words, full.stemmer)])
    return [
        BM25Settings(idf, stop_words=stop_words, stemmer=stemmer)
        for stop_words, stemmer in words
        for idf in ("okapi", "lucene")
    ]


def choose_bm25(dataset: RetrievalDataset, split: str = "dev") -> BM25Settings:
    """Return the candidate with the highest nDCG@10 over the whole corpus; of equal ones the simplest.

    Test queries play no part in it. With fewer than ``FEWEST_QUERIES`` judged queries it is ``language_settings``.

    Args:
        dataset: Documents, and queries with judgments to choose on.
        split: Which of its queries.
    """
    documents = dataset.document_texts()
    texts = dataset.query_texts(split)
    if len(texts) < FEWEST_QUERIES:
        return language_settings(documents)
    scores = candidate_scores(dataset, split, candidates(documents))
    return max(scores, key=lambda settings: round(scores[settings], 6))  # the first of equal ones


def candidate_scores(dataset: RetrievalDataset, split: str, among: Sequence[BM25Settings]) -> dict[BM25Settings, float]:
    """Return nDCG@10, 0 to 1, of each of some settings, in their order, on at most ``QUERIES`` queries of a split."""
    documents, texts = dataset.document_texts(), dataset.query_texts(split)
    queries = {q: texts[q] for q in list(texts)[:: -(-len(texts) // QUERIES)]}
    qrels = {q: dataset.qrels[split][q] for q in queries}
    progress = tqdm(among, desc="choose BM25", disable=len(documents) < MANY_DOCUMENTS, leave=False)
    return {s: ndcg(qrels, BM25(documents, s).search(queries, k=10)) for s in progress}


def ndcg(qrels: Qrels, run: Mapping[str, Mapping[str, float]]) -> float:
    """Return nDCG@10 on the mean of all judged queries; one that found nothing counts 0."""
    return float(np.sum([m.value for m in ir_measures.iter_calc([nDCG @ 10], qrels, run)]) / max(1, len(qrels)))
