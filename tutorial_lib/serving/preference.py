"""Which of two interleaved versions people prefer, by what they clicked: counted, tested, and said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from tutorial_lib.evaluation.significance import Difference, paired_difference

ALPHA = 0.05
"""Share of comparisons of two equal versions in which one is said to win."""

PRIOR = 50.0
"""For ``any_time_p``: how near one half it expects the share of wins; about 0.5 +- 0.05. Any value keeps its promise."""


def sign_test(wins: ArrayLike, losses: ArrayLike) -> NDArray[np.float64]:
    """Return the two-sided p-value of so many wins and losses if either were as likely; ties are left out.

    It holds for one look, at a number of searches that was chosen before: who looks each day and stops when it is small
    will see it small in the end, whatever the versions.

    >>> float(sign_test(6, 0))  # 2 of the 64 ways that 6 coins can fall
    0.03125
    """
    w, n = np.asarray(wins), np.asarray(wins) + np.asarray(losses)
    return np.minimum(1.0, 2 * stats.binom.cdf(np.minimum(w, n - w), n, 0.5))


def any_time_p(wins: ArrayLike, losses: ArrayLike) -> NDArray[np.float64]:
    """Return a p-value that may be looked at as often as one likes: it falls below 0.05 at any time in at most 5 % of cases.

    The inverse of a fair game's winnings: who bets on the next win, by a Beta prior on its chance, multiplies the stake by 20
    at some time with a probability of at most 1 in 20, if either is as likely.

    Reference: Ville 1939, "Étude critique de la notion de collectif"; Robbins 1970, "Statistical methods related to the law
    of the iterated logarithm", Annals of Mathematical Statistics 41.

    >>> float(any_time_p(5, 5)), bool(any_time_p(300, 200) < 0.01)
    (1.0, True)
    """
    w, losses = np.asarray(wins, dtype=float), np.asarray(losses, dtype=float)
    log_won = (w + losses) * np.log(2) + special.betaln(w + PRIOR, losses + PRIOR) - special.betaln(PRIOR, PRIOR)
    return np.minimum(1.0, np.exp(-log_won))


@dataclass(frozen=True)
class Preference:
    """What the clicks of interleaved searches say.

    Attributes:
        live: Name of the one version.
        candidate: Name of the other.
        won: Of each search: 1 if the candidate got more clicks, -1 if the live version did, 0 for neither. int, (S,).
        clients: Who asked each, length S: searches of one are not independent of each other.
        planned: Searches that were decided upon before; None where nobody has: then it may be looked at at any time.
    """

    live: str
    candidate: str
    won: NDArray[np.int64]
    clients: Sequence[str]
    planned: int | None = None

    def __post_init__(self) -> None:
        """Refuse searches that do not fit their clients.

        Raises:
            ValueError: There are none, or they differ in number.
        """
        if not len(self.won) or len(self.won) != len(self.clients):
            raise ValueError(
                f"{len(self.won)} searches of {len(self.clients)} clients: pass one client a search, and a search"
            )

    @property
    def searches(self) -> int:
        """Number of searches, those without a click among them."""
        return len(self.won)

    @property
    def wins(self) -> int:
        """Searches that the candidate won."""
        return int((self.won > 0).sum())

    @property
    def losses(self) -> int:
        """Searches that the live version won."""
        return int((self.won < 0).sum())

    @property
    def p(self) -> float:
        """Of the sign test, for one look."""
        return float(sign_test(self.wins, self.losses))

    @property
    def any_time_p(self) -> float:
        """For as many looks as one likes."""
        return float(any_time_p(self.wins, self.losses))

    @cached_property
    def difference(self) -> Difference:
        """Share of searches won by the candidate less that won by the live version, by a bootstrap of clients."""
        return paired_difference((self.won < 0).astype(float), (self.won > 0).astype(float), self.clients)

    @property
    def winner(self) -> str | None:
        """Name of the version that is preferred; None if it cannot be said, or not yet.

        The sign test takes searches for independent. Those of one client are not: the interval of the difference must leave
        out 0 too, and the randomisation test agree, which exchanges the versions for whole clients.
        """
        if self.planned is None:
            sure = self.any_time_p < ALPHA
        else:
            sure = self.searches >= self.planned and self.p < ALPHA
        found = self.difference
        if not sure or found.low <= 0 <= found.high or found.p >= ALPHA:
            return None
        return self.candidate if found.difference > 0 else self.live

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        found = self.difference
        counts = f"{self.searches:,} searches: {self.wins:,} won by version {self.candidate}"
        counts += f", {self.losses:,} by version {self.live}"
        measured = f"{found.difference:+.1%} of searches (95 % {found.low:+.1%} to {found.high:+.1%})"
        tested = f"p {self.p:.3f} for one look, {self.any_time_p:.3f} for looking at any time"
        said = f"version {self.winner} is preferred" if self.winner else "neither is preferred so far"
        if self.planned is not None and self.searches < self.planned:
            said = f"too early to say: {self.planned:,} searches were planned"
        return f"{counts}; {measured}; {tested}: {said}"
