"""The versioned vector index, the places it can be kept in, and reindexing."""

from tutorial_lib.index.embedded import text_hash
from tutorial_lib.index.flat_store import FlatStore
from tutorial_lib.index.layout import Layout
from tutorial_lib.index.reindex import Reindexed, reindex
from tutorial_lib.index.shards import embed_corpus, read_shards
from tutorial_lib.index.store import VectorIndexError, VectorStore
from tutorial_lib.index.vector_index import VectorIndex
from tutorial_lib.index.version import Verification, Version

__all__ = [
    "FlatStore",
    "Layout",
    "Reindexed",
    "VectorIndex",
    "VectorIndexError",
    "VectorStore",
    "Verification",
    "Version",
    "embed_corpus",
    "read_shards",
    "reindex",
    "text_hash",
]
