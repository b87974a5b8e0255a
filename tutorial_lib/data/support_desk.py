"""support_desk, the written help centre of the course."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tutorial_lib.data.dataset import DataError, Query, RetrievalDataset
from tutorial_lib.data.help_desk import Export

SUPPORT_DESK = Path(__file__).resolve().parents[2] / "data" / "support_desk"


def support_desk() -> RetrievalDataset:
    """Read the written help centre with its ticket log, search log and golden queries; see ``data/README.md``.

    Returns:
        The dataset as logged, not cleaned: train is every solved ticket and clicked or failed search, test is the golden
        set, and dev a smaller set written in the same way; both are graded 2 (answers) and 1 (helps).

    Raises:
        DataError: The folder ``data/support_desk`` is not where the package expects it.
    """
    if not SUPPORT_DESK.is_dir():
        raise DataError(f"{SUPPORT_DESK} is missing: install the package from a clone with pip install --editable .")
    documents = SUPPORT_DESK / "articles.jsonl"
    logged = Export(SUPPORT_DESK / "tickets.csv", documents, SUPPORT_DESK / "search_log.jsonl").read(divide=False)
    queries, qrels = dict(logged.queries), dict(logged.qrels)
    for split, name in (("dev", "dev.jsonl"), ("test", "golden.jsonl")):
        lines = (SUPPORT_DESK / name).read_text(encoding="utf-8").splitlines()
        rows = {row["query_id"]: row for row in map(json.loads, lines)}
        queries.update({q: Query(q, row["query"], {"source": name.removesuffix(".jsonl")}) for q, row in rows.items()})
        qrels[split] = {q: row["grades"] for q, row in rows.items()}
    return replace(
        logged, queries=dict(sorted(queries.items())), qrels=qrels, card={**logged.card, "licence": "MIT, as this repository"}
    )
