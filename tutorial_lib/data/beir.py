"""Datasets on disk, in BEIR layout: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/{train,dev,test}.tsv``.

Reference: Thakur et al. 2021, "BEIR", arXiv:2104.08663.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from tutorial_lib.data.beir_lines import read_records
from tutorial_lib.data.beir_qrels import DEV_NAMES, Known, read_qrels, split_files
from tutorial_lib.data.dataset import SPLITS, DataError, Document, Qrels, Query, RetrievalDataset
from tutorial_lib.data.json_rows import parse_object
from tutorial_lib.data.paths import is_there
from tutorial_lib.files import write_json


def write_beir(dataset: RetrievalDataset, folder: Path) -> None:
    """Write ``dataset`` as a BEIR folder with a ``card.json`` beside it; judgments that stand there already are replaced.

    ``card.json`` holds name, counts, card, near-duplicate groups and notes.
    """
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    _write_lines(folder / "corpus.jsonl", map(_corpus_line, dataset.corpus.values()))
    _write_lines(folder / "queries.jsonl", map(_query_line, dataset.queries.values()))
    for stale in (*SPLITS, *DEV_NAMES):  # of another dataset that stood here
        (folder / "qrels" / f"{stale}.tsv").unlink(missing_ok=True)
    for split in SPLITS:
        if not dataset.qrels[split]:
            continue  # a split without a file is empty; a file without positives is refused on reading
        rows = (f"{q}\t{a}\t{g}\n" for q, grades in sorted(dataset.qrels[split].items()) for a, g in sorted(grades.items()))
        _write_lines(folder / "qrels" / f"{split}.tsv", chain(["query-id\tcorpus-id\tscore\n"], rows))
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
        folder: Folder with corpus.jsonl, queries.jsonl and qrels/{train,dev,test}.tsv (validation, valid or val are dev too).
            ``title`` and ``metadata`` are optional, grades are whole numbers (above 0 is relevant).
        drop_blank: Leave out articles and queries without a single letter or digit instead of refusing them.

    Returns:
        The dataset. A split without a file is empty; a note names each table that lies there unread; what ``card.json`` of a
        folder written by ``write_beir`` says is kept.

    Raises:
        DataError: Names file, line and field of the first thing that cannot be used, and what to pass.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: pass a BEIR folder (corpus.jsonl, queries.jsonl, qrels/train.tsv)")
    notes: list[str] = []
    corpus_rows, blank_documents = read_records(folder / "corpus.jsonl", notes, drop_blank=drop_blank)
    query_rows, blank_queries = read_records(folder / "queries.jsonl", notes, drop_blank=drop_blank)
    paths = split_files(folder, notes)
    corpus = {i: Document(i, r.get("title") or "", r["text"], r.get("metadata") or {}) for i, r in corpus_rows.items()}
    queries = {i: Query(i, r["text"], r.get("metadata") or {}) for i, r in query_rows.items()}
    known = Known(queries, corpus, blank_queries, blank_documents)
    qrels: dict[str, Qrels] = {s: read_qrels(paths[s], known, notes) if s in paths else {} for s in SPLITS}
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
    if not is_there(path):
        return {}
    try:
        card = parse_object(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{path.name}: {error}: write one JSON object, or remove the file") from None
    notes = card.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise DataError(f'{path.name}: "notes" is no list of sentences: correct it, or remove the file')
    groups = card.get("near_duplicates", [])
    if not isinstance(groups, list) or not all(isinstance(g, list) and all(isinstance(a, str) for a in g) for g in groups):
        raise DataError(f'{path.name}: "near_duplicates" is no list of lists of article ids: correct it, or remove the file')
    return card
