"""The versioned vector index, and reindexing."""

from tutorial_lib.index.milvus import VectorIndexError
from tutorial_lib.index.reindex import Changes, Reindexed, reindex
from tutorial_lib.index.shards import embed_corpus, read_shards, text_hash
from tutorial_lib.index.vector_index import VectorIndex
from tutorial_lib.index.version import Layout, Verification, Version

__all__ = [
    "Changes",
    "Layout",
    "Reindexed",
    "VectorIndex",
    "VectorIndexError",
    "Verification",
    "Version",
    "embed_corpus",
    "read_shards",
    "reindex",
    "text_hash",
]
