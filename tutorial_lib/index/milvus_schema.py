"""What a collection in Milvus is made of."""

from __future__ import annotations

from typing import Any

from pymilvus import DataType, MilvusClient

METADATA = "tutorial_lib"
"""Property of a collection that holds what is noted with it, as JSON."""


EXACT = ("FLAT", "IVF_FLAT", "HNSW")
"""Index types that score with the vectors as they were given."""


def schema_of(dimension: int, id_bytes: int) -> Any:
    """Return the fields of a collection: id, text_hash, position and vector.

    Args:
        dimension: Length of a vector.
        id_bytes: Of the longest id, in UTF-8.
    """
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=max(64, id_bytes))
    schema.add_field("text_hash", DataType.VARCHAR, max_length=64)
    # To read the rows back in pieces: ids may hold quotes, which Milvus' own iterator puts into a filter as they are.
    schema.add_field("position", DataType.INT64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    return schema
