"""Visitors of a search, simulated: what they leave in a log, and what is learnt of it."""

import numpy as np
import pytest

from benchmarks.feedback import CARE, DEEPEST, NAIVE, SHOWN, WAYS, Desk, Way
from tutorial_lib.data.dataset import Document, Query, RetrievalDataset
from tutorial_lib.retrieval.dense import Vectors, dense_run

QUERIES, DIMENSION = 120, 50


@pytest.fixture(scope="module")
def desk():
    """50 articles, each an axis; queries lie near their answer's axis, and the vectors of the base model are a noisy view."""
    rng = np.random.default_rng(0)
    corpus = {f"a{n:02}": Document(f"a{n:02}", "", f"article {n}") for n in range(DIMENSION)}
    queries = {f"q{n:03}": Query(f"q{n:03}", f"question {n}") for n in range(2 * QUERIES)}
    judged = {q: {f"a{int(q[1:]) % DIMENSION:02}": 1} for q in queries}
    noisy = np.eye(DIMENSION) + 0.25 * rng.standard_normal((2 * QUERIES, DIMENSION, DIMENSION)).mean(axis=1, keepdims=True)
    vectors = np.stack([noisy[n][n % DIMENSION] + 0.3 * rng.standard_normal(DIMENSION) for n in range(2 * QUERIES)])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = list(queries)
    splits = {"train": ids[:QUERIES], "dev": ids[QUERIES : QUERIES + 60], "test": ids[QUERIES + 60 :]}
    dataset = RetrievalDataset("desk", corpus, queries, {s: {q: judged[q] for q in some} for s, some in splits.items()})
    rows = {s: vectors[[ids.index(q) for q in some]] for s, some in splits.items()}
    return Desk(dataset, Vectors(np.eye(DIMENSION, dtype=np.float32), rows), visits=3, generations=2)


def log(desk, **options):
    run = dense_run(desk.dataset, desk.vectors, "train", k=DEEPEST)
    return run, desk._log(run, np.random.default_rng(0), **options)


def test_a_search_shows_the_first_articles_and_exploring_one_from_below(desk):
    run, plain = log(desk, explore=False)
    assert len(plain) == 3 * QUERIES
    assert all(search["shown"] == list(run[search["query_id"]])[:SHOWN] for search in plain)
    _, explored = log(desk, explore=True)
    for search in explored:
        ranked = list(run[search["query_id"]])
        strangers = [a for a in search["shown"] if a not in ranked[:SHOWN]]
        assert len(strangers) == 1
        assert strangers[0] in ranked[SHOWN:DEEPEST]


def test_clicks_follow_the_click_model(desk):
    _, plain = log(desk, explore=False)
    true = desk.dataset.qrels["train"]
    first = [
        (search["shown"][0] in true[search["query_id"]], any(c["rank"] == 1 for c in search["clicks"])) for search in plain
    ]
    rates = {right: np.mean([clicked for is_right, clicked in first if is_right == right]) for right in (True, False)}
    assert abs(rates[True] - 0.86) < 0.1  # the first place is always looked at
    assert abs(rates[False] - 0.17) < 0.15
    by_rank = [np.mean([any(c["rank"] == rank for c in search["clicks"]) for search in plain]) for rank in (1, 8)]
    assert by_rank[0] > 3 * by_rank[1]


def test_position_care_asks_for_more(desk):
    _, plain = log(desk, explore=False)
    naive, care = desk._labels(plain, NAIVE), desk._labels(plain, CARE)
    assert set(care) < set(naive)
    assert all(care[q].keys() <= naive[q].keys() for q in care)
    assert sum(map(len, care.values())) < sum(map(len, naive.values()))


def test_a_life_begins_with_the_base_model_and_the_truth_teaches_most(desk):
    lives = {name: desk.lived(way, 0) for name, way in WAYS.items() if name in ("naive", "truth")}
    assert {len(life) for life in lives.values()} == {3}
    assert lives["naive"][0]["golden"] == lives["truth"][0]["golden"]
    assert lives["truth"][-1]["wrong_pairs"] == 0
    assert lives["truth"][-1]["golden"] >= lives["naive"][-1]["golden"] - 0.02
    assert desk.lived(Way(NAIVE), 0) == lives["naive"]  # the seed decides
