"""Tickets sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tutorial_lib.cleaning.report import CleaningStep, private_table
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.cleaning.steps import merged_grades
from tutorial_lib.cleaning.ticket_texts import ticket_texts
from tutorial_lib.data.dataset import Qrels, RetrievalDataset, relevant
from tutorial_lib.near_duplicates import near_duplicate_groups
from tutorial_lib.text import normal_form, word_shingles

_FORM_TICKETS, _FORM_SHARE = 10, 0.2
"""A 3-word sequence in so many tickets, and so large a share of them, is a form's, and says nothing about one of them."""


def repeated_tickets(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Merge repeated tickets into the oldest one, with all their articles.

    Repeats are tickets of the same words, and tickets solved with the same articles that share most of their 3-word
    sequences, those of a form that many tickets are written in aside (found with MinHash, Broder 1997). Tickets that look
    alike but were solved with different articles may differ in the one code that matters: they are never merged. A repeat
    in a later split goes too: it would be a question already seen.
    """
    judged = set().union(*dataset.qrels.values())
    texts = {q: text for q, text in ticket_texts(dataset).items() if q in judged}
    oldest: dict[str, str] = {}
    cleaned = _merged(dataset, _equal(texts), oldest)
    left = {q: text for q, text in texts.items() if q not in oldest}
    cleaned = _merged(cleaned, _similar(left, cleaned.qrels, settings.repeat_threshold), oldest)
    rows = private_table([(q, texts[q], f"repeats {first}") for q, first in sorted(oldest.items())])
    rule = f"the same words, or the same articles and {settings.repeat_threshold:.0%} of 3-word sequences shared: one ticket"
    return CleaningStep("repeated tickets", "ticket", rule, cleaned.restrict(), rows)


def _merged(dataset: RetrievalDataset, groups: Sequence[Sequence[str]], oldest: dict[str, str]) -> RetrievalDataset:
    """Return the dataset with the oldest ticket of each group alone; note in ``oldest`` who stands for whom."""
    split_of = {q: split for split, queries in dataset.qrels.items() for q in queries}
    qrels = {s: dict(queries) for s, queries in dataset.qrels.items()}
    for group in groups:
        first, *others = sorted(group, key=lambda q: (str(dataset.queries[q].metadata.get("created_at", "")), q))
        for q in others:
            grades = qrels[split_of[q]].pop(q)
            if split_of[q] == split_of[first]:  # what a later period found out must not reach back into training
                qrels[split_of[first]][first] = merged_grades([qrels[split_of[first]][first], grades])
            oldest[q] = first
    return replace(dataset, qrels=qrels)


def _equal(texts: Mapping[str, str]) -> list[list[str]]:
    """Return groups of tickets of the same words, by their first id."""
    groups: dict[str, list[str]] = {}
    for q in sorted(texts):
        groups.setdefault(normal_form(texts[q]), []).append(q)
    return [group for group in groups.values() if len(group) > 1]


def _similar(texts: Mapping[str, str], qrels: Mapping[str, Qrels], threshold: float) -> list[list[str]]:
    """Return groups of similar tickets that were solved with the same articles, by their first id."""
    shingles = _telling_shingles({q: word_shingles(text) for q, text in texts.items()})
    among: dict[tuple[str, ...], dict[str, frozenset[str]]] = {}
    for queries in qrels.values():
        for q, grades in queries.items():
            if q in texts:
                among.setdefault(tuple(sorted(relevant(grades))), {})[q] = shingles[q]
    several = [alike for alike in among.values() if len(alike) > 1]  # most articles solve one ticket
    return sorted(g for alike in several for g in near_duplicate_groups(alike, threshold, label="repeated tickets"))


def _telling_shingles(shingles: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the sets without sequences that many texts share; one left empty holds its id, like no other."""
    count = Counter(s for found in shingles.values() for s in found)
    enough = max(_FORM_TICKETS, _FORM_SHARE * len(shingles))
    return {q: frozenset(s for s in found if count[s] < enough) or frozenset({q}) for q, found in shingles.items()}
