"""Two rankings shown as one list, so that who clicks says which one served them better.

Half of the searches by one version and half by the other compares people who asked different things. In an interleaved list
everybody compares both: the difference between people drops out, and far fewer searches tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Protocol

FIRST, SECOND = 0, 1
"""The two rankings, as teams."""


class Coin(Protocol):
    """What decides who drafts first: ``random.Random``, or a generator of numpy."""

    def random(self) -> float:
        """Return a number from 0 to 1, 1 left out."""
        ...


def team_draft(
    first: Sequence[str], second: Sequence[str], k: int, coin: Coin, *, agreed_too: bool = False
) -> dict[str, int | None]:
    """Return ``k`` documents of two rankings as one list, best first, with the team that each was drafted by.

    As captains choose players: in each round a coin says which ranking drafts first; each takes its best document that
    nobody has. Of every beginning of the list both have drafted the same number, give or take one, and every place is as
    often the one's as the other's, so that who clicks by place alone prefers neither.

    Where both have the same document next it is shown without a draft. The paper drafts it too; then a coin says whose its
    clicks are. That is right in the mean, but most clicks fall on such documents, and their noise hides the others: it takes
    many times the searches to see a small difference (benchmarks/interleaving.py).

    Args:
        first: Document ids of one ranking, best first, each once.
        second: Of the other.
        k: How many documents to show.
        coin: Tossed once a round.
        agreed_too: Draft what both have next, as the paper does.

    Returns:
        Document id -> FIRST or SECOND, in the order to show them; None for those that neither has drafted, a click on which
        says nothing: both agree on them, or the other ranking has come to its end.

    Raises:
        ValueError: A ranking names a document twice.

    Reference: Radlinski, Kurup and Joachims 2008, CIKM, "How does clickthrough data reflect retrieval quality?", section 3.2.

    >>> import random
    >>> team_draft(["a", "refund", "cancel"], ["a", "invoice", "refund"], 3, random.Random(0))
    {'a': None, 'refund': 0, 'invoice': 1}
    """
    rankings = (first, second)
    _check_once(*rankings)
    drafted: dict[str, int | None] = {}
    places = [0, 0]
    turn: int | None = None  # whose it is in a round that has begun
    while len(drafted) < k:
        for team, ranking in enumerate(rankings):
            while places[team] < len(ranking) and ranking[places[team]] in drafted:
                places[team] += 1
        best = [ranking[place] if place < len(ranking) else None for place, ranking in zip(places, rankings, strict=True)]
        if turn is None and None in best:  # no round is begun that one cannot end: the shorter ranking would gain
            break
        agreed = best[FIRST] if best[FIRST] == best[SECOND] else None
        if turn is None and agreed is not None and not agreed_too:
            drafted[agreed] = None
            continue
        team = turn if turn is not None else (SECOND if coin.random() < 0.5 else FIRST)
        chosen = best[team]
        if chosen is None:  # agreed_too alone: the other has drafted its last
            break
        drafted[chosen] = team
        turn = 1 - team if turn is None else None
    left = (a for a in chain(first, second) if a not in drafted)
    return drafted | dict.fromkeys(_some(left, k - len(drafted)))


def _check_once(*rankings: Sequence[str]) -> None:
    for ranking in rankings:
        if len(set(ranking)) < len(ranking):
            twice = next(a for n, a in enumerate(ranking) if a in ranking[:n])
            raise ValueError(f"a ranking names {twice!r} twice: pass each document once")


def _some(items: Iterable[str], number: int) -> list[str]:
    """Return the first so many different items."""
    return list(dict.fromkeys(items))[: max(0, number)]


def credit(teams: Mapping[str, str], clicked: Iterable[str]) -> dict[str, int]:
    """Return how many of the clicked documents each team had drafted; a document counts once, however often it was clicked.

    Args:
        teams: Document id -> team, of those that were drafted.
        clicked: Document ids; those of no team are left out.

    >>> credit({"refund": "1", "invoice": "2", "cancel": "1"}, ["cancel", "cancel", "invoice", "refund"])
    {'1': 2, '2': 1}
    """
    counts = dict.fromkeys(sorted(set(teams.values())), 0)
    for document in set(clicked) & teams.keys():
        counts[teams[document]] += 1
    return counts
