"""What can be had without training is chosen on dev: the encoder's window, keyword search's settings, the ranking."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.evaluation.dev_pool import DevSet, dev_pool, mean_score, rises
from tutorial_lib.evaluation.measures import MAIN_MEASURE, per_query
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.bm25_choice import FEWEST_QUERIES, choose_bm25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.fusion import SHARE, SHARES, convex_combination
from tutorial_lib.retrieval.reranking import WEIGHT, WEIGHTS, reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.untrained import ROWS, Untrained, UntrainedSettings, rankings

WINDOWS = (64, 128, 256, 512)
"""Tokens of a text to try; the encoder's own window is tried too, and no longer one."""

SURE = 2.0
"""Standard errors by which dev must prefer another window to that of training."""


def window_scores(pool: DevSet, encoder: Encoder) -> dict[int, dict[str, float]]:
    """Return nDCG@10 of ``encoder`` by query of the pool, by window, the smallest first.

    A text is encoded again only if the last window cut it; windows beyond the longest text are not tried.

    Args:
        pool: Dev queries and documents.
        encoder: The encoder; its own window is the largest that is tried.
    """
    texts, queries = list(pool.documents.values()), list(pool.queries.values())
    prompts, own = encoder.settings, encoder.settings.max_length
    lengths = np.array([len(t) for t in encoder.tokenize([prompts.document_prompt + t for t in texts])])
    longest = max(lengths.max(), *(len(t) for t in encoder.tokenize([prompts.query_prompt + q for q in queries])))
    vectors = np.zeros((len(texts), encoder.dimension), dtype=np.float32)
    scores: dict[int, dict[str, float]] = {}
    before = 0
    for window in [*(w for w in WINDOWS if w < own), own]:
        if longest <= before:
            break
        cut, narrow = np.flatnonzero(lengths > before), encoder.with_window(window)
        vectors[cut] = narrow.encode_documents([texts[n] for n in cut.tolist()], label=f"window of {window} tokens")
        scores[window] = pool.score_vectors(narrow.encode_queries(queries), vectors)
        before = window
    return scores


def best_window(scores: Mapping[int, Mapping[str, float]]) -> int:
    """Return the window with the best mean; of equal ones the smallest, which costs least.

    >>> best_window({64: {"q": 0.7}, 128: {"q": 0.8}, 256: {"q": 0.8}})
    128
    """
    return max(scores, key=lambda window: (mean_score(scores[window]), -window))


def level_windows(scores: Mapping[int, Mapping[str, float]]) -> tuple[int, ...]:
    """Return the windows that the queries cannot tell from the best one, and it: less than a standard error below it.

    The error is that of the mean difference by query (the rule of one standard error of Breiman et al. 1984,
    "Classification and regression trees", section 3.4.3).

    >>> level_windows({64: {"a": 0.9, "b": 0.5}, 128: {"a": 0.8, "b": 0.5}, 256: {"a": 0.3, "b": 0.1}})
    (64, 128)
    """
    best = np.array(list(scores[best_window(scores)].values()))
    below = {window: best - np.array(list(of_window.values())) for window, of_window in scores.items()}
    error = {window: lost.std(ddof=1) / np.sqrt(len(lost)) if len(lost) > 1 else 0.0 for window, lost in below.items()}
    return tuple(window for window, lost in below.items() if lost.mean() <= error[window])


def window_to_read(scores: Mapping[int, Mapping[str, float]], trained: int) -> int:
    """Return the window of training, or the one with the best mean of those that dev is sure are better.

    Sure is more than two standard errors: a wider window changes few queries, whose error is itself badly known. A model
    reads best what it was trained to read, and ``benchmarks.after_training`` measures what it costs to ask dev for more.

    >>> window_to_read({64: {"a": 0.8, "b": 0.7}, 128: {"a": 0.7, "b": 0.7}}, 128)
    128

    Args:
        scores: Window -> nDCG@10 by query, as ``window_scores`` returns them.
        trained: The window of training; where no text of the pool is that long, the widest reads the same.
    """
    before = scores[trained if trained in scores else max(scores)]
    sure = {window: of for window, of in scores.items() if rises(before, of, SURE)}
    return best_window(sure) if sure else trained


def at_best_window(
    dataset: RetrievalDataset, bm25: BM25, encoder: Encoder, base: Vectors | None = None, *, trained: int
) -> Encoder:
    """Return ``encoder`` with the window of its training, or one that the dev pool is sure is better.

    Args:
        dataset: The dataset; its dev split decides; where that is too small, the encoder stays as it is.
        bm25: Index over its documents, for the pool.
        encoder: A fine-tuned model; its own window is the largest that is tried.
        base: The base model's vectors, for the pool too.
        trained: Tokens of a text that dev saw it read in training.
    """
    if not _can_choose(dataset):
        return encoder
    scores = window_scores(dev_pool(dataset, bm25, base=base), encoder)
    return encoder.with_window(min(window_to_read(scores, trained), encoder.settings.max_length))


def choose_settings(dataset: RetrievalDataset, encoder: Encoder) -> UntrainedSettings:
    """Return the settings of keyword search (``choose_bm25``) and the window of ``encoder`` that score best.

    With fewer than ``FEWEST_QUERIES`` dev queries differences are chance: the window is then the encoder's own.
    """
    settings = choose_bm25(dataset)
    if not _can_choose(dataset):
        return UntrainedSettings(None, settings)
    scores = window_scores(dev_pool(dataset, BM25(dataset.document_texts(), settings)), encoder)
    means = {str(window): mean_score(of_window) for window, of_window in scores.items()}
    return UntrainedSettings(best_window(scores), settings, means, level_windows(scores))


def choose_system(dataset: RetrievalDataset, runs: Mapping[str, Run], settings: UntrainedSettings) -> Untrained:
    """Return which of keyword search, base model and both fused has the best nDCG@10 on dev, over the whole corpus.

    Args:
        dataset: The dataset; its dev split decides; if that is too small, it is both fused.
        runs: The dev runs "bm25" and "base", with the settings given.
        settings: What they were made with.
    """
    qrels = dataset.qrels["dev"]
    if not _can_choose(dataset):
        return Untrained(settings)
    share = choose_share(dataset, runs["bm25"], runs["base"])
    every = rankings(runs["bm25"], runs["base"], share)
    scores = {name: _mean(qrels, every[name]) for name in ROWS}
    return Untrained(settings, max(ROWS, key=lambda name: scores[name]), scores, share)


def choose_share(dataset: RetrievalDataset, keyword: Run, dense: Run) -> float:
    """Return which share of a model beside keyword search (``fusion.SHARES``) has the best nDCG@10 on dev.

    Of equal ones it is that nearest to a half, as it is where dev is too small.

    Args:
        dataset: The dataset; its dev split decides, over the whole corpus.
        keyword: Keyword search's dev run.
        dense: The model's dev run.
    """
    if not _can_choose(dataset):
        return SHARE
    return best_share(share_scores(dataset, keyword, dense))


def best_share(means: Mapping[float, float]) -> float:
    """Return the share with the best mean, of equal ones that nearest to a half.

    >>> best_share({0.3: 0.7, 0.5: 0.8, 0.7: 0.8})
    0.5
    """
    return max(means, key=lambda share: (means[share], -abs(share - 0.5)))


def share_scores(dataset: RetrievalDataset, keyword: Run, dense: Run) -> dict[float, float]:
    """Return nDCG@10 on dev, over the whole corpus, by the share of a model beside keyword search (``fusion.SHARES``).

    Args:
        dataset: The dataset.
        keyword: Keyword search's dev run.
        dense: The model's dev run.
    """
    qrels = dataset.qrels["dev"]
    return {share: _mean(qrels, convex_combination(keyword, dense, share)) for share in SHARES}


def choose_weight(dataset: RetrievalDataset, run: Run, scores: Mapping[str, Mapping[str, float]]) -> float:
    """Return which share of a second ranker (``reranking.WEIGHTS``) has the best nDCG@10 on dev.

    Of equal ones it is that nearest to a half, as it is where dev is too small.

    Args:
        dataset: The dataset; its dev split decides.
        run: The first ranker's dev run.
        scores: The second ranker's scores of its first documents, as ``reranking.reranked`` takes them.
    """
    if not _can_choose(dataset):
        return WEIGHT
    qrels = dataset.qrels["dev"]
    return best_share({w: _mean(qrels, reranked(run, scores, w)) for w in WEIGHTS})


def choose_run(dataset: RetrievalDataset, runs: Mapping[str, Run], otherwise: str) -> str:
    """Return the name of the run with the best nDCG@10 on dev, the first of equal ones; ``otherwise`` if dev is small.

    Args:
        dataset: The dataset; its dev split decides.
        runs: Name -> dev run, the cheapest first.
        otherwise: One of the names.
    """
    if not _can_choose(dataset):
        return otherwise
    means = {name: _mean(dataset.qrels["dev"], run) for name, run in runs.items()}
    return max(means, key=lambda name: means[name])


def _mean(qrels: dict[str, dict[str, int]], run: Run) -> float:
    """Return the mean nDCG@10 over all judged queries."""
    return float(per_query(qrels, run)[MAIN_MEASURE].mean())


def _can_choose(dataset: RetrievalDataset) -> bool:
    return len(dataset.qrels["dev"]) >= FEWEST_QUERIES
