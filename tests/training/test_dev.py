import json

import numpy as np
import pytest

from tests.tiny import tiny_dataset
from tutorial_lib.models.settings import NotFiniteError
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.dev import DevLog, DevSet, dev_set, mean_score
from tutorial_lib.training.settings import TrainSettings


class Known:
    """An encoder whose vectors are written down here."""

    name, fingerprint, dimension = "known", "known", 2

    def encode_queries(self, texts):
        return np.array([{"east": [1, 0], "north": [0, 1]}[text] for text in texts], dtype=np.float32)

    def encode_documents(self, texts):
        return np.array([{"to the east": [1, 0], "to the north": [0, 1]}[text] for text in texts], dtype=np.float32)


def test_the_dev_pool_holds_the_positives_and_the_best_of_bm25():
    dataset = tiny_dataset()
    bm25 = BM25(dataset.document_texts())
    dev = dev_set(dataset, bm25, TrainSettings(dev_queries=2, dev_pool_per_query=1, seed=3))
    assert len(dev.queries) == 2
    assert set(dev.queries) < set(dataset.qrels["dev"])
    best = {next(iter(hits)) for hits in bm25.search(dev.queries, k=1).values()}
    assert set(dev.documents) == best | {"a" + q[1:] for q in dev.queries}


def test_scores_come_by_query_and_from_any_encoder():
    documents = {"a1": "to the east", "a2": "to the north"}
    dev = DevSet({"q1": "east", "q2": "north"}, documents, {"q1": {"a1": 1}, "q2": {"a1": 1}})
    scores = dev.score(Known())
    assert scores == {"q1": 1.0, "q2": pytest.approx(1 / np.log2(3))}  # first, and second: nDCG of one answer at rank 2
    assert mean_score(scores) == pytest.approx((1 + 1 / np.log2(3)) / 2)
    turned = np.array([[0, 1], [1, 0]], dtype=np.float32)  # articles that keep their vectors are not encoded
    kept = DevSet(dev.queries, documents, dev.qrels, document_vectors=turned)
    assert kept.score(Known()) == {"q1": scores["q2"], "q2": 1.0}


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


def test_a_model_whose_training_has_diverged_scores_nothing():
    class Diverged(Known):
        def encode_queries(self, texts):
            raise NotFiniteError("no finite vector")

    dev = DevSet({"q1": "east", "q2": "north"}, {"a1": "to the east"}, {"q1": {"a1": 1}, "q2": {"a1": 1}})
    assert dev.score(Diverged()) == {"q1": 0.0, "q2": 0.0}
