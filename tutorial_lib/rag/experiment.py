"""Prompt experiments: templates x systems x depths on the same queries, each cell compared with the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import pandas as pd

from tutorial_lib.data.dataset import DataError, RetrievalDataset
from tutorial_lib.evaluation.significance import document_clusters
from tutorial_lib.rag.answer import Answer, Answerer, Messages, Prices, answer_all
from tutorial_lib.rag.cells import MEASURE, Cell, Experiment
from tutorial_lib.rag.context import Context, ContextError, ContextSettings, contexts
from tutorial_lib.rag.facts import Fact, Facts, facts_in
from tutorial_lib.rag.prompts import PromptTemplate
from tutorial_lib.rag.tokens import TokenCounter
from tutorial_lib.retrieval.runs import Run


@dataclass(frozen=True)
class Grid:
    """What is varied. The first cell, of the first of each, is what the others are compared with.

    Attributes:
        templates: Prompts.
        runs: System -> its run of the queries.
        ks: Documents or passages that a prompt shows at most; fewer where the budget of the context holds no more.
    """

    templates: Sequence[PromptTemplate]
    runs: Mapping[str, Run]
    ks: Sequence[int]

    def __post_init__(self) -> None:
        labels = [template.label for template in self.templates]
        if not (labels and self.runs and self.ks):
            raise DataError(
                f"an empty grid ({len(labels)} templates, {len(self.runs)} runs, {len(self.ks)} ks): pass one of each"
            )
        if len(set(labels)) < len(labels) or len(set(self.ks)) < len(self.ks):
            raise DataError(f"a cell stands twice in the grid (templates {labels}, ks {list(self.ks)}): name each once")

    def cells(self) -> Iterator[tuple[PromptTemplate, str, int]]:
        """Return every template, system and depth, the depths of a system beside each other."""
        return product(self.templates, self.runs, self.ks)


class _Prompt(NamedTuple):
    context: Context
    messages: Messages


def run_experiment(
    dataset: RetrievalDataset,
    grid: Grid,
    facts: Facts,
    answerer: Answerer,
    *,
    split: str = "test",
    texts: Mapping[str, str] | None = None,
    context: ContextSettings | None = None,
    count: TokenCounter | None = None,
    prices: Prices | None = None,
    workers: int = 4,
) -> Experiment:
    """Answer the queries that have facts with every cell of ``grid``.

    All prompts are made before the first is sent: what is wrong with a template, run or budget costs nothing. Interrupted, it
    goes on from the answerer's cache.

    Args:
        dataset: Whose queries and judgments.
        grid: Templates, systems and depths.
        facts: What the answers must contain.
        answerer: A ``ChatEndpoint``, or whatever else answers prompts.
        split: Whose queries.
        texts: What the runs rank, if not whole articles: passages, say.
        context: Budget and order of the context; ``k`` comes from the grid.
        count: Counts tokens of the context; by default those of the course's encoder.
        prices: For "cost".
        workers: Prompts under way at once. Latencies are of an endpoint that has so many at a time.

    Raises:
        DataError: No query of the split has facts, or a cell has no context (``ContextError``) or prompt (``PromptError``).
        EndpointError: A prompt has no answer.
    """
    asked = {q: text for q, text in (dataset.query_texts(split) if split in dataset.qrels else {}).items() if q in facts}
    if not asked:
        raise DataError(f"no query of {split} in {dataset.name} has facts: pass those of its queries")
    context, count = context or ContextSettings(), count or TokenCounter.load()
    texts = texts or dataset.document_texts()
    prompts = [_prompts(asked, texts, grid.runs[cell[1]], cell, context, count) for cell in grid.cells()]
    cells = []
    for (template, system, k), made in zip(grid.cells(), prompts, strict=True):
        given = answer_all(answerer, [prompt.messages for prompt in made.values()], workers=workers, label=f"{system}, k={k}")
        answers = dict(zip(made, given, strict=True))
        rows = {q: _row(facts[q], made.get(q), answers.get(q), prices) for q in asked}
        frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("query_id")
        cells.append(Cell(template.label, system, k, frame))
    clusters = document_clusters({q: dataset.qrels[split][q] for q in asked})
    settings = {
        "dataset": dataset.name,
        "split": split,
        "model": answerer.name,
        "templates": {template.label: template.digest for template in grid.templates},
        "context": asdict(context),
        "tokens counted by": count.name,
        "prices": asdict(prices) if prices else None,
    }
    return Experiment(tuple(cells), clusters, settings)


def _prompts(
    asked: Mapping[str, str],
    texts: Mapping[str, str],
    run: Run,
    cell: tuple[PromptTemplate, str, int],
    context: ContextSettings,
    count: TokenCounter,
) -> dict[str, _Prompt]:
    """Return the prompt of every query for which anything was found."""
    template, system, k = cell
    found = {q: run[q] for q in asked if run.get(q)}
    try:
        filled = contexts(found, texts, replace(context, k=k), count, render=template.render)
    except ContextError as error:
        raise ContextError(f"{template.label}, {system}, k={k}: {error}") from None
    return {q: _Prompt(shown, template.messages(asked[q], shown.text)) for q, shown in filled.items()}


def _row(facts: Sequence[Fact], prompt: _Prompt | None, answer: Answer | None, prices: Prices | None) -> dict[str, Any]:
    """Return what one query got; without a context nothing is asked, and nothing is paid."""
    if prompt is None or answer is None:
        nothing = dict.fromkeys((MEASURE, "all_facts", "context_recall"), 0.0)
        free = dict.fromkeys(("context_tokens", "prompt_tokens", "completion_tokens", "cost"), 0.0)
        return {**nothing, **free, "seconds": float("nan"), "answer": None}
    said, shown = facts_in(answer.text, facts), facts_in(prompt.context.text, facts)
    return {
        MEASURE: sum(said) / len(said),
        "all_facts": float(all(said)),
        "context_recall": sum(shown) / len(shown),
        "context_tokens": float(prompt.context.tokens),
        "prompt_tokens": _known(answer.prompt_tokens),
        "completion_tokens": _known(answer.completion_tokens),
        "cost": prices.of(answer) if prices else float("nan"),
        "seconds": answer.seconds,
        "answer": answer.text,
    }


def _known(tokens: int | None) -> float:
    return float("nan") if tokens is None else float(tokens)
