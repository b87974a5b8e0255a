"""Systems that rank the first documents of another one again. They cost time, so a run makes them when they are asked for.

They stand here and not beside the others because dev chooses how far the second ranker counts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

from tutorial_lib.evaluation.choose import choose_run, choose_weight
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.retrieval.cross_encoder import CrossReranker
from tutorial_lib.retrieval.hosted import HOSTED, HOSTED_SYSTEM
from tutorial_lib.retrieval.late_interaction import LateInteraction
from tutorial_lib.retrieval.reranking import reranked
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.retrieval.systems import BASELINE, CANDIDATE, SYSTEMS, UNTRAINED, Artifacts, System

BASE_LATE, TUNED_LATE, UNTRAINED_LATE = (f"{name}+late" for name in (BASELINE, CANDIDATE, UNTRAINED))
TUNED_CROSS = f"{CANDIDATE}+cross"


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
        name: "base", "tuned", or "untrained", which is with the base model.
    """
    model = BASELINE if name == UNTRAINED else name

    def make() -> LateInteraction:
        encoder = artifacts.base_encoder if model == BASELINE else artifacts.tuned_encoder()
        return LateInteraction(encoder, artifacts.dataset().document_texts())

    return artifacts.while_unchanged(("late interaction", model), make)


def late_weight(artifacts: Reranking, name: str) -> float:
    """Return MaxSim's share that dev chose for the ranking of the base or the fine-tuned model, or for "untrained"."""

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


def untrained_late(artifacts: Reranking) -> str:
    """Return what dev likes best of all that needs no training, late interaction with the base model included.

    It is "untrained", as it is without; "base+late"; or "untrained+late", over the first documents of what "untrained" is,
    which it is too where dev is too small to choose.
    """

    def choose() -> str:
        first = {name: artifacts.run_of(name, "dev") for name in (UNTRAINED, BASE_LATE)}
        return choose_run(artifacts.dataset(), {**first, UNTRAINED_LATE: _late(UNTRAINED)(artifacts, "dev")}, UNTRAINED_LATE)

    return artifacts.while_unchanged("untrained with late interaction", choose)


def _untrained_late(artifacts: Any, split: str) -> Run:
    name = untrained_late(artifacts)
    return _late(UNTRAINED)(artifacts, split) if name == UNTRAINED_LATE else artifacts.run_of(name, split)


def _cross(artifacts: Any, split: str) -> Run:  # a ``Reranking``: the table's systems take any artifacts
    reranker: CrossReranker = artifacts.while_unchanged("reranker", artifacts.reranker)
    first = artifacts.run_of(CANDIDATE, split)
    if not reranker.weight:  # dev saw no clear rise: no minute is spent on scores that do not count
        return first
    return reranker.rerank(artifacts.dataset().query_texts(split), first)


RERANKED: dict[str, System] = {
    system.name: system
    for system in (
        System(BASE_LATE, "the base model with late interaction", _late(BASELINE)),
        System(UNTRAINED_LATE, "the best without training, late interaction included", _untrained_late),
        System(TUNED_LATE, "the fine-tuned model with late interaction", _late(CANDIDATE)),
        System(TUNED_CROSS, "the fine-tuned model with a cross-encoder", _cross),
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
    every = {**SYSTEMS, **RERANKED, HOSTED: HOSTED_SYSTEM}
    if name not in every:
        raise ValueError(f"no system {name!r}: there are {', '.join(every)}")
    return every[name]
