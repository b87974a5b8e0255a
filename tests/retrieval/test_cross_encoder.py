import numpy as np
import pytest

from tutorial_lib.retrieval.cross_encoder import CrossReranker

DOCUMENTS = {"a": "cancel a plan", "b": "refund of a plan in full", "c": "restart the router"}
RUN = {"q": {"a": 0.9, "b": 0.8, "c": 0.1}, "p": {"c": 0.5}}
QUERIES = {"p": "router", "q": "refund in full"}


class Overlap:
    """Scores a pair by the number of words in common; notes what it was asked."""

    def __init__(self):
        self.asked = []

    def scores(self, pairs):
        self.asked += pairs
        return np.array([len(set(q.split()) & set(d.split())) for q, d in pairs], dtype=np.float32)


def test_the_model_reads_each_document_with_its_query():
    reranker = CrossReranker(Overlap(), DOCUMENTS)
    assert reranker.scores(QUERIES, RUN) == {"p": {"c": 1.0}, "q": {"a": 0.0, "b": 3.0, "c": 0.0}}
    assert list(reranker.rerank(QUERIES, RUN, weight=1.0)["q"]) == ["b", "a", "c"]
    assert reranker.rerank(QUERIES, RUN, weight=0)["q"].keys() == RUN["q"].keys()


def test_only_the_shortlist_is_read():
    model = Overlap()
    found = CrossReranker(model, DOCUMENTS).rerank(QUERIES, RUN, depth=1)
    assert len(model.asked) == 2
    assert {q: list(documents) for q, documents in found.items()} == {q: list(documents) for q, documents in RUN.items()}


def test_a_query_for_which_nothing_was_found_stays_so():
    assert CrossReranker(Overlap(), DOCUMENTS).rerank({"q": "x"}, {"q": {}}) == {"q": {}}


@pytest.mark.parametrize("depth", [0, -1, 2.5, True])
def test_a_depth_that_is_none_is_refused(depth):
    with pytest.raises(ValueError, match=r"depth is .*: pass how many documents"):
        CrossReranker(Overlap(), DOCUMENTS).rerank(QUERIES, RUN, depth=depth)


def test_a_document_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="no document 'd' among the 3 given"):
        CrossReranker(Overlap(), DOCUMENTS).scores({"q": "x"}, {"q": {"d": 1.0}})
