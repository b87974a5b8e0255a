"""What is in ``data/support_desk``, how well cleaning does on it, and how much data, and how clean, training needs.

    python -m benchmarks.support_desk check  --out benchmarks/results/support_desk.json
    python -m benchmarks.support_desk year2  --out benchmarks/results/support_desk_year2.json
    python -m benchmarks.support_desk curves --out benchmarks/results/support_desk_curves.json [--seeds 2]
    python -m benchmarks.support_desk stream --out benchmarks/results/support_desk_stream.json [--rows 1000000]
    python -m benchmarks.support_desk picture --out docs/img/refund_for_annual_plan.png

``check`` takes some minutes: counts, the checks that texts were written and not templated, and how much of the planted
personal data, junk and wrong links the cleaning finds. ``year2`` does the same, wrong links aside, for the second year
(``data/support_desk_year2``). ``curves`` takes a quarter of an hour a seed: golden nDCG@10 against
the number of training pairs and against the share of wrong links. It appends run by run and goes on where it stopped.
``stream`` reads the log blown up to a million rows, once as repeats and once made distinct: seconds and peak memory.
``picture`` draws the README's figure from ``workspace/support_desk``, as notebook 00 made it (or makes it first).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import device_name
from tutorial_lib import Workspace, plots
from tutorial_lib.cleaning.noise import drop_most_suspicious, precision_recall, suspicious_pairs
from tutorial_lib.cleaning.prepare import prepare
from tutorial_lib.cleaning.privacy import find_personal_data
from tutorial_lib.cleaning.privacy_scores import score_findings
from tutorial_lib.cleaning.report import CleaningReport
from tutorial_lib.data.dataset import RetrievalDataset
from tutorial_lib.data.registry import Kind
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_FILES, support_desk
from tutorial_lib.data.support_desk_year2 import SUPPORT_DESK_YEAR2_FILES, support_desk_year2
from tutorial_lib.evaluation.measures import evaluate_run, rank_of_answer
from tutorial_lib.files import write_json
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, exact_search
from tutorial_lib.text import tokenize
from tutorial_lib.training.crossfit import cross_fitted_pairs, cross_fitted_vectors
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.mining import mine_negatives
from tutorial_lib.training.settings import TrainSettings

NOTEBOOK = TrainSettings(min_steps=40, dev_evaluations=2)
"""What notebook 00 trains with: the defaults, a little shorter."""
DESK = TrainSettings(negatives=0, min_steps=30)
"""A shorter training than notebook 00's and without mined negatives, the same for every point of a curve."""
SIZES = (50, 100, 200, 400, 800)
WRONG_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4)
DROPPED = 0.15
"""Share of the training pairs that the noise filter drops, whatever the true share of wrong links."""
FUNCTION_WORDS = frozenset(
    {
        "a",
        "an",
        "the",
        "to",
        "of",
        "in",
        "on",
        "for",
        "and",
        "or",
        "is",
        "with",
        "your",
        "from",
        "by",
        "at",
        "it",
        "as",
        "be",
        "vs",
        "how",
        "when",
        "what",
    }
)


def jsonl(name: str, folder: Path = SUPPORT_DESK_FILES) -> list[dict[str, Any]]:
    """Return the rows of one file of the collection."""
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def raw_tickets(folder: Path = SUPPORT_DESK_FILES) -> dict[str, dict[str, str]]:
    """Return the rows of tickets.csv by ticket id."""
    with (folder / "tickets.csv").open(encoding="utf-8", newline="") as file:
        return {row["ticket_id"]: row for row in csv.DictReader(file)}


def planted(folder: Path = SUPPORT_DESK_FILES) -> dict[str, dict[str, Any]]:
    """Return what is true of each ticket: kind, right answers, what was recorded, personal data."""
    return {row["ticket_id"]: row for row in jsonl("planted.jsonl", folder)}


def _sequences(text: str, size: int) -> list[tuple[str, ...]]:
    words = tokenize(text)
    return [tuple(words[n : n + size]) for n in range(len(words) - size + 1)]


def text_checks(folder: Path = SUPPORT_DESK_FILES) -> dict[str, Any]:
    """Return the checks that tickets were written one by one.

    Returns:
        ``distinct_3grams``: distinct 3-word sequences over all, in all tickets; ``similar``: pairs of tickets, planted
        copies aside, of which one has 60 % of its 4-word sequences (at least 4) in the other; ``titles``: articles whose
        title words all stand in more than a third of the tickets they answer.
    """
    rows, truth = raw_tickets(folder), planted(folder)
    texts = {t: f"{row['subject']}\n{row['message']}" for t, row in rows.items()}
    three = Counter(s for text in texts.values() for s in _sequences(text, 3))
    fours = {t: set(_sequences(text, 4)) for t, text in texts.items()}
    holders: dict[tuple[str, ...], list[str]] = {}
    for t, sequences in fours.items():
        for s in sequences:
            holders.setdefault(s, []).append(t)
    shared = Counter((a, b) for held in holders.values() for n, a in enumerate(held) for b in held[n + 1 :])
    family = {t: row["copy_of"] or t for t, row in truth.items()}
    similar = [
        (a, b)
        for (a, b), n in shared.items()
        if family[a] != family[b] and min(len(fours[a]), len(fours[b])) >= 4 and n >= 0.6 * min(len(fours[a]), len(fours[b]))
    ]
    titles = {a["article_id"]: set(tokenize(a["title"])) - FUNCTION_WORDS for a in jsonl("articles.jsonl", folder)}
    contained: dict[str, list[bool]] = {}
    for t, row in truth.items():
        for a in row["answers"][:1]:
            contained.setdefault(a, []).append(titles[a] <= set(tokenize(texts[t])))
    return {
        "distinct_3grams": len(three) / sum(three.values()),
        "similar": similar,
        "titles": [a for a, hits in contained.items() if sum(hits) > len(hits) / 3],
    }


def counts(folder: Path = SUPPORT_DESK_FILES) -> dict[str, Any]:
    """Return how many there are of what, planted noise included."""
    documents, truth = jsonl("articles.jsonl", folder), planted(folder)
    words = [len(a["body"].split()) for a in documents]
    searches = jsonl("search_log.jsonl", folder)
    return {
        "articles": len(documents),
        "superseded": sum(a["status"] == "superseded" for a in documents),
        "areas": len({a["area"] for a in documents}),
        "article_words": [min(words), float(np.mean(words)), max(words)],
        "tickets": len(truth),
        "kinds": dict(Counter(row["kind"] for row in truth.values()).most_common()),
        "recorded": dict(Counter(row["recorded"] for row in truth.values()).most_common()),
        "personal_data": dict(Counter(kind for row in truth.values() for kind, _ in row["personal_data"]).most_common()),
        "with_signature_or_quote": sum(bool(row["tail"]) for row in truth.values()),
        "searches": len(searches),
        "distinct_queries": len({s["query"].lower() for s in searches}),
        "clicks": sum(len(s["clicks"]) for s in searches),
        "ticket_followed": sum(bool(s["ticket_followed"]) for s in searches),
        "golden": len(jsonl("golden.jsonl", folder)),
    }


def wrong_pairs(dataset: RetrievalDataset) -> set[tuple[str, str]]:
    """Return the training pairs of tickets whose recorded article is, by the planted truth, not an answer."""
    truth = planted()
    last = dataset.card.get("superseded", {})
    right = {
        q: {last.get(a, a) for a in truth[v.metadata["ticket_id"]]["answers"]}
        for q, v in dataset.queries.items()
        if v.metadata.get("source") == "ticket"
    }
    return {(q, a) for q, a in dataset.pairs("train") if q in right and a not in right[q]}


def cleaning_checks(report: CleaningReport, folder: Path = SUPPORT_DESK_FILES) -> dict[str, Any]:
    """Return how much of what was planted each cleaning step found."""
    truth, rows = planted(folder), raw_tickets(folder)
    read = {q: v.metadata["ticket_id"] for q, v in report.raw.queries.items() if v.metadata.get("source") == "ticket"}
    apart = {read[q] for q in report.rows("set apart")["id"]}
    junk = {t for t in read.values() if truth[t]["kind"] in ("bot", "test") or truth[t]["kind"].startswith("language")}
    cut = {read[q] for q in report.rows("quoted threads")["id"]}
    tails = {t for t in read.values() if truth[t]["tail"]}
    copies = {t for t in read.values() if truth[t]["copy_of"] in set(read.values())}
    merged = {read[q] for q in report.rows("repeated tickets")["id"]}
    texts = {
        t: f"{row['subject']}\n{row['message']}" for t, row in rows.items() if not truth[t]["kind"].startswith("language")
    }
    never = {w for a in report.raw.corpus.values() for w in tokenize(a.full_text)} | {"help@velloway.example"}
    found = dict(zip(texts, find_personal_data(list(texts.values()), never=never), strict=True))
    personal = score_findings(found, texts, {t: [tuple(p) for p in truth[t]["personal_data"]] for t in texts})
    pasted = {
        (read[q], r.split(" ")[0]) for q, r in zip(*report.rows("pasted everywhere")[["id", "reason"]].T.values, strict=True)
    }
    really = {(t, "crew/writing-to-us") for t in read.values() if truth[t]["recorded"] == "pasted"}
    return {
        "set_apart": {"planted": len(junk), "found": len(apart & junk), "false_alarms": len(apart - junk)},
        "tails": {"planted": len(tails), "cut": len(cut & tails), "false_alarms": len(cut - tails)},
        "repeats": {"planted": len(copies), "merged": len(merged & copies), "false_alarms": len(merged - copies)},
        "pasted": {"planted": len(really), "dropped": len(pasted & really), "false_alarms": len(pasted - really)},
        "personal_data": personal,
    }


def noise_checks(dataset: RetrievalDataset, *, cross_fit: bool = True) -> dict[str, Any]:
    """Return precision and recall of the noise filter at several shares of reviewed pairs, for both passes."""
    wrong = wrong_pairs(dataset)
    bm25, base = BM25(dataset.document_texts()), Encoder.load(DEFAULT_MODEL)
    tables = {"first": suspicious_pairs(dataset, bm25, Vectors.of(dataset, base, ["train"]))}
    if cross_fit:
        with tempfile.TemporaryDirectory() as folder:
            folds = cross_fitted_vectors(dataset, bm25, Path(folder), settings=replace(DESK, min_steps=20))
        tables["cross_fitted"] = cross_fitted_pairs(dataset, bm25, folds)
    result: dict[str, Any] = {}
    for name, table in tables.items():
        of_tickets = table[table["query_id"].str.startswith("ticket/")]
        curve = precision_recall(of_tickets, wrong)
        result[name] = [
            curve.iloc[max(0, round(share * len(curve)) - 1)].to_dict() for share in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 1.0)
        ]
    return {"pairs": len(of_tickets), "wrong": len(wrong), **result}


# --- curves -------------------------------------------------------------------------------------------------------


class Trial:
    """Trains on variants of one dataset and scores each on golden; BM25 and base vectors are made once."""

    def __init__(self, dataset: RetrievalDataset) -> None:
        self.dataset, self.bm25 = dataset, BM25(dataset.document_texts())
        base = Encoder.load(DEFAULT_MODEL)
        texts = dataset.query_texts("train")
        self.vector = dict(zip(texts, base.encode_queries(list(texts.values())), strict=True))
        self.document_vectors = base.encode_documents(list(dataset.document_texts().values()))
        self.base = self.golden(base)

    def golden(self, encoder: Encoder) -> dict[str, float]:
        """Return the measures of ``encoder`` on the golden queries."""
        queries = self.dataset.query_texts("test")
        run = exact_search(
            list(queries),
            encoder.encode_queries(list(queries.values())),
            list(self.dataset.corpus),
            encoder.encode_documents(list(self.dataset.document_texts().values())),
        )
        return evaluate_run(self.dataset.qrels["test"], run)

    def with_train(self, judged: dict[str, dict[str, int]]) -> RetrievalDataset:
        """Return the dataset with these training judgments."""
        return replace(self.dataset, qrels={**self.dataset.qrels, "train": dict(sorted(judged.items()))})

    def tuned(self, dataset: RetrievalDataset, seed: int) -> dict[str, float]:
        """Return golden measures after training on ``dataset`` with the default settings and this seed."""
        vectors = np.stack([self.vector[q] for q in dataset.qrels["train"]])
        mined = mine_negatives(dataset, self.bm25, Vectors(self.document_vectors, {"train": vectors}))
        with tempfile.TemporaryDirectory() as folder:
            run = prepare_training(
                dataset, mined.negatives, self.bm25, Path(folder), model=DEFAULT_MODEL, settings=replace(DESK, seed=seed)
            )
            run.train()
        return self.golden(run.encoder)

    def filtered(self, dataset: RetrievalDataset, seed: int) -> RetrievalDataset:
        """Return ``dataset`` without the most suspicious pairs by cross-fitted models."""
        with tempfile.TemporaryDirectory() as folder:
            folds = cross_fitted_vectors(
                dataset, self.bm25, Path(folder), seed=seed, settings=replace(DESK, seed=seed, epochs=1, min_steps=0)
            )
        return drop_most_suspicious(dataset, cross_fitted_pairs(dataset, self.bm25, folds), DROPPED)


def misfiled(trial: Trial, judged: dict[str, dict[str, int]], share: float, seed: int) -> dict[str, dict[str, int]]:
    """Return the judgments with a ``share`` of the queries pointing to one of BM25's best five wrong articles.

    That is how people err: they paste an article that is on the topic.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(sorted(judged))[: round(share * len(judged))].tolist()
    found = trial.bm25.search({q: trial.dataset.queries[q].text for q in chosen}, k=10)
    result = dict(judged)
    for q in sorted(chosen):
        candidates = [a for a in found[q] if a not in judged[q]][:5] or sorted(set(trial.dataset.corpus) - set(judged[q]))
        result[q] = {candidates[int(rng.integers(len(candidates)))]: 1}
    return result


def curves(dataset: RetrievalDataset, out: Path, seeds: int) -> None:
    """Train and score every point of both curves, appending to ``out``."""
    trial = Trial(dataset)
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    done = {(r["curve"], r["x"], r["filter"], r["seed"]) for r in rows}
    truth = planted()
    right = {
        q: {a: 1 for a in truth[dataset.queries[q].metadata["ticket_id"]]["answers"] if a in dataset.corpus}
        for q in dataset.qrels["train"]
        if dataset.queries[q].metadata["source"] == "ticket"
    }
    right = {q: grades for q, grades in right.items() if grades}
    everything = dataset.qrels["train"]
    jobs: list[tuple[str, float, bool, int]] = [
        (curve, x, f, s)
        for s in range(seeds)
        for curve, x, f in [
            *(("amount", n, False) for n in (*SIZES, len(everything))),
            *(("wrong", w, f) for w in WRONG_SHARES for f in (False, True)),
        ]
    ]
    for curve, x, filtered, seed in jobs:
        if (curve, x, filtered, seed) in done:
            continue
        started = time.monotonic()
        if curve == "amount":
            order = np.random.default_rng(seed).permutation(sorted(everything))[: int(x)].tolist()
            part = trial.with_train({q: everything[q] for q in order})
        else:
            part = trial.with_train(misfiled(trial, right, x, seed))
            part = trial.filtered(part, seed) if filtered else part
        rows.append(
            {
                "curve": curve,
                "x": x,
                "filter": filtered,
                "seed": seed,
                "pairs": len(part.pairs("train")),
                "golden": trial.tuned(part, seed),
                "seconds": time.monotonic() - started,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
        record = {"device": device_name(), "base": trial.base, "dropped": DROPPED, "rows": rows}
        write_json(out, record)


def stream(rows: int) -> list[dict[str, Any]]:
    """Return seconds and peak memory of reading the ticket log blown up to ``rows`` rows, each in a process of its own."""
    results = []
    for distinct in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "tickets.csv")
            written = list(raw_tickets().values())
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, written[0])
                writer.writeheader()
                for n in range(rows):
                    row = written[n % len(written)]
                    message = f"{row['message']} number {n}" if distinct and row["message"] else row["message"]
                    writer.writerow({**row, "ticket_id": f"T-{n}", "message": message})
            files = f"{str(path)!r}, {str(SUPPORT_DESK_FILES / 'articles.jsonl')!r}"
            code = (
                "import json, time\n"
                "from benchmarks.machine import peak_mb\n"
                "from tutorial_lib.data.ticket_log import from_ticket_log\n"
                f"started = time.monotonic(); d = from_ticket_log({files})\n"
                "print(json.dumps({'read': d.card['read'], 'seconds': time.monotonic() - started, "
                "'peak_mb': peak_mb()}))"
            )
            printed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout
            size = path.stat().st_size / 2**20
            results.append({"rows": rows, "distinct": distinct, "file_mb": size, **json.loads(printed)})
        print(json.dumps(results[-1]), flush=True)
    return results


def second_year() -> dict[str, Any]:
    """Return counts, text checks and what cleaning finds in the second year."""
    folder = SUPPORT_DESK_YEAR2_FILES
    prepared = prepare(support_desk_year2(), Kind.TICKETS)
    return {
        "counts": counts(folder),
        "text": text_checks(folder),
        "dataset": prepared.dataset.counts(),
        "cleaning": cleaning_checks(prepared.report, folder),
    }


def picture(out: Path) -> None:
    """Draw the first results of "refund for annual plan" before and after."""
    workspace = Workspace("workspace/support_desk", "support_desk")
    workspace.adapter(train=NOTEBOOK)
    dataset, runs = workspace.dataset(), workspace.runs()
    query = next(iter(dataset.qrels["test"]))
    before, after = ([dataset.corpus[a].title for a in list(runs[name][query])[:6]] for name in ("base", "tuned"))
    answers = [dataset.corpus[a].title for a in dataset.positives("test")[query]]
    out.parent.mkdir(exist_ok=True)
    was = int(rank_of_answer(dataset.qrels["test"], runs["base"])[query])
    figure = plots.search_results(dataset.queries[query].text, before, after, answers, rank_before=was)
    figure.savefig(out, dpi=144)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("check", "year2", "curves", "stream", "picture"))
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    if options.command == "stream":
        write_json(options.out, stream(options.rows))
        return
    if options.command == "picture":
        picture(options.out)
        return
    if options.command == "year2":
        write_json(options.out, second_year())
        return
    prepared = prepare(support_desk(), Kind.TICKETS)
    dataset = prepared.dataset
    if options.command == "curves":
        curves(dataset, options.out, options.seeds)
        return
    result = {
        "counts": counts(),
        "text": text_checks(),
        "dataset": dataset.counts(),
        "cleaning": cleaning_checks(prepared.report),
        "noise": noise_checks(dataset),
    }
    write_json(options.out, result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
