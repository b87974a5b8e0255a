"""One search, answered by one version with its own encoder, whatever is switched meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.index.catalogue import Catalogue
from tutorial_lib.index.reading import damaged
from tutorial_lib.index.store import Damaged, VectorIndexError
from tutorial_lib.index.version import Version
from tutorial_lib.models.settings import TextEncoder, document_space
from tutorial_lib.retrieval.runs import Run, ranked

SEARCHES = 5
"""How often a search is begun anew because the live version changed underneath or the server was restarted."""


def search_live(
    index: Catalogue, queries: Mapping[str, str], encoders: Sequence[TextEncoder], k: int, min_confidence: float | None
) -> Run:
    """Return the ``k`` nearest documents of each query (id -> text) from the live version.

    Args:
        index: Whose live version.
        queries: Query id -> text.
        encoders: Those of which one may be the live version's.
        k: Documents a query.
        min_confidence: A query whose best document is less likely to answer than this gets none.

    Raises:
        VectorIndexError: No version is live, the live one holds vectors of none of the encoders, or it has no calibration
            and ``min_confidence`` is given.
    """
    encoded: dict[str, NDArray[np.float32]] = {}
    for attempt in range(1, SEARCHES + 1):
        live = _live_for(index, encoders, min_confidence)
        if live.fingerprint not in encoded:
            encoded[live.fingerprint] = _own(live, encoders)[0].encode_queries(list(queries.values()))
        try:
            # By collection, not by alias: a switch since the check above must not mix two models.
            index.check_count(live)
            hits = index.store.search(live.collection, encoded[live.fingerprint], k, live.search_params)
            if not all(hits):
                raise damaged(live, "it answers a query with no document at all")
        except VectorIndexError as error:
            if index.live == live:
                if attempt == SEARCHES or isinstance(error, Damaged):
                    raise
                index.store.load(live.collection)  # a server that was restarted has nothing in memory
            continue
        if index.live == live:  # else it was dropped, and its name may have gone to another model's vectors
            return {q: _good(ranked(found, k), live, min_confidence) for q, found in zip(queries, hits, strict=True)}
    raise VectorIndexError(f"{index.name!r} was switched {SEARCHES} times within one search: search again")


def _live_for(index: Catalogue, encoders: Sequence[TextEncoder], min_confidence: float | None) -> Version:
    live = index.live
    if live is None:
        raise VectorIndexError(f"no version of {index.name!r} is live: build, verify and switch to one")
    if not (own := _own(live, encoders)):
        names = " or ".join(f"{e.name} ({e.fingerprint})" for e in encoders)
        raise VectorIndexError(
            f"version {live.number} of {index.name!r} holds vectors of {live.encoder} "
            f"({live.fingerprint}), the query would be encoded by {names}: their scores mean nothing "
            "together; load that encoder, or build and switch to a version made with this one"
        )
    if min_confidence is not None and live.calibration is None:
        raise VectorIndexError(
            f"version {live.number} of {index.name!r} does not say what its scores are worth: build it "
            "with calibration=calibrate(…), or leave min_confidence out"
        )
    if min_confidence is not None and own[0].fingerprint != live.queries:
        raise VectorIndexError(
            f"version {live.number} of {index.name!r} says what scores of the queries of {live.encoder} ({live.queries}) are "
            f"worth, not of those of {own[0].name} ({own[0].fingerprint}): reindex with calibration=calibrate(…) of these"
        )
    return live


def _own(live: Version, encoders: Sequence[TextEncoder]) -> list[TextEncoder]:
    """Return the encoders whose queries may search a version; the one it was built with, if it is among them, first."""
    own = [e for e in encoders if document_space(e) == live.fingerprint]
    return sorted(own, key=lambda e: e.fingerprint != live.queries)


def _good(hits: dict[str, float], live: Version, min_confidence: float | None) -> dict[str, float]:
    if min_confidence is None or live.calibration is None or not hits:
        return hits
    return hits if live.calibration.confidence(next(iter(hits.values()))) >= min_confidence else {}
