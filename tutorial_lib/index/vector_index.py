"""The vector index: a new version for every model, checked before an alias switches to it, the old one kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.index.build import record_of, write_next
from tutorial_lib.index.catalogue import Catalogue
from tutorial_lib.index.embedded import Embedded, check_rows
from tutorial_lib.index.layout import Layout
from tutorial_lib.index.open_store import open_store
from tutorial_lib.index.search import search_live
from tutorial_lib.index.store import VectorIndexError, VectorStore
from tutorial_lib.index.verify import K, mean_recall
from tutorial_lib.index.version import Verification, Version
from tutorial_lib.models.settings import TextEncoder, document_space
from tutorial_lib.retrieval.calibration import Calibration
from tutorial_lib.retrieval.runs import Run

__all__ = ["Layout", "VectorIndex", "VectorIndexError", "Verification", "Version"]


class VectorIndex(Catalogue):
    """Versions ``<name>_v1``, ``<name>_v2``, … of one corpus' vectors behind the alias ``<name>``.

    >>> import tempfile
    >>> from types import SimpleNamespace
    >>> from tutorial_lib.index.flat_store import FlatStore
    >>> def vectors(texts):  # "0 1" is the vector (0, 1)
    ...     return np.array([[float(number) for number in text.split()] for text in texts], dtype=np.float32)
    >>> encoder = SimpleNamespace(name="numbers", fingerprint="f-numbers", encode_queries=vectors)
    >>> index = VectorIndex(FlatStore(tempfile.mkdtemp()), "help")
    >>> ids, rows = ["cancel", "refund"], vectors(["1 0", "0 1"])
    >>> built = index.build(ids, rows, encoder)
    >>> index.switch(index.verify(built, ids, rows, rows)).collection
    'help_v1'
    >>> list(index.search({"q": "0.6 0.8"}, encoder)["q"])
    ['refund', 'cancel']
    """

    def __init__(
        self,
        uri: str | Path | VectorStore | None = None,
        name: str = "articles",
        *,
        token: str | None = None,
        layout: Layout | None = None,
    ) -> None:
        """Open the index at ``uri``: a path that ends in .db, the address of a Milvus server, or an open store.

        Args:
            uri: By default the environment's MILVUS_URI.
            name: Of the alias; letters, digits and underscores.
            token: user:password or API key of a Milvus server; by default the environment's MILVUS_TOKEN.
            layout: How new versions lie on a Milvus server.

        Raises:
            VectorIndexError: The name has other characters, no address is given, nothing answers there after several
                tries within 3.7 seconds (``milvus_client.BACK_OFF``, which a service may lengthen), the token is refused,
                or another process has the file open.
        """
        if not re.fullmatch(r"[A-Za-z_]\w*", name, flags=re.ASCII):
            raise VectorIndexError(f"index name {name!r}: pass letters, digits and underscores, not starting with a digit")
        super().__init__(open_store(uri, token, layout), name)

    # --- build, verify, switch ------------------------------------------------------------------------------------

    def build(
        self,
        document_ids: Sequence[str],
        vectors: NDArray[np.float32],
        encoder: TextEncoder,
        *,
        hashes: Sequence[str] | None = None,
        calibration: Calibration | None = None,
        batch: int = 1000,
    ) -> Version:
        """Write a new version beside the others; searches still go to the old one.

        What a build that fails has written is dropped; what a killed one left is dropped by the next.

        Args:
            document_ids: Ids, length N, no two alike.
            vectors: float32, (N, D), unit length, one an id.
            encoder: The encoder that made them; its fingerprints, and its settings if it has any, are stored.
            hashes: ``text_hash`` of each article, so that ``reindex`` knows what has changed.
            calibration: Of the encoder, for ``search(min_confidence=…)``.
            batch: Vectors sent at a time.

        Raises:
            DataError: Ids, vectors and hashes do not match, an id is used twice, or a vector holds NaN (the article is
                named).
            VectorIndexError: Another build is running, or the disk is full or the server gone: then nothing has changed.
        """
        check_rows(document_ids, vectors, hashes)
        rows = Embedded(list(document_ids), list(hashes or [""] * len(document_ids)), vectors)
        with self.store.alone(self.name):
            record = record_of(rows, encoder, calibration, with_hashes=hashes is not None)
            after = max((v.number for v in self.versions()), default=0)
            number = write_next(self.store, self.name, after + 1, record, rows, batch)
        return self.version(number)

    def verify(
        self,
        version: Version,
        document_ids: Sequence[str],
        vectors: NDArray[np.float32],
        query_vectors: NDArray[np.float32],
        *,
        min_recall: float = 0.99,
        smoke: Mapping[str, str] | None = None,
        encoder: TextEncoder | None = None,
    ) -> Verification:
        """Compare ``version`` with exact search over the vectors it was built from, and ask it what must not go wrong.

        Args:
            version: What ``build`` returned.
            document_ids: Ids, length N.
            vectors: float32, (N, D), unit length.
            query_vectors: float32, (Q, D), unit length: a sample of what users ask.
            min_recall: Share of the exact top 10 that must be found.
            smoke: Query text -> article that must be among its first 10.
            encoder: Encodes the smoke queries.

        Raises:
            VectorIndexError: ``smoke`` without the encoder of this version.
        """
        missed = self._missed(version, smoke or {}, encoder)
        self.store.load(version.collection)
        found = self.store.search(version.collection, query_vectors, K, version.search_params)
        return Verification(
            version.number,
            mean_recall(found, query_vectors, document_ids, vectors, scored=version.exact_scores),
            self.store.count(version.collection),
            len(document_ids),
            len(query_vectors),
            min_recall,
            missed,
        )

    def _missed(self, version: Version, smoke: Mapping[str, str], encoder: TextEncoder | None) -> tuple[str, ...]:
        """Return the smoke queries whose document ``version`` does not find."""
        if not smoke:
            return ()
        if encoder is None or document_space(encoder) != version.fingerprint:
            raise VectorIndexError(
                f"smoke queries for version {version.number} need its encoder, {version.encoder} "
                f"({version.fingerprint}): pass encoder=…"
            )
        self.store.load(version.collection)
        vectors = encoder.encode_queries(list(smoke))
        found = self.store.search(version.collection, vectors, K, version.search_params)
        return tuple(q for (q, a), hits in zip(smoke.items(), found, strict=True) if a not in hits)

    def switch(self, verification: Verification) -> Version:
        """Send searches to a verified version, at once and for all readers; the old version stays for ``rollback``.

        Raises:
            VectorIndexError: The verification did not pass.
        """
        v = verification
        if not v.passed:
            smoke = f", smoke queries without their article: {', '.join(map(repr, v.missed))}" if v.missed else ""
            raise VectorIndexError(
                f"version {v.version} is not switched to: recall {v.recall:.3f} of {v.min_recall} wanted, "
                f"{v.rows} rows of {v.expected_rows}{smoke}: build it again"
            )
        return self._point_alias(self.version(v.version))

    # --- search ---------------------------------------------------------------------------------------------------

    def search(
        self,
        queries: Mapping[str, str],
        encoder: TextEncoder | Sequence[TextEncoder],
        *,
        k: int = 10,
        min_confidence: float | None = None,
    ) -> Run:
        """Return the ``k`` nearest articles of each query (id -> text) from the live version.

        All queries of a call are answered by one version with its own encoder, whatever is switched meanwhile.

        Args:
            queries: Query id -> text.
            encoder: The live version's, or another of its document space; a service that must live through a switch passes
                the old and the new.
            k: Articles a query.
            min_confidence: A query whose best article is less likely to answer than this gets none: "no good answer".

        Raises:
            VectorIndexError: No version is live, the live one holds another encoder's vectors (all are named), or it has
                no calibration of this encoder's queries and ``min_confidence`` is given.
        """
        encoders = list(encoder) if isinstance(encoder, Sequence) else [encoder]
        return search_live(self, queries, encoders, k, min_confidence)
