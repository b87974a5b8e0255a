import json

from tests.tiny import tiny_dataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.dev import DevLog, dev_set, mean_score
from tutorial_lib.training.settings import TrainSettings


def test_the_dev_pool_holds_the_positives_and_the_best_of_bm25():
    dataset = tiny_dataset()
    bm25 = BM25(dataset.document_texts())
    dev = dev_set(dataset, bm25, TrainSettings(dev_queries=2, dev_pool_per_query=1, seed=3))
    assert len(dev.queries) == 2
    assert set(dev.queries) < set(dataset.qrels["dev"])
    best = {next(iter(hits)) for hits in bm25.search(dev.queries, k=1).values()}
    assert set(dev.documents) == best | {"a" + q[1:] for q in dev.queries}


def test_the_mean_of_scores():
    assert mean_score({"q1": 1.0, "q2": 0.5}) == 0.75


def test_the_log_outlives_the_process(tmp_path):
    log = DevLog(tmp_path / "run" / "dev.json")
    assert not log.read()
    log.scores[10] = {"q1": 0.5, "q2": 1.0}
    log.scores[0] = {"q1": 0.25, "q2": 0.25}
    log.write()
    assert json.loads(log.file.read_text()) == {"10": {"q1": 0.5, "q2": 1.0}, "0": {"q1": 0.25, "q2": 0.25}}
    later = DevLog(log.file)
    assert later.read()
    assert later.scores == log.scores
    assert later.means() == [(0, 0.25), (10, 0.75)]
