"""How a version lies on a Milvus server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FLAT_LIMIT = 100_000
"""Vectors up to which every query is compared with all of them; above, an HNSW graph is built."""


COPIED = 1000
"""Vectors from which on copying them at every search is felt."""


@dataclass(frozen=True)
class Layout:
    """How a version lies on a server; the embedded index heeds the index type only.

    Attributes:
        index_type: "FLAT", "HNSW" or another type that the server knows; by default by the number of vectors.
        index_params: Parameters to build that type with, such as M and efConstruction.
        search_params: Parameters to search it with, such as ef; they are kept with the version and every reader uses them.
        shards: Parts that take writes side by side.
        replicas: Copies in memory that answer searches; each needs a query node of its own.
        consistency: "Strong", "Bounded", "Session" or "Eventually": whether a search waits for the latest writes. A
            version is never written to once it is built, so a weaker level costs nothing but may lag right after a build.
    """

    index_type: str | None = None
    index_params: Mapping[str, Any] | None = None
    search_params: Mapping[str, Any] | None = None
    shards: int = 1
    replicas: int = 1
    consistency: str = "Strong"

    def __post_init__(self) -> None:
        """Refuse what no server can do.

        Raises:
            ValueError: ``shards`` or ``replicas`` is below 1.
        """
        for name, value in (("shards", self.shards), ("replicas", self.replicas)):
            if value < 1:
                raise ValueError(f"{name} is {value}: pass a whole number of at least 1")

    def index_for(self, documents: int, *, embedded: bool = False) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Return the index type for so many vectors, and its parameters for building and for searching."""
        # Always a named type: what "AUTOINDEX" builds differs from release to release.
        if self.index_type:
            return self.index_type, dict(self.index_params or {}), dict(self.search_params or {})
        if embedded and COPIED <= documents <= FLAT_LIMIT:
            # One list, all of it searched: as exact as FLAT, for which Milvus Lite copies all vectors at every search.
            return "IVF_FLAT", {"nlist": 1}, {"nprobe": 1}
        if documents <= FLAT_LIMIT:
            return "FLAT", {}, {}
        return "HNSW", {"M": 32, "efConstruction": 200}, {"ef": 256}
