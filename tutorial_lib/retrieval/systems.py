"""The systems that the course compares: every ranking it makes has its name, its title and its run here.

A further one (another fusion) is one more entry of ``SYSTEMS``: runs, measures and report take their names and their order
from it. Rerankers, which are made when they are asked for, stand in ``evaluation.reranked``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.fusion import convex_combination
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.untrained import FUSED, Untrained, rankings

KEYWORD = "bm25"
"""The system without a model."""

BASELINE = "base"
"""The system that a fine-tuned one is to replace."""

UNTRAINED = "untrained"
"""The best that can be had without training: what a fine-tuned model must beat to be worth its cost."""

CANDIDATE = "tuned"
"""The system that is shipped or not."""

KEYWORD_AND_TUNED = f"{KEYWORD}+{CANDIDATE}"
"""The model and keyword search fused by their scores, with the share that dev chose."""


class Artifacts(Protocol):
    """What systems rank with; ``Workspace`` is one."""

    def dataset(self) -> RetrievalDataset:
        """Return the dataset."""
        ...

    def bm25(self) -> BM25:
        """Return the keyword index over its documents."""
        ...

    def base_vectors(self) -> Vectors:
        """Return the base model's vectors of it."""
        ...

    def untrained(self) -> Untrained:
        """Return what dev chose of all that needs no training."""
        ...

    def tuned_vectors(self) -> Vectors:
        """Return the fine-tuned model's vectors of it."""
        ...

    def tuned_share(self) -> float:
        """Return what the fine-tuned model counts beside keyword search, chosen on dev, 0 to 1."""
        ...

    def run_of(self, name: str, split: str) -> Run:
        """Return the run of the system ``name``, made once: what a fusion asks the others for."""
        ...


@dataclass(frozen=True)
class System:
    """One way to rank.

    Attributes:
        name: Key in ``SYSTEMS``, in metrics and in file names.
        title: What a sentence calls it.
        run: From artifacts and a split to the run of its queries, 100 documents each.
    """

    name: str
    title: str
    run: Callable[[Artifacts, str], Run]


def keyword_run(dataset: RetrievalDataset, bm25: BM25, split: str, *, k: int = 100) -> Run:
    """Return the run of keyword search for the queries of one split, ``k`` documents each.

    A query's own document (``dataset.own_documents``) is left out.

    Args:
        dataset: The dataset.
        bm25: Index over its documents.
        split: Whose queries.
        k: How many documents to keep of each query.
    """
    return bm25.search(dataset.query_texts(split), k=k, own=dataset.own_documents)


def _bm25(artifacts: Artifacts, split: str) -> Run:
    return keyword_run(artifacts.dataset(), artifacts.bm25(), split)


def _base(artifacts: Artifacts, split: str) -> Run:
    return dense_run(artifacts.dataset(), artifacts.base_vectors(), split)


def _untrained(artifacts: Artifacts, split: str) -> Run:
    chosen = artifacts.untrained()
    if chosen.system != FUSED:
        return artifacts.run_of(chosen.system, split)
    return rankings(artifacts.run_of(KEYWORD, split), artifacts.run_of(BASELINE, split), chosen.share)[FUSED]


def _tuned(artifacts: Artifacts, split: str) -> Run:
    return dense_run(artifacts.dataset(), artifacts.tuned_vectors(), split)


def _keyword_and_tuned(artifacts: Artifacts, split: str) -> Run:
    keyword, tuned = (artifacts.run_of(name, split) for name in (KEYWORD, CANDIDATE))
    return convex_combination(keyword, tuned, artifacts.tuned_share())


SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        System(KEYWORD, "BM25", _bm25),
        System(BASELINE, "the base model", _base),
        System(UNTRAINED, "the best without training", _untrained),
        System(CANDIDATE, "the fine-tuned model", _tuned),
        System(KEYWORD_AND_TUNED, "BM25 fused with the fine-tuned model", _keyword_and_tuned),
    )
}
"""Name -> system, in the order of every table; a fusion stands after what it fuses."""
