"""Versions of an index: which there are, which is live, which go; run on every place an index can be in."""

import dataclasses

import numpy as np
import pytest

from tests.index.test_vector_index import ENCODER, IDS, OTHER, QUERIES, QUERY_VECTORS, VECTORS, go_live
from tests.milvus import opened
from tutorial_lib.index import FlatStore, VectorIndexError, text_hash
from tutorial_lib.index.catalogue import Catalogue


def test_two_indexes_in_one_place_do_not_see_each_other(address):
    with_v = [opened(address, name) for name in ("help", "help_v")]
    go_live(with_v[0])
    go_live(with_v[1], VECTORS[::-1].copy(), OTHER)
    assert [[v.collection for v in index.versions()] for index in with_v] == [["help_v1"], ["help_v_v1"]]
    for index in with_v:
        index.close()


def test_a_version_that_is_not_there_is_refused(index):
    verification = index.verify(index.build(IDS, VECTORS, ENCODER), IDS, VECTORS, QUERY_VECTORS)
    with pytest.raises(VectorIndexError, match=r"no version 7 of 'help': there are \[1\]"):
        index.switch(dataclasses.replace(verification, version=7))


def test_rollback_goes_back_one_version_and_no_further(index):
    go_live(index)
    go_live(index, VECTORS[::-1].copy(), OTHER)
    assert index.rollback().number == 1
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    with pytest.raises(VectorIndexError, match="nothing to roll back to: 'help' has no version before the live one"):
        index.rollback()
    assert index.live.number == 1


@pytest.mark.parametrize("address", ["file", "flat"], indirect=True)
@pytest.mark.parametrize(("method", "live"), [("point", 1), ("note", 2)])
def test_a_kill_between_switching_and_noting_it_costs_no_way_back(index, monkeypatch, method, live):
    """Only a version that has been live is one to go back to, and each one that has been is."""
    go_live(index)
    built = index.build(IDS, VECTORS[::-1].copy(), OTHER)

    class Killed(BaseException):
        """Nothing handles it, as nothing handles SIGKILL."""

    def die(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(index.store, method, die)
        with pytest.raises(Killed):
            index.switch(index.verify(built, IDS, VECTORS[::-1].copy(), QUERY_VECTORS))
    assert [(v.number, v.served) for v in index.versions()] == [(1, True), (2, live == 2)]
    assert index.live.number == live
    go_live(index, VECTORS[::-1].copy(), OTHER)
    index.prune(keep=2)
    assert index.rollback().number == live


def test_prune_keeps_the_newest_and_never_drops_the_live_one(index):
    go_live(index)
    for _ in range(3):
        index.build(IDS, VECTORS, ENCODER)
    assert index.prune(keep=2) == [2]
    assert [(v.number, v.live) for v in index.versions()] == [(1, True), (3, False), (4, False)]
    assert index.prune(keep=0) == [3, 4]
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]


def test_prune_never_drops_what_another_alias_points_to(index):
    for _ in range(3):
        go_live(index)
    index.store.point("canary", "help_v1")
    assert index.prune(keep=1) == [2]
    assert [v.number for v in index.versions()] == [1, 3]
    with pytest.raises(VectorIndexError, match="keep=-1: pass 0 or more"):
        index.prune(keep=-1)


def test_a_version_that_was_never_live_is_not_rolled_back_to_and_is_pruned_first(index):
    go_live(index)
    passed_over = index.build(IDS, VECTORS, ENCODER)
    go_live(index, VECTORS[::-1].copy(), OTHER)
    assert [(v.number, v.served) for v in index.versions()] == [(1, True), (passed_over.number, False), (3, True)]
    assert index.prune(keep=2) == [2]
    assert index.rollback().number == 1


def test_a_version_that_an_alias_points_to_is_not_dropped(index):
    live = go_live(index)
    with pytest.raises(VectorIndexError, match="version 1 of 'help' is served as 'help': switch first"):
        index.drop(live)
    index.drop(index.build(IDS, VECTORS, ENCODER))
    assert [v.number for v in index.versions()] == [1]


def test_rows_come_back_as_they_went_in_whatever_the_size_of_the_pieces(index, monkeypatch):
    backwards = IDS[::-1]
    hashes = [text_hash(a) for a in backwards]
    built = index.build(backwards, VECTORS, ENCODER, hashes=hashes)
    for rows in (1, 4, 6, 5000):
        monkeypatch.setattr("tutorial_lib.index.reading.READ_ROWS", rows)
        stored = index.stored(built)
        assert (stored.ids, stored.hashes) == (backwards, hashes)
        np.testing.assert_array_equal(stored.vectors, VECTORS)
        assert index.stored_hashes(built) == dict(zip(backwards, hashes, strict=True))


# --- of what is noted alone ---------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    return FlatStore(tmp_path / "flat")


def noted(store, collection, **facts):
    """Make a collection without rows that is noted as a complete version."""
    record = {"format": 2, "fingerprint": "f", "encoder": "e", "articles": 0, "complete": True}
    store.create(collection, {**record, **facts}, documents=0, dimension=2, id_bytes=1)


def test_version_10_comes_after_version_9(store):
    for collection in ("help_v10", "help_v9", "help_v2", "help_v11_old", "helper_v1"):
        noted(store, collection)
    assert [v.number for v in Catalogue(store, "help").versions()] == [2, 9, 10]


def test_a_version_that_is_not_complete_is_not_there(store):
    noted(store, "help_v1")
    noted(store, "help_v2", complete=False)
    catalogue = Catalogue(store, "help")
    assert [v.number for v in catalogue.versions()] == [1]
    with pytest.raises(VectorIndexError, match=r"no version 2 of 'help': there are \[1\]"):
        catalogue.version(2)


def test_before_the_first_switch_nothing_is_live_and_nothing_to_roll_back_to(store):
    noted(store, "help_v1", served=True)
    catalogue = Catalogue(store, "help")
    assert catalogue.live is None
    with pytest.raises(VectorIndexError, match="nothing to roll back to"):
        catalogue.rollback()
    store.point("help", "help_v1")
    assert (catalogue.live.number, catalogue.live.live) == (1, True)
