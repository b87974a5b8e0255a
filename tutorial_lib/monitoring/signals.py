"""The signals that are watched, and what each session says of those that are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutorial_lib.monitoring.finder import Finder
from tutorial_lib.monitoring.known import Known, is_phrase
from tutorial_lib.monitoring.weeks import Session
from tutorial_lib.text import normal_form

EVEN = 0.5
"""Confidence below which a first hit is more likely wrong than right."""


@dataclass(frozen=True)
class Signal:
    """One signal.

    Attributes:
        name: What tables and figures call it.
        kind: What it is of: "asked" (what people type), "found" (what they get), "answers" (the articles that answer).
        says: What a session does that counts, as the rest of a sentence.
        rate: Whether sessions are counted; else windows of several weeks are compared as wholes.
    """

    name: str
    kind: str
    says: str
    rate: bool = True


SIGNALS = {
    signal.name: signal
    for signal in (
        Signal("names", "asked", "wordings hold a word that training never saw", rate=False),
        Signal("words", "asked", "ask with a word that training never saw"),
        Signal("phrases", "asked", "put two words together as training never saw them"),
        Signal("distance", "asked", "lie further from the queries before than chance explains", rate=False),
        Signal("topics", "asked", "share out among topics as chance would not have it", rate=False),
        Signal("unsure", "found", "get a first hit that is more likely wrong than right, says the model"),
        Signal("wrong", "found", "read another article than the first hit in the end"),
        Signal("no click", "found", "end without a click"),
        Signal("reworded", "found", "are put in other words"),
        Signal("tickets", "found", "are followed by a ticket"),
        Signal("articles", "answers", "with a click open an article that training never had"),
    )
}
"""Name -> signal, in the order of tables and figures."""


@dataclass(frozen=True)
class Counted:
    """What sessions say of one rate.

    Attributes:
        happened: float64, (S,): 1 where it happened, 0 where it did not, NaN where a session cannot tell.
        expected: float64, (S,): how likely it was thought to be, up to a factor: 1 where nothing is known.
    """

    happened: NDArray[np.float64]
    expected: NDArray[np.float64]

    @property
    def tells(self) -> bool:
        """Whether any session can tell."""
        return bool(np.isfinite(self.happened).any())


def counted(sessions: Sequence[Session], known: Known, finder: Finder) -> dict[str, Counted]:
    """Return for each rate of ``SIGNALS`` what every session says of it."""
    told = [_of_session(session, known) for session in sessions]
    confidence = finder.confidence([s.first.query for s in sessions])
    wrong = [_wrong(session, finder) for session in sessions]
    happened: dict[str, Any] = {
        **{name: [row[name] for row in told] for name in told[0]},
        "unsure": np.where(np.isnan(confidence), np.nan, confidence < EVEN),
        "wrong": [w for w, _ in wrong],
    }
    ones = np.ones(len(sessions))
    expected = {"wrong": np.array([doubt for _, doubt in wrong])}
    return {name: Counted(np.asarray(seen, dtype=float), expected.get(name, ones)) for name, seen in happened.items()}


def _of_session(session: Session, known: Known) -> Mapping[str, float]:
    unseen = {part for search in session.searches for part in known.unseen(search.query)}
    clicks = [click.article_id for search in session.searches for click in search.clicks]
    tickets = [search.ticket for search in session.searches if search.ticket is not None]
    return {
        "words": float(any(not is_phrase(part) for part in unseen)),
        "phrases": float(any(is_phrase(part) for part in unseen)),
        "no click": float(not clicks),
        "reworded": float(len({normal_form(search.query) for search in session.searches}) > 1),
        "tickets": float(any(tickets)) if tickets else np.nan,
        "articles": float(any(a not in known.articles for a in clicks)) if clicks else np.nan,
    }


def _wrong(session: Session, finder: Finder) -> tuple[float, float]:
    """Return whether the model's first hit is not what answered, and how likely the model thought that.

    Only of an answer that it could have found: for an article that it never had, "articles" is the signal.
    """
    answered = next((s for s in reversed(session.searches) if s.answer in finder.articles), None)
    if answered is None:
        return np.nan, 1.0
    hit, confidence = finder.first_hit(answered.query)
    return float(hit != answered.answer), 1.0 - confidence if confidence == confidence else 1.0
