import numpy as np
import pytest

from tests.helpers import small_dataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.shortlist import candidate_cosines, shortlist_features

RUN = {"e1": {"billing/cancel": 0.9, "billing/refund": 0.7, "devices/wifi": 0.2}}
QUERIES = {"e1": "annual refund"}


@pytest.fixture
def bm25():
    return BM25(small_dataset().document_texts())


def column(features, name):
    return features.values[:, features.names.index(name)].tolist()


def test_features_are_what_their_names_say(bm25):
    further = {"maxsim": {"e1": {"billing/cancel": 0.1, "billing/refund": 0.8, "devices/wifi": 0.1}}}
    features = shortlist_features(QUERIES, RUN, small_dataset().corpus, bm25, further)
    assert features.ids == {"e1": list(RUN["e1"])}
    assert column(features, "score") == pytest.approx([0.9, 0.7, 0.2])
    assert column(features, "gap to the top") == pytest.approx([0, -0.2, -0.7])
    assert column(features, "1/rank") == pytest.approx([1, 1 / 2, 1 / 3])
    scores = dict(zip(bm25.ids, bm25.scores(["annual refund"])[0], strict=True))
    assert column(features, "bm25") == pytest.approx([scores[a] for a in RUN["e1"]])
    assert column(features, "1/rank by bm25") == [0.5, 1, 0.5]
    # "annual" stands in the text of the second alone; "refund" (not "refunds", "refunded") stands nowhere and weighs nothing.
    assert column(features, "overlap with text") == [0, 1, 0]
    assert column(features, "words of the query") == [2, 2, 2]
    assert column(features, "1/rank by maxsim") == [0.5, 1, 0.5]


def test_only_the_shortlist_has_features(bm25):
    assert len(shortlist_features(QUERIES, RUN, small_dataset().corpus, bm25, depth=2).values) == 2


def test_a_candidate_without_a_score_is_told(bm25):
    with pytest.raises(ValueError, match=r"maxsim has no score of document 'billing/cancel' for query 'e1'"):
        shortlist_features(QUERIES, RUN, small_dataset().corpus, bm25, {"maxsim": {}})


def test_cosines_of_another_model_are_those_of_the_candidates():
    dataset, axes = small_dataset(), np.eye(6, dtype=np.float32)
    run = {q: {"devices/wifi": 0.9, "billing/refund": 0.5} for q in dataset.qrels["test"]}
    cosines = candidate_cosines(dataset, Vectors(axes, {"test": axes[[3, 0, 0, 5]]}), "test", run)
    assert cosines["e1"] == {"devices/wifi": 0.0, "billing/refund": 1.0}
    assert cosines["e4"] == {"devices/wifi": 1.0, "billing/refund": 0.0}
