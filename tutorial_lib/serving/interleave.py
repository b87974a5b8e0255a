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


def team_draft(first: Sequence[str], second: Sequence[str], k: int, coin: Coin) -> dict[str, int | None]:
    """Return ``k`` documents of two rankings as one list, best first, with the team that each was drafted by.

    As captains choose players: in each round a coin says which ranking drafts first; each takes its best document that
    nobody has. Of every beginning of the list both have drafted the same number, give or take one, so that no ranking gains
    by a place alone. What both rank alike is drafted by either, and in the mean credits neither.

    Args:
        first: Document ids of one ranking, best first, each once.
        second: Of the other.
        k: How many documents to show.
        coin: Tossed once a round.

    Returns:
        Document id -> FIRST or SECOND, in the order to show them. Where a ranking has come to its end, what is left of the
        other follows; it was drafted by neither (None), and a click on it says nothing.

    Raises:
        ValueError: A ranking names a document twice.

    Reference: Radlinski, Kurup and Joachims 2008, CIKM, "How does clickthrough data reflect retrieval quality?", section 3.2.

    >>> import random
    >>> team_draft(["refund", "cancel"], ["invoice", "refund"], 2, random.Random(0))
    {'refund': 0, 'invoice': 1}
    """
    rankings = (first, second)
    for ranking in rankings:
        if len(set(ranking)) < len(ranking):
            twice = next(a for n, a in enumerate(ranking) if a in ranking[:n])
            raise ValueError(f"a ranking names {twice!r} twice: pass each document once")
    drafted: dict[str, int | None] = {}
    places, sizes = [0, 0], [0, 0]
    while len(drafted) < k:
        for team, ranking in enumerate(rankings):
            while places[team] < len(ranking) and ranking[places[team]] in drafted:
                places[team] += 1
        at_end = [place == len(ranking) for place, ranking in zip(places, rankings, strict=True)]
        ahead = sizes[FIRST] - sizes[SECOND]
        if ahead == 0 and any(at_end):  # a round is begun only where both can draft, or the shorter ranking would gain
            break
        team = SECOND if ahead > 0 or (ahead == 0 and coin.random() < 0.5) else FIRST
        if at_end[team]:
            break
        drafted[rankings[team][places[team]]] = team
        sizes[team] += 1
    left = (a for a in chain(first, second) if a not in drafted)
    return drafted | dict.fromkeys(_some(left, k - len(drafted)))


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
