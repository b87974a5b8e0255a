"""The contract of the index: every test runs on an embedded Milvus, on a Milvus server over TCP, and on a flat store."""

import threading

import numpy as np
import pytest

from tests.milvus import NumberEncoder, opened
from tutorial_lib.data.dataset import DataError
from tutorial_lib.index import VectorIndexError, text_hash
from tutorial_lib.retrieval.dense import exact_search

IDS = ["a b", "a/b/c", "billing/été", "quote'\"\\", "z" * 70, "返金"]
"""In ascending order."""
VECTORS = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [-0.6, 0.8], [-1, 0]], dtype=np.float32)
"""Along the half circle from east to west, so that the nearest to a query are read off at once."""
QUERIES = {"east": "1 0", "north": "0 1"}


ENCODER, OTHER = NumberEncoder(), NumberEncoder("mirror", "f-mirror")
QUERY_VECTORS = ENCODER.encode_queries(QUERIES.values())


def go_live(index, vectors=VECTORS, encoder=ENCODER, ids=IDS):
    version = index.build(ids, vectors, encoder)
    return index.switch(index.verify(version, ids, vectors, QUERY_VECTORS))


def test_build_verify_switch_search(index):
    built = index.build(IDS, VECTORS, ENCODER)
    assert (built.number, built.collection, built.documents, built.live) == (1, "help_v1", 6, False)
    assert (built.encoder, built.fingerprint) == ("numbers", "f-numbers")
    verification = index.verify(built, IDS, VECTORS, QUERY_VECTORS)
    assert (verification.recall, verification.rows, verification.queries, verification.passed) == (1.0, 6, 2, True)
    assert index.live is None
    assert index.switch(verification).live
    run = index.search(QUERIES, ENCODER, k=3)
    assert [list(hits) for hits in run.values()] == [["a b", "a/b/c", "billing/été"], ["quote'\"\\", "billing/été", "z" * 70]]
    assert list(run["east"].values()) == pytest.approx([1, 0.8, 0.6])


def test_every_id_comes_back_as_it_went_in_and_ranks_as_in_exact_search(index):
    go_live(index)
    exact = exact_search(list(QUERIES), QUERY_VECTORS, IDS, VECTORS)
    found = index.search(QUERIES, ENCODER, k=100)
    assert {q: list(hits) for q, hits in found.items()} == {q: list(hits) for q, hits in exact.items()}
    assert sorted(found["east"]) == IDS


def test_equal_scores_come_in_id_order(index):
    go_live(index, ids=["c", "a", "b"], vectors=VECTORS[[0, 0, 0]])
    assert list(index.search({"q": "1 0"}, ENCODER)["q"]) == ["a", "b", "c"]


def test_no_query_gives_an_empty_run(index):
    go_live(index)
    assert index.search({}, ENCODER) == {}


def test_an_index_is_found_again(address):
    first = opened(address)
    go_live(first)
    first.close()
    again = opened(address)
    assert again.live.number == 1
    assert list(again.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    again.close()


def test_the_old_version_serves_until_the_switch(index):
    go_live(index)
    new = index.build(IDS, VECTORS[::-1].copy(), OTHER)
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    index.switch(index.verify(new, IDS, VECTORS[::-1].copy(), QUERY_VECTORS))
    assert index.live.number == 2
    assert list(index.search(QUERIES, OTHER, k=1)["east"]) == ["返金"]


def test_a_version_whose_vectors_are_not_those_expected_does_not_go_live(index):
    go_live(index)
    ids = [f"{n:02}" for n in range(40)]
    angles = np.linspace(0, np.pi, 40)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    built = index.build(ids, vectors[::-1].copy(), ENCODER)  # the wrong way round: east finds what is west
    verification = index.verify(built, ids, vectors, ENCODER.encode_queries(["1 0", "-1 0"]))
    assert verification.recall == 0
    with pytest.raises(VectorIndexError, match=r"version 2 is not switched to: recall 0\.000 of 0\.99 wanted, 40 rows of 40"):
        index.switch(verification)
    assert index.live.number == 1


def test_a_missing_row_does_not_go_live(index):
    built = index.build(IDS[:-1], VECTORS[:-1], ENCODER)
    verification = index.verify(built, IDS, VECTORS, QUERY_VECTORS[:0])
    assert (verification.rows, verification.expected_rows, verification.passed) == (5, 6, False)
    with pytest.raises(VectorIndexError, match="5 rows of 6"):
        index.switch(verification)


def test_a_build_that_is_stopped_leaves_nothing(index, monkeypatch):
    go_live(index)
    insert, calls = index.store.insert, []

    def break_down(collection, rows, first):
        calls.append((collection, rows.ids, first))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return insert(collection, rows, first)

    monkeypatch.setattr(index.store, "insert", break_down)
    with pytest.raises(KeyboardInterrupt):
        index.build(IDS, VECTORS, OTHER, batch=4)
    monkeypatch.undo()
    assert calls == [("help_v2", IDS[:4], 0), ("help_v2", IDS[4:], 4)]
    assert index.store.names() == ["help_v1"]
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    again = index.build(IDS[:3], VECTORS[:3], OTHER)
    assert (again.number, again.documents) == (2, 3)
    assert index.verify(again, IDS[:3], VECTORS[:3], QUERY_VECTORS).rows == 3  # none of the four rows of the first try


def test_two_builds_at_once_are_not_possible(index, address, monkeypatch):
    insert, writing, go_on = index.store.insert, threading.Event(), threading.Event()

    def slowly(*arguments):
        writing.set()
        assert go_on.wait(60)
        return insert(*arguments)

    monkeypatch.setattr(index.store, "insert", slowly)
    first = threading.Thread(target=index.build, args=(IDS, VECTORS, ENCODER))
    first.start()
    assert writing.wait(60)
    other = opened(address, "help")
    with pytest.raises(VectorIndexError, match=r"another build is writing to 'help' at .*: wait until it has ended"):
        other.build(IDS[:2], VECTORS[:2], OTHER)
    assert other.versions() == []  # the first is not there before it is whole
    go_on.set()
    first.join()
    assert [(v.number, v.documents) for v in other.versions()] == [(1, 6)]
    assert other.build(IDS[:2], VECTORS[:2], OTHER).number == 2
    other.close()


# --- what is kept with a version ----------------------------------------------------------------------------------


def test_metadata_tell_model_corpus_and_time(index):
    hashes = [text_hash(a) for a in IDS]
    first = index.build(IDS, VECTORS, ENCODER, hashes=hashes)
    order = [3, 1, 0, 2, 5, 4]
    again = index.build([IDS[n] for n in order], VECTORS[order], ENCODER, hashes=[hashes[n] for n in order])
    other = index.build(IDS, VECTORS, ENCODER, hashes=[*hashes[:5], text_hash("changed")])
    assert first.corpus == again.corpus != other.corpus
    assert first.built < again.built < other.built
    assert index.build(IDS, VECTORS, ENCODER).corpus is None
    noted = index.store.describe("help_v1").record
    assert set(noted["settings"]) == {"pooling", "max_length", "query_prompt", "document_prompt"}
    assert (noted["dimension"], noted["articles"], noted["fingerprint"]) == (2, 6, "f-numbers")


def test_smoke_queries_decide_too(index):
    go_live(index)
    ids, vectors = [f"{n:02}" for n in range(12)], np.repeat(VECTORS, 2, axis=0)
    new = index.build(ids, vectors, ENCODER)
    right = index.verify(new, ids, vectors, QUERY_VECTORS, smoke={"1 0": "00", "0 1": "06"}, encoder=ENCODER)
    assert (right.passed, right.missed) == (True, ())
    far = index.verify(new, ids, vectors, QUERY_VECTORS, smoke={"1 0": "11"}, encoder=ENCODER)
    assert (far.recall, far.passed, far.missed) == (1.0, False, ("1 0",))
    with pytest.raises(VectorIndexError, match="12 rows of 12, smoke queries without their article: '1 0'"):
        index.switch(far)
    assert index.live.number == 1
    for encoder in (None, OTHER):
        with pytest.raises(VectorIndexError, match=r"smoke queries for version 2 need its encoder, numbers \(f-numbers\)"):
            index.verify(new, ids, vectors, QUERY_VECTORS, smoke={"1 0": "00"}, encoder=encoder)


# --- what cannot be built -----------------------------------------------------------------------------------------


def test_a_vector_with_nan_names_its_article(index):
    broken = VECTORS.copy()
    broken[[2, 4], 1] = np.nan, np.inf
    with pytest.raises(DataError, match=r"vector of article 'billing/été' holds NaN or infinity \(2 such in all\)"):
        index.build(IDS, broken, ENCODER)
    assert index.store.names() == []


def test_an_id_used_twice_is_named(index):
    with pytest.raises(DataError, match="article id 'a/b/c' is used twice"):
        index.build([*IDS[:5], "a/b/c"], VECTORS, ENCODER)


@pytest.mark.parametrize(("ids", "vectors"), [(IDS[:2], VECTORS), ([], VECTORS[:0]), (IDS[:1], VECTORS[0])])
def test_ids_and_vectors_must_match(index, ids, vectors):
    with pytest.raises(DataError, match=rf"{len(ids)} article ids and vectors of shape"):
        index.build(ids, vectors, ENCODER)
    assert index.versions() == []


def test_as_many_hashes_as_articles(index):
    with pytest.raises(DataError, match="2 text hashes for 6 articles"):
        index.build(IDS, VECTORS, ENCODER, hashes=["a", "b"])


def test_one_article_is_enough(index):
    go_live(index, VECTORS[:1], ids=["only"])
    assert list(index.search(QUERIES, ENCODER)["north"]) == ["only"]


# --- other places and other encoders ------------------------------------------------------------------------------


class BareEncoder:
    """Nothing but what ``TextEncoder`` asks for: "0 1" is (0, 1)."""

    name, fingerprint, dimension = "bare", "f-bare", 2

    def encode_queries(self, texts):
        return ENCODER.encode_queries(texts)

    encode_documents = encode_queries


def test_an_encoder_without_settings_is_as_good(index):
    go_live(index, encoder=BareEncoder())
    assert list(index.search(QUERIES, BareEncoder(), k=1)["east"]) == ["a b"]
    assert "settings" not in index.store.describe("help").record
