"""One search: by whose encoder, by which version, and whether a query gets an answer at all."""

import numpy as np
import pytest

from tests.index.test_vector_index import ENCODER, IDS, OTHER, QUERIES, QUERY_VECTORS, VECTORS, go_live
from tests.milvus import NumberEncoder
from tutorial_lib.index import FlatStore, VectorIndex, VectorIndexError
from tutorial_lib.index.search import SEARCHES, search_live
from tutorial_lib.retrieval.calibration import Calibration


def test_search_before_any_switch_is_refused(index):
    index.build(IDS, VECTORS, ENCODER)
    with pytest.raises(VectorIndexError, match="no version of 'help' is live: build, verify and switch"):
        index.search(QUERIES, ENCODER)


def test_search_with_another_encoder_is_refused_naming_both(index):
    go_live(index)
    with pytest.raises(VectorIndexError) as error:
        index.search(QUERIES, OTHER)
    assert all(word in str(error.value) for word in ("numbers", "f-numbers", "mirror", "f-mirror", "version 1"))


# --- the cut-off --------------------------------------------------------------------------------------------------


def test_a_query_without_a_good_answer_gets_none(index):
    calibration = Calibration(slope=10, intercept=-8, queries=100, no_answer_share=0.5)  # confidence 0.5 at score 0.8
    version = index.build(IDS, VECTORS, ENCODER, calibration=calibration)
    index.switch(index.verify(version, IDS, VECTORS, QUERY_VECTORS))
    assert index.live.calibration == calibration
    queries = {"sure": "1 0", "at the line": "0.8 0", "below": "0.79 0"}
    found = index.search(queries, ENCODER, k=2, min_confidence=0.5 - 1e-6)
    assert {q: len(hits) for q, hits in found.items()} == {"sure": 2, "at the line": 2, "below": 0}
    assert {q: len(hits) for q, hits in index.search(queries, ENCODER, k=2).items()} == dict.fromkeys(queries, 2)


def test_a_cut_off_needs_a_calibration(index):
    go_live(index)
    with pytest.raises(VectorIndexError, match="version 1 of 'help' does not say what its scores are worth: build"):
        index.search(QUERIES, ENCODER, min_confidence=0.5)


# --- a switch while a search runs ---------------------------------------------------------------------------------


def test_a_service_with_both_encoders_goes_on_through_a_switch_and_back(index):
    go_live(index)
    both = [ENCODER, OTHER]
    assert list(index.search(QUERIES, both, k=1)["east"]) == ["a b"]
    go_live(index, VECTORS[::-1].copy(), OTHER)
    assert list(index.search(QUERIES, both, k=1)["east"]) == ["返金"]
    index.rollback()
    assert list(index.search(QUERIES, both, k=1)["east"]) == ["a b"]
    third = NumberEncoder("third", "f-third")
    with pytest.raises(VectorIndexError, match=r"encoded by mirror \(f-mirror\) or third \(f-third\)"):
        index.search(QUERIES, [OTHER, third])


class Swapped(NumberEncoder):
    """Reads "0 1" as (1, 0), so that its vectors give other articles than the other encoders' would."""

    def encode_queries(self, texts):
        return super().encode_queries(texts)[:, ::-1]


SWAPPED = Swapped("swapped", "f-swapped")
MOVED = np.roll(VECTORS, 2, axis=0)
"""Nearest to "1 0" here: with SWAPPED's vector 返金, with ENCODER's billing/été; among VECTORS: quote… and a b."""


def search_with_interruption(index, monkeypatch, interrupt):
    """Search with both encoders while ``interrupt`` happens just before the vectors are looked up."""
    search, done = index.store.search, []

    def interrupted(*arguments, **options):
        if not done:
            done.append(True)
            interrupt()
        return search(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(index.store, "search", interrupted)
        return list(index.search(QUERIES, [ENCODER, SWAPPED], k=1)["east"])


def test_a_switch_in_the_middle_of_a_search_gives_the_new_answers(index, monkeypatch):
    go_live(index)
    assert search_with_interruption(index, monkeypatch, lambda: go_live(index, MOVED, SWAPPED)) == ["返金"]


def test_a_version_dropped_in_the_middle_of_a_search_is_not_missed(index, monkeypatch):
    go_live(index)

    def switch_and_drop():
        go_live(index, MOVED, SWAPPED)
        assert index.prune(keep=1) == [1]

    assert search_with_interruption(index, monkeypatch, switch_and_drop) == ["返金"]


def test_a_collection_replaced_under_its_name_in_the_middle_of_a_search_mixes_nothing(index, monkeypatch):
    go_live(index)

    def replace():
        if hasattr(index.store, "client"):  # a Milvus server drops nothing that an alias points to
            index.store.client.drop_alias("help")
        index.store.drop("help_v1")
        assert go_live(index, MOVED, SWAPPED).collection == "help_v1"

    assert search_with_interruption(index, monkeypatch, replace) == ["返金"]


# --- how often it is tried ----------------------------------------------------------------------------------------


@pytest.fixture
def flat(tmp_path):
    """The index "help" in a flat store, with version 1 live."""
    index = VectorIndex(FlatStore(tmp_path / "flat"), "help")
    go_live(index)
    return index


def failing(monkeypatch, store, times):
    """Let the first ``times`` searches of ``store`` fail; return the list of what it is asked for."""
    search, load, asked = store.search, store.load, []

    def searching(*arguments):
        asked.append("search")
        if asked.count("search") <= times:
            raise VectorIndexError("collection not loaded")
        return search(*arguments)

    def loading(collection):
        asked.append(f"load {collection}")
        load(collection)

    monkeypatch.setattr(store, "search", searching)
    monkeypatch.setattr(store, "load", loading)
    return asked


def test_what_a_restarted_server_has_forgotten_is_loaded(flat, monkeypatch):
    asked = failing(monkeypatch, flat.store, 1)
    assert list(search_live(flat, {"east": "1 0"}, [ENCODER], 1, None)["east"]) == ["a b"]
    assert asked == ["search", "load help_v1", "search"]


def test_a_failure_that_stays_is_raised_at_the_fifth_try(flat, monkeypatch):
    asked = failing(monkeypatch, flat.store, 99)
    with pytest.raises(VectorIndexError, match="collection not loaded"):
        search_live(flat, QUERIES, [ENCODER], 1, None)
    assert asked == ["search", "load help_v1"] * 4 + ["search"]


def test_a_search_that_is_overtaken_by_a_switch_each_time_ends(flat, monkeypatch):
    go_live(flat, VECTORS[::-1].copy())
    search, asked = flat.store.search, []

    def switched_meanwhile(collection, *arguments):
        asked.append(collection)
        flat.store.point("help", {"help_v1": "help_v2", "help_v2": "help_v1"}[collection])
        return search(collection, *arguments)

    monkeypatch.setattr(flat.store, "search", switched_meanwhile)
    with pytest.raises(VectorIndexError, match="'help' was switched 5 times within one search: search again"):
        search_live(flat, QUERIES, [ENCODER], 1, None)
    assert asked == ["help_v2", "help_v1", "help_v2", "help_v1", "help_v2"]
    assert len(asked) == SEARCHES


def test_queries_are_encoded_once_for_all_tries(flat, monkeypatch):
    failing(monkeypatch, flat.store, 3)
    encoded = []

    class Counting(NumberEncoder):
        def encode_queries(self, texts):
            encoded.append(texts)
            return super().encode_queries(texts)

    search_live(flat, QUERIES, [OTHER, Counting()], 1, None)
    assert encoded == [["1 0", "0 1"]]
