"""Cleaning steps for any collection, each with a table of what it dropped or merged, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import regex

from tutorial_lib.cleaning.report import CleaningStep, Step, table_of
from tutorial_lib.cleaning.settings import DEFAULTS, CleaningSettings
from tutorial_lib.data.dataset import SPLITS, Document, Qrels, RetrievalDataset
from tutorial_lib.data.splits import find_leaks
from tutorial_lib.near_duplicates import NearDuplicates, Shingled, near_duplicate_groups
from tutorial_lib.text import has_words, normal_form, word_shingles

_SENTENCE = regex.compile(r"(?s).+?(?:(?<=[.!?])\s+(?=\p{Lu})|(?<=[。！？।؟])\s*|\Z)")
"""A sentence with the blanks after it: the whole text is these, one after the other."""


def empty_documents(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Drop articles without a single word of body text."""
    empty = [a for a in dataset.corpus.values() if not has_words(a.text)]
    rows = table_of([(a.document_id, a.title, "no body text") for a in empty])
    kept = set(dataset.corpus) - set(rows["id"])
    return CleaningStep("empty articles", "article", "an article needs body text", dataset.restrict(documents=kept), rows)


def boilerplate(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Cut sentences that stand in ``boilerplate_documents`` articles or more; drop articles that hold nothing else.

    Shared notices ("this is the documentation of the classic version …") say nothing about one article and use up
    the encoder's window. Articles without such a sentence stay as they are, to the last line break.
    """
    sentences = {a: _SENTENCE.findall(document.text) for a, document in dataset.corpus.items()}
    count = Counter(s for parts in sentences.values() for s in {part.strip() for part in parts})
    common = {s for s, n in count.items() if n >= settings.boilerplate_documents and s}
    corpus: dict[str, Document] = {}
    records = [("", s, f"in {count[s]} articles") for s in sorted(common, key=lambda s: (-count[s], s))]
    for a, document in dataset.corpus.items():
        kept = [s for s in sentences[a] if s.strip() not in common]
        if len(kept) == len(sentences[a]):
            corpus[a] = document
        elif has_words(text := "".join(kept).strip()):
            corpus[a] = replace(document, text=text)
        else:
            records.append((a, document.title, "nothing but boilerplate"))
    cut = replace(dataset, corpus=corpus).restrict()
    rule = f"a sentence in {settings.boilerplate_documents} or more articles is cut"
    return CleaningStep("boilerplate", "row", rule, cut, table_of(records))


def duplicate_documents(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Merge articles whose title and text are the same (case and punctuation aside), judgments included."""
    first: dict[str, str] = {}
    kept_for = {a: first.setdefault(normal_form(document.full_text), a) for a, document in dataset.corpus.items()}
    rows = table_of([(a, dataset.corpus[a].title, f"same as {k}") for a, k in kept_for.items() if a != k])
    corpus = {a: v for a, v in dataset.corpus.items() if kept_for[a] == a}
    qrels = {
        s: {q: merged_grades([{kept_for[a]: g} for a, g in grades.items()]) for q, grades in judged.items()}
        for s, judged in dataset.qrels.items()
    }
    return CleaningStep(
        "duplicate articles",
        "article",
        "same title and text: one is kept",
        replace(dataset, corpus=corpus, qrels=qrels),
        rows,
    )


def duplicate_queries(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Merge queries of one split that differ only in case, punctuation or a/an/the into one with all positives."""
    records = []
    qrels: dict[str, Qrels] = {}
    for split, judged in dataset.qrels.items():
        groups: dict[str, list[str]] = {}
        for q in sorted(judged):
            groups.setdefault(normal_form(dataset.queries[q].text), []).append(q)
        qrels[split] = {ids[0]: merged_grades([judged[q] for q in ids]) for ids in groups.values()}
        records += [(q, dataset.queries[q].text, f"same as {ids[0]}") for ids in groups.values() for q in ids[1:]]
    merged = replace(dataset, qrels=qrels).restrict()
    return CleaningStep(
        "duplicate queries", "query", "same words: one query with all their articles", merged, table_of(records)
    )


def merged_grades(grades: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the union of judgments, the higher grade where they differ."""
    result: dict[str, int] = {}
    for judged in grades:
        for a, g in judged.items():
            result[a] = max(g, result.get(a, g))
    return result


def ambiguous_queries(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Drop queries that fit articles of more than ``max_families`` families ("update an environment").

    A query fits the articles it is judged relevant to and those whose title ends with the very same words. The family
    is ``metadata["family"]``, or the article itself where there is none.
    """
    ends = _title_ends(dataset)
    records = []
    for judged in dataset.qrels.values():
        for q, grades in sorted(judged.items()):
            fits = ends.get(normal_form(dataset.queries[q].text), set()) | {a for a, g in grades.items() if g > 0}
            families = sorted({str(dataset.corpus[a].metadata.get("family", a)) for a in fits})
            # Without families there is no product to name: several answers are then just several answers.
            if len(families) > settings.max_families and any("family" in dataset.corpus[a].metadata for a in fits):
                shown = ", ".join(families[:4]) + (", …" if len(families) > 4 else "")
                records.append((q, dataset.queries[q].text, f"fits {len(families)} families: {shown}"))
    rows = table_of(records)
    kept = dataset.restrict(queries=set(dataset.queries) - set(rows["id"]))
    rule = f"a query may fit at most {settings.max_families} families"
    return CleaningStep("ambiguous queries", "query", rule, kept, rows)


def _title_ends(dataset: RetrievalDataset) -> dict[str, set[str]]:
    """Return for the words of each query that some title ends with the articles whose titles do."""
    asked = {normal_form(query.text) for query in dataset.queries.values()}
    ends: dict[str, set[str]] = {}
    for a, document in dataset.corpus.items():
        words = normal_form(document.title).split()
        for end in asked.intersection(" ".join(words[-n:]) for n in range(1, len(words) + 1)):
            ends.setdefault(end, set()).add(a)
    return ends


def near_duplicate_documents(dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS) -> CleaningStep:
    """Group articles that share most 3-word sequences; nothing is dropped, ``dataset.near_duplicates`` holds the groups.

    Both copies stay searchable, for each may be somebody's answer, but neither may serve as a negative for the other.
    """
    shingles = Shingled(dataset.document_texts(), word_shingles)
    groups = near_duplicate_groups(shingles, settings.near_duplicate_threshold, label="near-duplicate articles")
    rows = table_of([(a, dataset.corpus[a].title, f"group of {len(g)}: {g[0]}") for g in groups for a in g])
    rule = f"{settings.near_duplicate_threshold:.0%} of 3-word sequences shared: grouped"
    marked = replace(dataset, near_duplicates=tuple(map(tuple, groups)))
    return CleaningStep("near-duplicate articles", "article", rule, marked, rows)


DOCUMENTATION_STEPS: tuple[Step, ...] = (
    empty_documents,
    boilerplate,
    duplicate_documents,
    duplicate_queries,
    ambiguous_queries,
    near_duplicate_documents,
)


def remove_leaks(
    dataset: RetrievalDataset, settings: CleaningSettings = DEFAULTS, copies: NearDuplicates | None = None
) -> CleaningStep:
    """Take out of training (and of dev, for test) every query that is a held-out query or a near-copy of one.

    Args:
        dataset: The dataset, divided.
        settings: Not used; every step takes them.
        copies: Near-copies among its queries, if they are known already (``query_copies``).
    """
    records = []
    drop: dict[str, set[str]] = {s: set() for s in SPLITS}
    for leaked, held_out, held_split in find_leaks(dataset, copies):
        for source in SPLITS[: SPLITS.index(held_split)]:
            if leaked in dataset.qrels[source] and leaked not in drop[source]:
                drop[source].add(leaked)
                reason = f"taken out of {source}: copy of {held_split} {held_out}"
                records.append((leaked, dataset.queries[leaked].text, reason))
    qrels = {s: {q: g for q, g in judged.items() if q not in drop[s]} for s, judged in dataset.qrels.items()}
    return CleaningStep(
        "leaks",
        "query",
        "no copy of a held-out query in training",
        replace(dataset, qrels=qrels).restrict(),
        table_of(records),
    )
