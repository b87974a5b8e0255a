"""An experiment on PromptLayer in which the course's retrieval is what is tried: cases, runner, scorers, and the scores back.

Written after the code of the SDK, promptlayer 1.5.16, and tried with it against a double of what it asks for: **never on the
service itself**. The SDK wants cachetools below 6, another than the course was tested with, so it gets an environment of its
own, and the key stays in the environment variable PROMPTLAYER_API_KEY::

    python3 -m venv ~/promptlayer-environment
    ~/promptlayer-environment/bin/pip install --editable '.[rag]' promptlayer==1.5.16

    from promptlayer import PromptLayer
    client = PromptLayer()
    twenty = dict(list(facts.items())[:20])
    for name in ("base", "tuned"):
        scores = run_eval(client, eval_definition(dataset, runs[name], twenty, name=f"{name}, 3 articles"))
        print(name, pass_rates(scores).to_string())

Two things in the SDK mislead, and are seen to here:

- It counts a case whose score is **missing as passed**, and so every number but 0: read ``pass_rates``, not its score cards.
- After **each case it waits for a price** that a retriever never has, ``PRICE_WAIT`` seconds, one case after the other
  whatever ``max_concurrency`` says: 300 cases take 25 minutes (``least_seconds``). Pass few, or time.

Questions, and the texts found for them, go to the service: as cells of its tables, and in the traces of each case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.evaluation.measures import MAIN_MEASURE, main_scores
from tutorial_lib.http import EndpointError
from tutorial_lib.rag.export import Record, records
from tutorial_lib.rag.facts import Fact, Facts, facts_in
from tutorial_lib.rag.promptlayer import flat, told
from tutorial_lib.retrieval.runs import Run

PRICE_WAIT = 5.0
"""Seconds that the SDK waits for the price of a case without one."""

_SCORER = """import json
found = data.get("Output")
found = json.loads(found) if isinstance(found, str) else found
return float(found["scores"]["{measure}"])
"""
"""What the service runs on each row. The score was made here, where facts can be compared. Where it is not there, this
raises: None would pass."""


def eval_definition(
    dataset: RetrievalDataset,
    run: Run,
    facts: Facts,
    *,
    name: str,
    split: str = "test",
    k: int = 3,
    answers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the SDK's ``evals.run`` takes: each query that has facts is a case, and ``run`` answers it.

    Args:
        dataset: Queries, judgments and documents.
        run: What was found.
        facts: What answers must contain. Pass those of few queries: see ``PRICE_WAIT``.
        name: Of the experiment: experiments of one name stand in one table of the service.
        split: Whose queries.
        k: Documents of a query at most.
        answers: What a model answered, by query id.

    Returns:
        "name", "dataset" (cases: "input" with query id and question, "expected", "expected_ids"), "runner" (from an input to
        the documents' ids and texts, the answer, and "scores", each 0 to 1: "context_recall", the share of the facts that
        stand in the documents; nDCG@10; with answers "fact_recall", the share that stand in the answer) and "scorers", a
        column each. More may be added: "table_id", "passing_score", ….

    Raises:
        DataError: No query of the split has facts, one has no answer, or as ``export.records``.
    """
    kept = {q: facts[q] for q in dataset.qrels.get(split, {}) if q in facts}
    if not kept:
        raise DataError(f"no query of {split} in {dataset.name} has facts: pass those of its queries")
    if unanswered := [q for q in kept if answers is not None and not answers.get(q)]:
        raise DataError(
            f"query {unanswered[0]} has no answer, and a missing score would pass: answer it, or leave its facts out"
        )
    rows = records(dataset, run, name=name, split=split, k=k, facts=kept, answers=answers)
    ranked = main_scores(dataset.qrels[split], run)
    outputs = {row["id"]: _output(row, kept[row["id"]], ranked) for row in rows if row["id"] in kept}
    return {
        "name": name,
        "dataset": [_case(row) for row in rows if row["id"] in kept],
        "runner": lambda asked: outputs[asked["query_id"]],
        "scorers": [_scorer(measure) for measure in next(iter(outputs.values()))["scores"]],
        "max_concurrency": 1,
    }


def _case(row: Record) -> dict[str, Any]:
    return {
        "input": {"query_id": row["id"], "question": row["input"]},
        "expected": row["expected_answer"],
        "expected_ids": ", ".join(row["expected_ids"]),
    }


def _output(row: Record, facts: tuple[Fact, ...], ranked: Mapping[str, float]) -> dict[str, Any]:
    """Return what the runner gives for a query, an object even where nothing was found: for None the SDK looks elsewhere."""
    shown = flat([row])[0]["context"]
    scores = {"context_recall": _share(shown, facts), MAIN_MEASURE: ranked[row["id"]]}
    if row["answer"] is not None:
        scores["fact_recall"] = _share(row["answer"], facts)
    return {"retrieved_ids": row["retrieved_ids"], "context": shown, "answer": row["answer"], "scores": scores}


def _share(text: str, facts: tuple[Fact, ...]) -> float:
    held = facts_in(text, facts)
    return sum(held) / len(held)


def _scorer(measure: str) -> dict[str, Any]:
    config = {"code": _SCORER.format(measure=measure), "language": "PYTHON"}
    return {"title": measure, "type": "CODE_EXECUTION", "config": config}


def least_seconds(definition: Mapping[str, Any]) -> float:
    """Return how long the SDK waits for prices alone, with a runner that has none: look at it before ``run_eval``.

    >>> least_seconds({"dataset": [{}] * 300}) / 60
    25.0
    """
    return PRICE_WAIT * len(definition["dataset"])


def run_eval(client: Any, definition: Mapping[str, Any]) -> pd.DataFrame:
    """Run an experiment through the SDK, and return what the service scored.

    Args:
        client: ``promptlayer.PromptLayer()``.
        definition: Of ``eval_definition``.

    Returns:
        Index query id, a column a scorer, 0 to 1, higher is better. What the service did not score, or failed to, is not a
        number: never a pass.

    Raises:
        EndpointError: The service refuses, cannot be reached, scores a query that was none of the cases, or the scores do not
            reach the definition's "passing_score"; in one line, without the key.
    """
    try:
        result = client.evals.run(dict(definition))
    except Exception as error:  # the SDK's own kinds; that some scorer failed is one of them, and comes with the result
        result = getattr(error, "result", None)
        if not isinstance(result, dict) or definition.get("passing_score") is not None:
            raise told(error, client) from None
    titles = [scorer["title"] for scorer in definition["scorers"]]
    queries = [case["input"]["query_id"] for case in definition["dataset"]]
    scores = pd.DataFrame(float("nan"), index=pd.Index(queries, name="query_id"), columns=titles)
    for case in result.get("results") or ():
        query = case["input"]["query_id"]
        if query not in scores.index:
            raise EndpointError(
                f"PromptLayer scored query {query!r:.60}, which was no case: pass a table of its own (table_id)"
            )
        scores.loc[query] = [_number((case.get("scores") or {}).get(title)) for title in titles]
    return scores


def _number(score: Any) -> float:
    """Return a score from 0 to 1; whatever else is there is none."""
    known = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return float(score) if known else float("nan")


def pass_rates(scores: pd.DataFrame, at_least: float = 1.0) -> pd.DataFrame:
    """Return how many cases passed each scorer.

    Args:
        scores: Of ``run_eval``.
        at_least: Score of a pass; 1 asks for all facts.

    Returns:
        Index scorer; "cases", "missing" (not scored), "passed", "rate" (passed of all cases: a missing score is no pass) and
        "mean" of the scores that are there.

    >>> pass_rates(pd.DataFrame({"context_recall": [1.0, 0.5, float("nan"), 1.0]})).loc["context_recall"].to_dict()
    {'cases': 4.0, 'missing': 1.0, 'passed': 2.0, 'rate': 0.5, 'mean': 0.8333333333333334}
    """
    passed = (scores >= at_least).sum()
    counts = {"cases": len(scores), "missing": scores.isna().sum(), "passed": passed, "rate": passed / max(1, len(scores))}
    return pd.DataFrame({**counts, "mean": scores.mean()}).rename_axis("scorer")
