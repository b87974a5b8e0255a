"""Datasets on disk, in BEIR layout: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/{train,dev,test}.tsv``.

Reference: Thakur et al. 2021, "BEIR", arXiv:2104.08663.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tutorial_lib.data.dataset import SPLITS, DataError, Document, Qrels, Query, RetrievalDataset, relevant
from tutorial_lib.files import write_json
from tutorial_lib.text import has_words


def write_beir(dataset: RetrievalDataset, folder: Path) -> None:
    """Write ``dataset`` as a BEIR folder with a ``card.json`` beside it; the folder must not hold another one.

    ``card.json`` holds name, counts, card, near-duplicate groups and notes.
    """
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    _write_lines(folder / "corpus.jsonl", map(_corpus_line, dataset.corpus.values()))
    _write_lines(folder / "queries.jsonl", map(_query_line, dataset.queries.values()))
    for split in SPLITS:
        if not dataset.qrels[split]:
            continue  # a split without a file is empty; a file without positives is refused on reading
        rows = (f"{q}\t{a}\t{g}\n" for q, grades in sorted(dataset.qrels[split].items()) for a, g in sorted(grades.items()))
        _write_lines(folder / "qrels" / f"{split}.tsv", ["query-id\tcorpus-id\tscore\n", *rows])
    added = {"near_duplicates": dataset.near_duplicates, "notes": dataset.notes}
    write_json(folder / "card.json", {"name": dataset.name, "counts": dataset.counts(), **dataset.card, **added})


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


def _corpus_line(a: Document) -> str:
    record = {"_id": a.document_id, "title": a.title, "text": a.text, "metadata": dict(a.metadata)}
    return json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n"


def _query_line(q: Query) -> str:
    record = {"_id": q.query_id, "text": q.text, "metadata": dict(q.metadata)}
    return json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n"


def read_beir(folder: str | Path, *, drop_blank: bool = False) -> RetrievalDataset:
    """Read a BEIR folder, checking every line.

    Args:
        folder: Folder with corpus.jsonl, queries.jsonl and qrels/*.tsv. ``title`` and ``metadata`` are optional,
            grades are whole numbers (above 0 is relevant).
        drop_blank: Leave out articles and queries without a single letter or digit instead of refusing them.

    Returns:
        The dataset. A split without a file is empty; what ``card.json`` of a folder written by ``write_beir`` says is kept.

    Raises:
        DataError: Names file, line and field of the first thing that cannot be used, and what to pass.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: pass a BEIR folder (corpus.jsonl, queries.jsonl, qrels/train.tsv)")
    notes: list[str] = []
    corpus_rows, blank_documents = _read_jsonl(folder / "corpus.jsonl", notes, drop_blank=drop_blank)
    query_rows, blank_queries = _read_jsonl(folder / "queries.jsonl", notes, drop_blank=drop_blank)
    corpus = {i: Document(i, r.get("title") or "", r["text"], r.get("metadata") or {}) for i, r in corpus_rows.items()}
    queries = {i: Query(i, r["text"], r.get("metadata") or {}) for i, r in query_rows.items()}
    paths = {split: folder / "qrels" / f"{split}.tsv" for split in SPLITS}
    blank = blank_queries | blank_documents
    qrels = {s: _read_qrels(p, queries, corpus, notes, blank=blank) if p.exists() else {} for s, p in paths.items()}
    dataset = RetrievalDataset(folder.resolve().name, dict(sorted(corpus.items())), dict(sorted(queries.items())), qrels)
    return _with_card(dataset, _read_card(folder / "card.json"), notes)


def _with_card(dataset: RetrievalDataset, card: dict[str, Any], notes: list[str]) -> RetrievalDataset:
    """Return the dataset with what its ``card.json`` says, and the notes of reading it after those that stand there."""
    own = {k: v for k, v in card.items() if k not in ("name", "counts", "near_duplicates", "notes")}
    return replace(
        dataset,
        name=str(card.get("name", dataset.name)),
        card=own,
        near_duplicates=tuple(map(tuple, card.get("near_duplicates", []))),
        notes=(*card.get("notes", []), *notes),
    )


def _read_card(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name}: not JSON ({error}): write one JSON object, or remove the file") from None
    if not isinstance(card, dict) or not isinstance(card.get("notes", []), list):
        raise DataError(f'{path.name}: found no JSON object with a list of "notes": correct it, or remove the file')
    groups = card.get("near_duplicates", [])
    if not isinstance(groups, list) or not all(isinstance(g, list) and all(isinstance(a, str) for a in g) for g in groups):
        raise DataError(f'{path.name}: "near_duplicates" is no list of lists of article ids: correct it, or remove the file')
    return card


def _read_jsonl(path: Path, notes: list[str], *, drop_blank: bool) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return the usable rows by id, and the ids of blank ones."""
    if not path.is_file():
        raise DataError(f"{path} is missing: a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/train.tsv")
    rows: dict[str, dict[str, Any]] = {}
    line_of: dict[str, int] = {}
    blank: dict[str, int] = {}
    for number, line in _numbered_lines(path):
        row = _parse_line(line, f"{path.name} line {number}")
        id_ = row["_id"]
        if id_ in line_of:
            raise DataError(
                f'{path.name} line {number}: "_id" {id_!r} was already used on line {line_of[id_]}: '
                "give each line an id of its own"
            )
        line_of[id_] = number
        if has_words(f"{row.get('title') or ''} {row['text']}"):
            rows[id_] = row
        else:
            blank[id_] = number
    if blank and not drop_blank:
        shown = ", ".join(map(str, list(blank.values())[:5])) + (", …" if len(blank) > 5 else "")
        raise DataError(
            f'{path.name} line {shown}: "text" has no letter or digit in {len(blank)} of {len(line_of)} '
            "lines: give them text, or pass drop_blank=True (--drop-blank) to leave them out"
        )
    if blank:
        notes.append(f"{path.name}: {len(blank)} of {len(line_of)} lines have no letter or digit and were left out")
    if not rows:
        raise DataError(f"{path.name} holds no usable line: pass at least one JSON object with _id and text")
    return rows, set(blank)


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line) of a UTF-8 file, skipping empty lines."""
    # Split at "\n" only: JSON may hold U+2028 and other characters that str.splitlines would break at.
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path.name} line {number}: not UTF-8 ({error.reason} at byte {error.start}): save the file as UTF-8"
                ) from None
            if line.strip():
                yield number, line


def _parse_line(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of more than 4,300 digits
        raise DataError(f"{where}: not JSON ({error}): write one JSON object a line") from None
    if not isinstance(row, dict):
        raise DataError(f'{where}: found a JSON {type(row).__name__}: write an object such as {{"_id": …, "text": …}}')
    for key in ("_id", "text"):
        if key not in row:
            raise DataError(f'{where}: no "{key}" (keys: {", ".join(row) or "none"}): add the field "{key}"')
    if isinstance(row["_id"], int) and not isinstance(row["_id"], bool):
        row["_id"] = str(row["_id"])
    for key in ("_id", "text", "title"):
        value = row.get(key) if key != "title" else (row.get(key) or "")
        if not isinstance(value, str):
            raise DataError(f'{where}: "{key}" is {type(value).__name__} ({value!r:.60}): pass a string')
    if not row["_id"].strip() or any(c in row["_id"] for c in "\t\r\n"):
        raise DataError(f'{where}: "_id" is {row["_id"]!r}: pass an id that is not blank and holds no tab or line break')
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DataError(f"{where}: a field holds half a surrogate pair, which is no character: remove it") from None
    if not isinstance(row.get("metadata") or {}, dict):
        raise DataError(f'{where}: "metadata" is {type(row["metadata"]).__name__}: pass an object')
    return row


def _read_qrels(
    path: Path, queries: Mapping[str, Query], corpus: Mapping[str, Document], notes: list[str], *, blank: set[str]
) -> Qrels:
    qrels: Qrels = {}
    where = f"qrels/{path.name}"
    for number, line in _numbered_lines(path):
        fields = line.split("\t")
        if len(fields) != 3:
            raise DataError(
                f"{where} line {number}: {len(fields)} columns ({line!r:.80}): "
                "pass query-id, corpus-id, score, divided by tabs"
            )
        query_id, document_id, score = fields
        if number == 1 and (score == "score" or (not _is_int(score) and query_id not in queries)):
            continue  # the header
        if not _is_int(score):
            raise DataError(f"{where} line {number}: score is {score!r}: pass a whole number, above 0 for relevant")
        if (query_id not in queries and query_id in blank) or (document_id not in corpus and document_id in blank):
            continue  # left out on request, and noted
        _check_known(f"{where} line {number}", "query", query_id, queries, "queries.jsonl")
        _check_known(f"{where} line {number}", "article", document_id, corpus, "corpus.jsonl")
        grade = qrels.setdefault(query_id, {}).setdefault(document_id, int(score))
        if grade != int(score):
            raise DataError(
                f"{where} line {number}: {query_id!r} and {document_id!r} were graded {grade} before and "
                f"{score} now: keep one of the two lines"
            )
    return _check_positives(qrels, where, len(corpus), notes)


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
    try:
        int(text)
    except ValueError:
        return False
    return True
