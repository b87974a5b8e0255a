"""The index that a line of generations is searched by: which of them is live there, and how another one becomes so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tutorial_lib.data.dataset import DataError
from tutorial_lib.index.reindex import reindex
from tutorial_lib.index.store import VectorIndexError
from tutorial_lib.index.vector_index import VectorIndex
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import document_space
from tutorial_lib.monitoring.gather import NEWEST
from tutorial_lib.monitoring.lineage import Generation, Line
from tutorial_lib.retrieval.calibration import calibrate
from tutorial_lib.workspace import Workspace

SAMPLE = 200
"""So many queries verify the new version of the index: the newest, or of dev where none are marked so."""
OpenIndex = Callable[[], VectorIndex]
"""Opens the index that is served: once to see what is live, and again minutes later to switch it."""


@contextmanager
def opened(open_index: OpenIndex) -> Iterator[VectorIndex]:
    """Give the open index; what goes wrong with it is told as unusable input."""
    try:
        index = open_index()
        try:
            yield index
        finally:
            index.close()
    except VectorIndexError as error:
        raise DataError(str(error)) from None


def live_generation(line: Line, generations: Sequence[Generation], open_index: OpenIndex | None) -> Generation:
    """Return the generation that is live in the index; the last that was shipped where there is none, or it holds nothing.

    Raises:
        DataError: The index cannot be opened, or what is live there is no generation of the line.
    """
    shipped = [generation for generation in generations if generation.shipped]
    if open_index is None:
        return shipped[-1]
    with opened(open_index) as index:
        version, address = index.live, index.store.address
    if version is None:
        return shipped[-1]
    spaces = {g.space or document_space(Encoder.load(line.first / "model")): g for g in shipped}
    if version.fingerprint not in spaces:
        raise DataError(
            f"version {version.number} of the index at {address} is live with {version.encoder} ({version.fingerprint}), "
            f"which is no generation of {line.first}: pass the index of this line, or switch it to one of them"
        )
    return spaces[version.fingerprint]


def put_live(space: Workspace, open_index: OpenIndex) -> dict[str, Any]:
    """Reindex the articles of a workspace with its model, verify, and switch; return where, and which version replaced which.

    Raises:
        DataError: The index cannot be opened, or the new version did not pass: the old one goes on serving.
    """
    dataset = space.dataset()
    encoder = Encoder.load(space.need("model").resolve(), device=space.device)  # a service reads it by this name
    newest = [q for q in dataset.qrels["test"] if dataset.queries[q].metadata.get("exam") == NEWEST]
    asked = newest[-SAMPLE:] or list(dataset.qrels["dev"])[:SAMPLE]
    worth = calibrate(dataset.qrels["dev"], space.run_of("tuned", "dev"))
    with opened(open_index) as index:
        before = index.live
        queries = [dataset.queries[q].text for q in asked]
        work = space.root / "index_work"
        done = reindex(index, dataset.document_texts(), encoder, work, queries=queries, calibration=worth)
        return {
            "place": index.store.address,
            "version": done.version.number,
            "before": before.number if before and before.number != done.version.number else None,
            "articles": str(done.changes),
        }
