"""Systems that rank the first documents of another one again. They cost time, so a run makes them when they are asked for.

They stand here and not beside the others because dev chooses how far the second ranker counts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

from tutorial_lib.evaluation.choose import choose_weight
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.cross_encoder import CrossReranker
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, SYSTEMS, Artifacts, System


class Reranking(Artifacts, Protocol):
    """What these systems rank with besides; ``Workspace`` is one."""

    @property
    def base_encoder(self) -> Encoder:
        """The base model."""
        ...

    def tuned_encoder(self) -> Encoder:
        """Return the fine-tuned model."""
        ...

    def reranker(self) -> CrossReranker:
        """Return the cross-encoder, with the depth and the share that dev chose."""
        ...

    def while_unchanged(self, what: Hashable, make: Callable[[], Any]) -> Any:
        """Return what ``make`` gives, kept under the name ``what``."""
        ...


def late_interaction(artifacts: Reranking, name: str) -> LateInteraction:
    """Return late interaction with the base or the fine-tuned model, which keeps the token vectors it has made.

    Args:
        artifacts: A workspace.
        name: "base" or "tuned".
    """

    def make() -> LateInteraction:
        encoder = artifacts.base_encoder if name == BASELINE else artifacts.tuned_encoder()
        return LateInteraction(encoder, artifacts.dataset().document_texts())

    return artifacts.while_unchanged(("late interaction", name), make)


def late_weight(artifacts: Reranking, name: str) -> float:
    """Return MaxSim's share that dev chose for the base or the fine-tuned model."""

    def choose() -> float:
        return choose_weight(artifacts.dataset(), artifacts.run_of(name, "dev"), _maxsim(artifacts, name, "dev"))

    return artifacts.while_unchanged(("late weight", name), choose)


def _maxsim(artifacts: Reranking, name: str, split: str) -> dict[str, dict[str, float]]:
    queries, run = artifacts.dataset().query_texts(split), artifacts.run_of(name, split)
    return artifacts.while_unchanged(("maxsim", name, split), lambda: late_interaction(artifacts, name).maxsim(queries, run))


def _late(name: str) -> Callable[[Any, str], Run]:
    def run(artifacts: Reranking, split: str) -> Run:
        weight = late_weight(artifacts, name)
        return reranked(artifacts.run_of(name, split), _maxsim(artifacts, name, split), weight)

    return run


def _cross(artifacts: Any, split: str) -> Run:  # a ``Reranking``: the table's systems take any artifacts
    reranker: CrossReranker = artifacts.while_unchanged("reranker", artifacts.reranker)
    first = artifacts.run_of(CANDIDATE, split)
    if not reranker.weight:  # dev saw no clear rise: no minute is spent on scores that do not count
        return first
    return reranker.rerank(artifacts.dataset().query_texts(split), first)


RERANKED: dict[str, System] = {
    system.name: system
    for system in (
        System(f"{BASELINE}+late", "the base model with late interaction", _late(BASELINE)),
        System(f"{CANDIDATE}+late", "the fine-tuned model with late interaction", _late(CANDIDATE)),
        System(f"{CANDIDATE}+cross", "the fine-tuned model with a cross-encoder", _cross),
    )
}
"""Name -> system; not among ``SYSTEMS``, which every run makes."""


def find_system(name: str) -> System:
    """Return a system by its name.

    Raises:
        ValueError: There is none.

    >>> find_system("tuned+late").title
    'the fine-tuned model with late interaction'
    """
    every = {**SYSTEMS, **RERANKED}
    if name not in every:
        raise ValueError(f"no system {name!r}: there are {', '.join(every)}")
    return every[name]
