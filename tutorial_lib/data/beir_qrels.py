"""The judgments of a BEIR folder: which file is which split, and what stands in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tutorial_lib.data.beir_lines import numbered_lines
from tutorial_lib.data.dataset import SPLITS, DataError, Document, Qrels, Query, relevant
from tutorial_lib.data.paths import is_there

DEV_NAMES = ("dev", "validation", "valid", "val")
"""Names under which collections hold what is dev here, the one that goes first first."""

MAX_GRADE = 1000
"""Grades are few; a count, an id or a time of day in their place would take memory without end in nDCG's tables."""

_TABLES = (".jsonl", ".tsv", ".csv", ".parquet", ".gz", ".zip", ".bz2", ".xz", ".zst", ".tar", ".tgz")


@dataclass(frozen=True)
class Known:
    """What judgments may name, and what was left out because it is blank."""

    queries: Mapping[str, Query]
    corpus: Mapping[str, Document]
    blank_queries: Collection[str] = ()
    blank_documents: Collection[str] = ()

    def left_out(self, query_id: str, document_id: str) -> bool:
        """Return whether a judgment names what was left out on request."""
        blank_query = query_id not in self.queries and query_id in self.blank_queries
        return blank_query or (document_id not in self.corpus and document_id in self.blank_documents)


def split_files(folder: Path, notes: list[str]) -> dict[str, Path]:
    """Return the file of each split that has one, and note what is read under another name or not read at all.

    Raises:
        DataError: In place of a file there is a pipe, a folder or a dangling link; or ``qrels`` holds no split at all.
    """
    names = {"train": ("train",), "dev": DEV_NAMES, "test": ("test",)}
    found: dict[str, Path] = {}
    for split, spellings in names.items():
        there = [p for p in (folder / "qrels" / f"{name}.tsv" for name in spellings) if is_there(p)]
        if there:
            found[split] = there[0]
            if there[0].stem != split:
                notes.append(f"qrels/{there[0].name} was read as {split}")
    read = {"corpus.jsonl", "queries.jsonl", *(f"qrels/{p.name}" for p in found.values())}
    beside = [p for p in sorted(folder.glob("*")) if p.suffix.lower() in _TABLES]
    judged = sorted(folder.glob("qrels/*"))
    unread = [n for p in (*beside, *judged) if (n := p.relative_to(folder).as_posix()) not in read]
    if not found:
        there_is = f"; not read: {', '.join(unread[:5])}" if unread else ""
        raise DataError(f"{folder}/qrels holds no train.tsv, dev.tsv or test.tsv{there_is}: give the judgments such a name")
    notes.extend(f"{name} is not read" for name in unread)
    return {s: found[s] for s in SPLITS if s in found}


def read_qrels(path: Path, known: Known, notes: list[str]) -> Qrels:
    """Return the judgments of one file.

    Raises:
        DataError: A line cannot be used, or no query has a positive; names the line.
    """
    qrels: Qrels = {}
    where = f"qrels/{path.name}"
    for number, line in numbered_lines(path):
        fields = line.split("\t")
        if len(fields) != 3:
            raise DataError(
                f"{where} line {number}: {len(fields)} columns ({line!r:.80}): "
                "pass query-id, corpus-id, score, divided by tabs"
            )
        query_id, document_id, score = fields
        if number == 1 and (score == "score" or (not _is_int(score) and query_id not in known.queries)):
            continue  # the header
        grade = _grade(score, f"{where} line {number}")
        if known.left_out(query_id, document_id):
            continue  # and noted
        _check_known(f"{where} line {number}", "query", query_id, known.queries, "queries.jsonl")
        _check_known(f"{where} line {number}", "article", document_id, known.corpus, "corpus.jsonl")
        before = qrels.setdefault(query_id, {}).setdefault(document_id, grade)
        if before != grade:
            raise DataError(
                f"{where} line {number}: {query_id!r} and {document_id!r} were graded {before} before and "
                f"{grade} now: keep one of the two lines"
            )
    return _check_positives(qrels, where, len(known.corpus), notes)


def _grade(score: str, where: str) -> int:
    if not _is_int(score):
        raise DataError(f"{where}: score is {score!r:.60}: pass a whole number, above 0 for relevant")
    if len(score) > 6 or abs(int(score)) > MAX_GRADE:
        raise DataError(f"{where}: score is {score:.30}: pass a grade of at most {MAX_GRADE:,}; 1, 2 and 3 are usual")
    return int(score)


def _check_known(where: str, kind: str, id_: str, known: Collection[str], file: str) -> None:
    if id_ not in known:
        raise DataError(f"{where}: {kind} {id_!r} is not in {file}: add it there or remove the line")


def _check_positives(qrels: Qrels, where: str, documents: int, notes: list[str]) -> Qrels:
    with_positive = {q: grades for q, grades in qrels.items() if relevant(grades)}
    if not with_positive:
        raise DataError(
            f"{where}: no query has a relevant article (score above 0) among {len(qrels)} judged queries: "
            "add positives or remove the file"
        )
    if len(with_positive) < len(qrels):
        notes.append(
            f"{where}: {len(qrels) - len(with_positive)} of {len(qrels)} judged queries have no relevant "
            "article and were left out"
        )
    for q, grades in with_positive.items():
        if len(relevant(grades)) == documents:
            raise DataError(
                f"{where}: every one of the {documents} articles is relevant for query {q!r}: nothing is "
                "left to rank it against; add articles or remove the query"
            )
    return with_positive


def _is_int(text: str) -> bool:
    """Return whether ``text`` is a whole number as files write it: int() takes 1_000, spaces and Arabic digits too."""
    return re.fullmatch(r"[+-]?[0-9]+", text) is not None
