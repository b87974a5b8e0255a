"""What can be set about cleaning."""

from __future__ import annotations

from dataclasses import dataclass, fields

_SHARES = ("near_duplicate_threshold", "language_share", "repeat_threshold", "pasted_share", "lost_share")
"""Fields above 0 and at most 1."""


@dataclass(frozen=True)
class CleaningSettings:
    """What can be set about the cleaning steps; each step takes what it needs.

    Attributes:
        boilerplate_documents: A sentence that stands in this many articles or more is cut.
        max_families: Most families that a query may fit.
        near_duplicate_threshold: Share of 3-word sequences in common from which two articles are near-duplicates.
        longest_text: Most characters that are read of one ticket or search; the rest is cut.
        language: ISO 639 code of the tickets to keep; None: the languages of the articles.
        language_share: Share of the articles from which a language counts as one of theirs.
        language_words: Shorter tickets are not judged by language: a few words are not enough to tell.
        repeat_threshold: Share of 3-word sequences in common from which two tickets are one.
        pasted_share: Share of all training tickets that an article must have solved to be suspected of being pasted
            into anything.
        pasted_tickets: Least number of tickets it must have solved.
        lost_rank: A pair is lost if keyword search puts the article below this rank (or the middle of a small corpus).
        lost_share: Share of an article's pairs that must be lost.
    """

    boilerplate_documents: int = 25
    max_families: int = 2
    near_duplicate_threshold: float = 0.7
    longest_text: int = 10_000
    language: str | None = None
    language_share: float = 0.05
    language_words: int = 6
    repeat_threshold: float = 0.6
    pasted_share: float = 0.04
    pasted_tickets: int = 10
    lost_rank: int = 50
    lost_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse shares and counts that are none."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _SHARES and not 0 < value <= 1:
                raise ValueError(f"{field.name} is {value}: pass a share above 0, at most 1")
            if isinstance(field.default, int) and value < 1:
                raise ValueError(f"{field.name} is {value}: pass a whole number, at least 1")
        if self.language == "":
            raise ValueError("language is '': pass an ISO 639 code such as 'en', or None for those of the articles")


DEFAULTS = CleaningSettings()
