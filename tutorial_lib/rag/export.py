"""What was asked, expected and found, as one neutral record a query, and in the forms that other tools read.

Nothing here imports those tools. Their fields are those of ragas 0.4, deepeval 4.3, langfuse 5.0, the phoenix client 3.5 and
mlflow 3.17, read in their code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.files import write_text
from tutorial_lib.rag.facts import Facts
from tutorial_lib.retrieval.runs import Run

Record: TypeAlias = dict[str, Any]
"""One query: see ``records``."""


def records(
    dataset: RetrievalDataset,
    run: Run,
    *,
    name: str,
    split: str = "test",
    k: int = 10,
    slices: pd.DataFrame | None = None,
    facts: Facts | None = None,
    answers: Mapping[str, str] | None = None,
) -> list[Record]:
    """Return a record of every judged query, by ascending query id.

    Args:
        dataset: Queries, judgments and documents.
        run: What was found.
        name: What the run is called.
        split: Whose queries.
        k: Documents of a query at most.
        slices: ``evaluation.query_slices`` of the split.
        facts: What the answer must contain.
        answers: What a model answered, by query id.

    Returns:
        Dicts of "id", "input" (the query), "expected_ids" and "expected_texts" (best grade first), "expected_answer" (the
        facts, or None), "retrieved_ids" and "retrieved_texts" (best first), "answer" (or None), "slice" (way of slicing ->
        value), "split" and "run".

    Raises:
        DataError: The split has no judged query, or the run ranks a document that is not in the corpus.
    """
    if not dataset.qrels.get(split):
        raise DataError(f"{dataset.name}: the split {split!r} has no judged query: pass one that has")
    rows = []
    for q, expected in dataset.positives(split).items():
        found = list(run.get(q, {}))[:k]
        unknown = next((a for a in found if a not in dataset.corpus), None)
        if unknown is not None:
            raise DataError(f"query {q}: {unknown} was found and is not in the corpus: pass a run of its documents")
        rows.append(
            {
                "id": q,
                "input": dataset.queries[q].text,
                "expected_ids": expected,
                "expected_texts": [dataset.corpus[a].full_text for a in expected],
                "expected_answer": "; ".join(fact[0] for fact in facts[q]) if facts and q in facts else None,
                "retrieved_ids": found,
                "retrieved_texts": [dataset.corpus[a].full_text for a in found],
                "answer": (answers or {}).get(q),
                "slice": {} if slices is None or q not in slices.index else dict(slices.loc[q]),
                "split": split,
                "run": name,
            }
        )
    return rows


def write_jsonl(rows: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Write records, of whichever form, one a line; whole or not at all."""
    write_text(Path(path), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _known(**fields: Any) -> Record:
    """Return the fields that are not None: the tools leave out what is not known."""
    return {name: value for name, value in fields.items() if value is not None}


def _about(record: Record) -> Record:
    """Return what tools keep as metadata."""
    return {"id": record["id"], "run": record["run"], "split": record["split"], **record["slice"]}


def to_ragas(rows: Sequence[Record]) -> list[Record]:
    """Return samples of Ragas, for ``EvaluationDataset.from_list`` or as JSON Lines.

    ``IDBasedContextRecall`` and ``IDBasedContextPrecision`` work on them without a language model.

    >>> to_ragas([EXAMPLE])[0]["reference_context_ids"]
    ['refund']
    """
    return [
        _known(
            user_input=row["input"],
            retrieved_contexts=row["retrieved_texts"],
            retrieved_context_ids=row["retrieved_ids"],
            reference_contexts=row["expected_texts"],
            reference_context_ids=row["expected_ids"],
            response=row["answer"],
            reference=row["expected_answer"],
        )
        for row in rows
    ]


def to_deepeval(rows: Sequence[Record]) -> list[Record]:
    """Return goldens of DeepEval: written as a JSON array, ``add_goldens_from_json_file`` reads them.

    >>> to_deepeval([EXAMPLE])[0]["additional_metadata"]
    {'id': 'q1', 'run': 'tuned', 'split': 'test', 'family': 'billing'}
    """
    return [
        _known(
            input=row["input"],
            actual_output=row["answer"],
            expected_output=row["expected_answer"],
            context=row["expected_texts"],
            retrieval_context=row["retrieved_texts"],
            additional_metadata=_about(row),
        )
        for row in rows
    ]


def to_langfuse(rows: Sequence[Record], dataset_name: str) -> list[Record]:
    """Return the arguments of ``create_dataset_item`` of Langfuse, once for each record.

    An id is one of a whole project and replaces what has it already: it begins with the name of the dataset.

    >>> to_langfuse([EXAMPLE], "desk")[0]["id"]
    'desk-q1'
    """
    return [
        {
            "dataset_name": dataset_name,
            "id": f"{dataset_name}-{row['id']}",
            "input": {"question": row["input"]},
            "expected_output": _known(document_ids=row["expected_ids"], answer=row["expected_answer"]),
            "metadata": {**_about(row), "retrieved_ids": row["retrieved_ids"]},
        }
        for row in rows
    ]


def to_phoenix(rows: Sequence[Record]) -> list[Record]:
    """Return examples of Phoenix, for ``create_dataset(name=…, examples=…)``.

    >>> to_phoenix([EXAMPLE])[0]["output"]
    {'document_ids': ['refund'], 'answer': '14 days'}
    """
    return [
        {
            "input": {"question": row["input"]},
            "output": _known(document_ids=row["expected_ids"], answer=row["expected_answer"]),
            "metadata": {**_about(row), "retrieved_ids": row["retrieved_ids"]},
        }
        for row in rows
    ]


def to_mlflow(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return metrics (``evaluation.evaluate_run``) under names that ``mlflow.log_metrics`` takes: it refuses "@".

    Raises:
        DataError: Two metrics would get one name.

    >>> to_mlflow({"nDCG@10": 0.83, "nDCG@10, twins count": 0.84})
    {'nDCG_10': 0.83, 'nDCG_10_ twins count': 0.84}
    """
    named = {name: re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII) for name in metrics}
    if len(set(named.values())) < len(named):
        raise DataError(f"metrics {sorted(named)} share a name once signs are replaced: rename one")
    return {named[name]: float(value) for name, value in metrics.items()}


EXAMPLE: Record = {
    "id": "q1",
    "input": "Until when is there a refund?",
    "expected_ids": ["refund"],
    "expected_texts": ["Paid back within 14 days."],
    "expected_answer": "14 days",
    "retrieved_ids": ["cancel", "refund"],
    "retrieved_texts": ["Cancel online.", "Paid back within 14 days."],
    "answer": None,
    "slice": {"family": "billing"},
    "split": "test",
    "run": "tuned",
}
"""A record, to show what becomes of one."""
