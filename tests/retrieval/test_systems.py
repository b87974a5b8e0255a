import numpy as np
import pytest

from tests.helpers import make_dataset, small_dataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors
from tutorial_lib.retrieval.fusion import convex_combination
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, KEYWORD, SYSTEMS, UNTRAINED, keyword_run
from tutorial_lib.retrieval.terms import BM25Settings
from tutorial_lib.retrieval.untrained import Untrained, UntrainedSettings


class Kept:
    """Artifacts of the small dataset, which notes what was ranked."""

    def __init__(self, chosen="fused"):
        self.chosen = chosen
        self.ranked = []
        self.runs = {}

    def dataset(self):
        return small_dataset()

    def bm25(self):
        return BM25(self.dataset().document_texts())

    def vectors(self, first):
        """Return vectors with which the document at place ``first`` comes first for every query."""
        corpus = np.eye(6, dtype=np.float32)
        return Vectors(
            corpus, {s: np.repeat(corpus[first : first + 1], len(self.dataset().qrels[s]), 0) for s in ("dev", "test")}
        )

    def base_vectors(self):
        return self.vectors(0)

    def untrained(self):
        return Untrained(UntrainedSettings(), self.chosen, share=0.3)

    def tuned_share(self):
        return 0.8

    def tuned_vectors(self):
        return self.vectors(3)

    def run_of(self, name, split):
        if (name, split) not in self.runs:
            self.ranked.append(name)
            self.runs[name, split] = SYSTEMS[name].run(self, split)
        return self.runs[name, split]


@pytest.fixture
def kept():
    return Kept()


def test_names_and_order_are_those_of_every_committed_table():
    assert list(SYSTEMS) == ["bm25", "base", "untrained", "tuned", "bm25+tuned"]
    assert all(name == system.name for name, system in SYSTEMS.items())
    assert (KEYWORD, BASELINE, UNTRAINED, CANDIDATE) == ("bm25", "base", "untrained", "tuned")


def test_each_system_ranks_with_its_own_artifact(kept):
    firsts = {name: next(iter(kept.run_of(name, "test")["e1"])) for name in ("bm25", "base", "tuned")}
    assert firsts["base"] == "account/close"
    assert firsts["tuned"] == "billing/refund"
    assert kept.run_of("bm25", "test") == kept.bm25().search(small_dataset().query_texts("test"))


def test_the_fusion_takes_the_runs_of_the_others_and_ranks_none_again(kept):
    runs = {name: kept.run_of(name, "dev") for name in SYSTEMS}
    assert kept.ranked == ["bm25", "base", "untrained", "tuned", "bm25+tuned"]
    assert runs["bm25+tuned"] == convex_combination(runs["bm25"], runs["tuned"], 0.8)


def test_a_fusion_asked_alone_ranks_what_it_fuses(kept):
    kept.run_of("bm25+tuned", "dev")
    assert kept.ranked == ["bm25+tuned", "bm25", "tuned"]


@pytest.mark.parametrize("chosen", ["bm25", "base", "fused"])
def test_what_needs_no_training_is_what_dev_chose(chosen):
    kept = Kept(chosen)
    run = kept.run_of("untrained", "test")
    fused = convex_combination(kept.run_of("bm25", "test"), kept.run_of("base", "test"), 0.3)
    assert run == (fused if chosen == "fused" else kept.run_of(chosen, "test"))


def test_keyword_search_leaves_out_a_querys_own_document():
    dataset = make_dataset(
        {"x": ("", "pay by card"), "y": ("", "pay by card or in cash")}, {"test": {"x": ("Pay by card!", "y")}}
    )
    bm25 = BM25(dataset.document_texts(), BM25Settings("lucene"))
    assert list(keyword_run(dataset, bm25, "test", k=1)["x"]) == ["y"]
