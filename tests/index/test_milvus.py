"""What is Milvus' own: collections made by hand, how a version lies on a server, and the previous format."""

import json

import numpy as np
import pytest
from pymilvus import DataType

from tests.index.test_vector_index import ENCODER, IDS, OTHER, QUERIES, VECTORS, go_live
from tests.milvus import on_milvus, write_format_1
from tutorial_lib.index import Layout, VectorIndex, VectorIndexError


@on_milvus
def test_a_collection_made_by_hand_is_ignored(index):
    schema = index.store.client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=10)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
    for name in ("help_v9", "other"):
        index.store.client.create_collection(name, schema=schema)
    assert index.versions() == []
    assert index.build(IDS, VECTORS, ENCODER).number == 1
    assert index.prune(keep=1) == []
    assert index.store.client.has_collection("help_v9")


@on_milvus
def test_a_collection_made_by_hand_is_never_overwritten(index):
    index.store.client.create_collection("help_v1", dimension=2)
    assert go_live(index).number == 2
    assert sorted(index.store.client.list_collections()) == ["help_v1", "help_v2"]


@on_milvus
def test_a_collection_made_by_hand_in_the_place_of_the_alias_is_told(index):
    index.store.client.create_collection("help", dimension=2)
    assert index.live is None
    with pytest.raises(VectorIndexError, match=r"create_alias failed on the index at .* conflicts with an existing coll"):
        go_live(index)
    assert index.store.client.has_collection("help")


@on_milvus
def test_an_alias_set_by_hand_to_a_collection_made_by_hand_is_no_version(index):
    index.store.client.create_collection("mine", dimension=2)
    index.store.client.create_alias("mine", "help")
    with pytest.raises(VectorIndexError, match="no version of 'help' is live"):
        index.search(QUERIES, ENCODER)
    go_live(index)
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]


@on_milvus
def test_a_layout_names_the_index(index, address):
    other = VectorIndex(
        address, "graph", layout=Layout("HNSW", {"M": 8, "efConstruction": 40}, {"ef": 99}, consistency="Bounded")
    )
    assert go_live(other).search_params == {"ef": 99}
    go_live(index)
    built = [index.store.client.describe_index(c, "vector") for c in ("graph_v1", "help_v1")]
    assert [b["index_type"] for b in built] == ["HNSW", "FLAT"]
    assert {k: int(v) for k, v in (built[0].get("params") or built[0]).items() if k in ("M", "efConstruction")} == {
        "M": 8,
        "efConstruction": 40,
    }
    assert list(other.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    other.close()


def test_one_list_is_as_exact_as_comparing_with_all(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(1200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = VectorIndex(tmp_path / "index.db", "many")
    ids = [f"{n:04}" for n in range(len(vectors))]
    version = index.build(ids, vectors, ENCODER)
    assert index.store.client.describe_index("many_v1", "vector")["index_type"] == "IVF_FLAT"
    assert index.verify(version, ids, vectors, vectors[::10]).recall == 1.0
    index.close()


@on_milvus
def test_an_index_of_the_previous_format_serves_on(index):
    write_format_1(index.store.client, "help_v1", IDS, VECTORS, ENCODER)
    index.store.client.create_alias("help_v1", "help")
    live = index.live
    assert (live.number, live.format, live.corpus, live.served, live.calibration) == (1, 1, None, True, None)
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]
    with pytest.raises(VectorIndexError, match="version 1 of 'help' was written by an older version of this package"):
        index.stored(live)
    go_live(index, VECTORS[::-1].copy(), OTHER)
    assert index.rollback().number == 1
    assert list(index.search(QUERIES, ENCODER, k=1)["east"]) == ["a b"]


@pytest.fixture
def asked(index, monkeypatch):
    """What the client of ``index`` was asked with: method -> options, the answer being Milvus Lite's."""
    asked = {}

    def noting(method, allowed):
        real = getattr(index.store.client, method)

        def call(*arguments, **options):
            asked[method] = options
            return real(*arguments, **{k: v for k, v in options.items() if k in allowed})

        monkeypatch.setattr(index.store.client, method, call)

    noting("create_collection", ("schema", "consistency_level", "properties"))
    noting("load_collection", ())  # Milvus Lite has no second node to keep a replica on
    return asked


@on_milvus
def test_shards_and_replicas_reach_the_server(index, asked):
    index.store.layout = Layout(shards=3, replicas=2, consistency="Session")
    go_live(index)
    index.store.client.release_collection("help_v1")  # Milvus Lite has it in memory from the start, a server has not
    index.store.load("help_v1")
    assert asked["create_collection"]["num_shards"] == 3
    assert asked["create_collection"]["consistency_level"] == "Session"
    assert asked["load_collection"] == {"replica_number": 2}


def test_the_layout_of_an_index_is_that_of_its_store(tmp_path):
    layout = Layout(shards=2, replicas=2)
    index = VectorIndex(tmp_path / "index.db", layout=layout)
    assert index.store.layout is layout
    index.close()


@on_milvus
def test_what_is_noted_stands_in_one_property_as_json(index):
    built = index.build(IDS, VECTORS, ENCODER)
    noted = json.loads(index.store.client.describe_collection("help_v1")["properties"]["tutorial_lib"])
    assert (noted["format"], noted["articles"], noted["complete"], noted["search_params"]) == (2, 6, True, {})
    assert (noted["encoder"], noted["built"]) == (built.encoder, built.built)
