"""Which BM25 suits a collection: a handful of settings, compared on its dev and training queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import ir_measures
from ir_measures import nDCG
from tqdm.auto import tqdm

from tutorial_lib.data.dataset import Qrels, RetrievalDataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.terms import PLAIN, BM25Settings, language_settings

FEWEST_QUERIES = 10
"""With fewer queries to compare on, differences are chance: ``language_settings`` are taken as they are."""

QUERIES = 2000
"""At most some so many queries are compared on: all of dev before any of training."""

DOCUMENTS = 50_000
"""Of a larger collection, the queries' judged documents and evenly some so many others are searched."""

MANY_DOCUMENTS = 4000
"""From so many documents on the choice takes seconds, and shows its progress."""


def candidates(documents: Mapping[str, str]) -> list[BM25Settings]:
    """Return the settings to choose among, the simplest first.

    rank-bm25's; Lucene's IDF, with every word as it is, without stop words, with stems, and with both; and once more all
    that with Lucene's own k1 of 1.2, with 2 (the ends of the textbook's range), and with a b of 0.5 (length counts less).

    Args:
        documents: Document id -> text; stop words and stems are those of the language they are written in, if there are any.

    Reference: Manning, Raghavan and Schütze 2008, "Introduction to Information Retrieval", section 11.4.3.
    """
    full = language_settings(documents)
    words = [(None, None), (full.stop_words, None), (None, full.stemmer)]
    lucene = [BM25Settings("lucene", stop_words=stop, stemmer=stem) for stop, stem in words]
    weighed = [replace(full, k1=1.2), replace(full, k1=2.0), replace(full, b=0.5)]
    return list(dict.fromkeys([PLAIN, *lucene, full, *weighed]))  # without a list or a stemmer some are equal


def choose_bm25(dataset: RetrievalDataset, splits: Sequence[str] = ("dev", "train")) -> BM25Settings:
    """Return the candidate with the highest nDCG@10; of equal ones the simplest.

    BM25 learns nothing from training queries: they are as new to it as dev's, and there are enough of them to tell apart
    what a few hundred dev queries cannot. Test queries play no part. With fewer than ``FEWEST_QUERIES`` judged queries
    the choice is ``language_settings``.

    Args:
        dataset: Documents, and queries with judgments to choose on.
        splits: Which of its queries, the first ones before the next: at most some ``QUERIES``.

    Raises:
        ValueError: No document holds a word.
    """
    documents, qrels = dataset.document_texts(), chosen_queries(dataset, splits)
    if len(qrels) < FEWEST_QUERIES:
        return language_settings(documents)
    scores = candidate_scores(dataset, qrels, candidates(documents))
    return max(scores, key=lambda settings: round(scores[settings], 6))  # the first of equal ones


def chosen_queries(dataset: RetrievalDataset, splits: Sequence[str]) -> Qrels:
    """Return judgments of at most some ``QUERIES`` queries of ``splits``: all of the first before any of the next."""
    chosen: Qrels = {}
    for split in splits:
        judged, room = dataset.qrels[split], QUERIES - len(chosen)
        if room > 0:
            chosen |= {q: judged[q] for q in sorted(judged)[:: -(-len(judged) // room) or 1]}
    return chosen


def candidate_scores(dataset: RetrievalDataset, qrels: Qrels, among: Sequence[BM25Settings]) -> dict[BM25Settings, float]:
    """Return nDCG@10, 0 to 1, of each of some settings, in their order, on the judged queries.

    Args:
        dataset: Where documents and queries are taken.
        qrels: Judgments of the queries to compare on.
        among: What to compare.
    """
    documents = _bounded(dataset.document_texts(), qrels)
    queries = {q: dataset.queries[q].text for q in qrels}
    progress = tqdm(among, desc="choose BM25", unit="candidate", disable=len(documents) < MANY_DOCUMENTS, leave=False)
    own = dataset.own_documents  # a query that is a document itself would find itself first
    return {bm25.settings: ndcg(qrels, bm25.search(queries, k=10, own=own)) for bm25 in indexes(documents, progress)}


def indexes(documents: Mapping[str, str], among: Iterable[BM25Settings]) -> Iterator[BM25]:
    """Yield an index of the documents for each of the settings; those of the same words in a row read them once."""
    bm25: BM25 | None = None
    for settings in among:
        if bm25 and bm25.settings.words == settings.words:
            bm25 = bm25.weighed(settings)
        else:
            bm25 = BM25(documents, settings)
        yield bm25


def _bounded(documents: dict[str, str], qrels: Qrels) -> dict[str, str]:
    """Return the documents, or of very many those that are judged and evenly some of the others."""
    judged = {a for grades in qrels.values() for a in grades}
    step = -(-len(documents) // DOCUMENTS) or 1
    return {a: text for n, (a, text) in enumerate(documents.items()) if n % step == 0 or a in judged}


def ndcg(qrels: Qrels, run: Run) -> float:
    """Return nDCG@10 on the mean of all judged queries, 0 to 1; one that found nothing counts 0.

    >>> ndcg({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": {"a": 2.0}})
    0.5
    """
    values = [float(m.value) for m in ir_measures.iter_calc([nDCG @ 10], qrels, run)]
    return sum(values) / max(1, len(qrels))
