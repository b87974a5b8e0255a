from tutorial_lib.index.milvus_schema import EXACT, schema_of


def test_the_fields_of_a_collection():
    """An id takes as many bytes as the longest one has, and 64 at least: short ids may grow in the next version."""
    fields = {f.name: f for f in schema_of(384, 70).fields}
    assert list(fields) == ["id", "text_hash", "position", "vector"]
    assert (fields["id"].is_primary, fields["id"].params["max_length"], fields["vector"].params["dim"]) == (True, 70, 384)
    assert {f.name: f for f in schema_of(2, 3).fields}["id"].params["max_length"] == 64


def test_an_index_type_that_shortens_vectors_is_not_exact():
    assert not {"IVF_SQ8", "HNSW_SQ", "IVF_PQ"} & set(EXACT)
