import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from pymilvus import DataType

from tutorial_lib.dataset import DataError
from tutorial_lib.index import VectorIndex, VectorIndexError
from tutorial_lib.runs import exact_search

IDS = ["a b", "a/b/c", "billing/été", "quote'\"\\", "z" * 70, "返金"]
"""In ascending order."""
VECTORS = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [-0.6, 0.8], [-1, 0]], dtype=np.float32)
"""Along the half circle from east to west, so that the nearest to a query are read off at once."""
QUERIES = {"east": "1 0", "north": "0 1"}


@dataclass
class NumberEncoder:
    """Reads the vector from the query's text: "0 1" is (0, 1)."""

    name: str = "numbers"
    fingerprint: str = "f-numbers"

    def encode_queries(self, texts):
        return np.array([[float(x) for x in text.split()] for text in texts], dtype=np.float32).reshape(-1, 2)


ENCODER, OTHER = NumberEncoder(), NumberEncoder("mirror", "f-mirror")
QUERY_VECTORS = ENCODER.encode_queries(QUERIES.values())


@pytest.fixture
def index(tmp_path):
    index = VectorIndex(tmp_path / "folder" / "index.db", "help")
    yield index
    index.close()


def go_live(index, vectors=VECTORS, encoder=ENCODER, ids=IDS):
    version = index.build(ids, vectors, encoder)
    return index.switch(index.verify(version, ids, vectors, QUERY_VECTORS))


def test_build_verify_switch_search(index):
    built = index.build(IDS, VECTORS, ENCODER)
    assert (built.number, built.collection, built.articles, built.live) == (1, "help_v1", 6, False)
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


def test_an_index_is_found_again_in_its_file(tmp_path):
    first = VectorIndex(tmp_path / "index.db")
    go_live(first)
    first.close()
    again = VectorIndex(tmp_path / "index.db")
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


def test_rollback_goes_back_one_version_and_no_further(index):
    go_live(index)
    go_live(index, VECTORS[::-1].copy(), OTHER)
    assert index.rollback().number == 1
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    with pytest.raises(VectorIndexError, match="nothing to roll back to: 'help' has no version before the live one"):
        index.rollback()
    assert index.live.number == 1


def test_search_before_any_switch_is_refused(index):
    index.build(IDS, VECTORS, ENCODER)
    with pytest.raises(VectorIndexError, match="no version of 'help' is live: build, verify and switch"):
        index.search(QUERIES, ENCODER)


def test_search_with_another_encoder_is_refused_naming_both(index):
    go_live(index)
    with pytest.raises(VectorIndexError) as error:
        index.search(QUERIES, OTHER)
    assert all(word in str(error.value) for word in ("numbers", "f-numbers", "mirror", "f-mirror", "version 1"))


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


def test_a_version_that_is_not_there_is_refused(index):
    verification = index.verify(index.build(IDS, VECTORS, ENCODER), IDS, VECTORS, QUERY_VECTORS)
    with pytest.raises(VectorIndexError, match=r"no version 7 of 'help': there are \[1\]"):
        index.switch(dataclasses.replace(verification, version=7))


def test_an_unfinished_build_is_invisible_and_overwritten(index, monkeypatch):
    go_live(index)
    insert, calls = index.client.insert, []

    def break_down(collection, rows):
        calls.append(collection)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return insert(collection, rows)

    monkeypatch.setattr(index.client, "insert", break_down)
    with pytest.raises(KeyboardInterrupt):
        index.build(IDS, VECTORS, OTHER, batch=4)
    monkeypatch.undo()
    assert index.client.has_collection("help_v2")
    assert [v.number for v in index.versions()] == [1]
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    again = index.build(IDS[:3], VECTORS[:3], OTHER)
    assert (again.number, again.articles) == (2, 3)
    assert index.verify(again, IDS[:3], VECTORS[:3], QUERY_VECTORS).rows == 3  # none of the four rows of the first try


def test_a_collection_made_by_hand_is_ignored(index):
    schema = index.client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=10)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    for name in ("help_v9", "other"):
        index.client.create_collection(name, schema=schema)
    assert index.versions() == []
    assert index.build(IDS, VECTORS, ENCODER).number == 1
    assert index.prune(keep=1) == []
    assert index.client.has_collection("help_v9")


def test_two_indexes_in_one_file_do_not_see_each_other(tmp_path):
    with_v = [VectorIndex(tmp_path / "index.db", name) for name in ("help", "help_v")]
    go_live(with_v[0])
    go_live(with_v[1], VECTORS[::-1].copy(), OTHER)
    assert [[v.collection for v in index.versions()] for index in with_v] == [["help_v1"], ["help_v_v1"]]
    for index in with_v:
        index.close()


def test_prune_keeps_the_newest_and_never_drops_the_live_one(index):
    go_live(index)
    for _ in range(3):
        index.build(IDS, VECTORS, ENCODER)
    assert index.prune(keep=2) == [2]
    assert [(v.number, v.live) for v in index.versions()] == [(1, True), (3, False), (4, False)]
    assert index.prune(keep=0) == [3, 4]
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]


# --- what cannot be built -----------------------------------------------------------------------------------------


def test_a_vector_with_nan_names_its_article(index):
    broken = VECTORS.copy()
    broken[[2, 4], 1] = np.nan, np.inf
    with pytest.raises(DataError, match=r"vector of article 'billing/été' holds NaN or infinity \(2 such in all\)"):
        index.build(IDS, broken, ENCODER)
    assert index.client.list_collections() == []


def test_an_id_used_twice_is_named(index):
    with pytest.raises(DataError, match="article id 'a/b/c' is used twice"):
        index.build([*IDS[:5], "a/b/c"], VECTORS, ENCODER)


@pytest.mark.parametrize(("ids", "vectors"), [(IDS[:2], VECTORS), ([], VECTORS[:0]), (IDS[:1], VECTORS[0])])
def test_ids_and_vectors_must_match(index, ids, vectors):
    with pytest.raises(DataError, match=rf"{len(ids)} article ids and vectors of shape"):
        index.build(ids, vectors, ENCODER)
    assert index.versions() == []


@pytest.mark.parametrize("name", ["1st", "help desk", "hélp", ""])
def test_names_that_milvus_would_refuse_are_refused(tmp_path, name):
    with pytest.raises(VectorIndexError, match="pass letters, digits and underscores"):
        VectorIndex(tmp_path / "index.db", name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_index_path_is_refused(tmp_path):
    with pytest.raises(VectorIndexError, match=r"no index at .*folder.*\.db"):
        VectorIndex(tmp_path / "folder")
