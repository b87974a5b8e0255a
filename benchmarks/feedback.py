"""A model that learns from clicks on its own results: what it comes to believe, and what it never finds out.

    python -m benchmarks.feedback --workspace workspace/support_desk --out benchmarks/results/feedback.json [--seeds 3]

Visitors ask the first year's tickets, whose true answers are known (``planted.jsonl``), of a search that shows 8 articles.
They behave as the click model of support_desk says: the article at rank r is looked at with probability r^-0.7, and then
clicked with 0.86 if it answers and with 0.17 if not. They stay for half a minute with 0.9 if it does and 0.24 if not (0.24 of
the first year's clicks that another one followed). The log that they leave is written and read as any other
(``from_search_log``); what it gives trains the next generation, three times. The first is the base model.

The learner is chapter 07's matrix of 384 x 384 on the base model's vectors (``training.distill``, labels alone), a second of
CPU, and no LoRA adapter: a LoRA training takes minutes, and 18 a seed would be needed here. Dev decides among its passes, or
for none: by hand-judged queries, or for "own dev" by every sixth query of the log with the labels of its clicks, as a team
has it that has only clicks. No ticket follows a failed search here: on a real desk those bring what a loop of clicks lacks.

naive          every last click of half a minute is an answer
own dev        the same, and dev is labelled by clicks too
care           position care and a weight of 2, as ``ClickSettings`` has it by default
explore        naive, and one of the 8 places of every search shows an article from ranks 9 to 40
care+explore   both
truth          the true answers in place of clicks: what this learner could do
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from benchmarks.machine import description
from tutorial_lib.data.beir import read_beir
from tutorial_lib.data.dataset import Qrels, RetrievalDataset
from tutorial_lib.data.search_log import ClickSettings, from_search_log
from tutorial_lib.data.support_desk_files import SUPPORT_DESK_FILES
from tutorial_lib.evaluation.measures import main_scores
from tutorial_lib.files import write_json
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.runs import Run
from tutorial_lib.text import normal_form
from tutorial_lib.training.distill import distill
from tutorial_lib.training.distill_settings import DistillSettings

SHOWN, DEEPEST = 8, 40
LOOKED, IF_RIGHT, IF_WRONG = 0.7, 0.86, 0.17
"""Of the click model; see ``data/README.md``."""
STAYS_IF_RIGHT, STAYS_IF_WRONG = 0.9, 0.24
NAIVE, CARE = ClickSettings(position_bias=0.0, min_weight=1.0), ClickSettings()
DEV_EVERY = 6
"""Every sixth query of the log is dev's where a team has no other."""


@dataclass(frozen=True)
class Way:
    """How a team learns from its log.

    Attributes:
        clicks: When a click counts; None for the truth.
        explore: Whether searches show something from further down.
        own_dev: Whether dev is labelled by clicks too.
    """

    clicks: ClickSettings | None
    explore: bool = False
    own_dev: bool = False


WAYS = {
    "naive": Way(NAIVE),
    "own dev": Way(NAIVE, own_dev=True),
    "care": Way(CARE),
    "explore": Way(NAIVE, explore=True),
    "care+explore": Way(CARE, explore=True),
    "truth": Way(None),
}


@dataclass(frozen=True)
class Desk:
    """What is simulated.

    Attributes:
        dataset: The first year; train holds the queries that are asked, with their true answers, test the golden set.
        vectors: The base model's.
        visits: How often each query is asked in a generation.
        generations: How many are trained.
    """

    dataset: RetrievalDataset
    vectors: Vectors
    visits: int
    generations: int

    @classmethod
    def of(cls, workspace: Path, visits: int, generations: int) -> Desk:
        """Read a finished run of support_desk."""
        dataset, vectors = read_beir(workspace / "dataset"), Vectors.load(workspace / "base_vectors")
        planted = map(json.loads, (SUPPORT_DESK_FILES / "planted.jsonl").read_text(encoding="utf-8").splitlines())
        true = {f"ticket/{row['ticket_id']}": [a for a in row["answers"] if a in dataset.corpus] for row in planted}
        asked = [q for q in dataset.qrels["train"] if true.get(q)]
        row = {q: n for n, q in enumerate(sorted(dataset.qrels["train"]))}
        kept = vectors.queries["train"][[row[q] for q in sorted(asked)]]
        judged = {q: dict.fromkeys(true[q], 1) for q in sorted(asked)}
        of_year = RetrievalDataset("desk", dataset.corpus, dataset.queries, {**dataset.qrels, "train": judged})
        return cls(of_year, Vectors(vectors.documents, {**vectors.queries, "train": kept}), visits, generations)

    def lived(self, way: Way, seed: int) -> list[dict[str, Any]]:
        """Return what is found of each generation, the base model first."""
        vectors, found = self.vectors, []
        rng = np.random.default_rng(seed)
        for generation in range(self.generations + 1):
            run = dense_run(self.dataset, vectors, "train", k=DEEPEST)
            log = self._log(run, rng, explore=way.explore)
            labels = self._labels(log, way.clicks) if way.clicks else self.dataset.qrels["train"]
            found.append({"generation": generation, **self._found(vectors, run, log, labels)})
            vectors = self._trained(labels, seed, own_dev=way.own_dev)
        return found

    def _log(self, run: Run, rng: np.random.Generator, *, explore: bool) -> list[dict[str, Any]]:
        """Return a search log: each query ``visits`` times, in turn."""
        chances = np.arange(1, SHOWN + 1) ** -LOOKED
        log = []
        for visit in range(self.visits):
            for q, grades in self.dataset.qrels["train"].items():
                ranked = list(run[q])
                shown = ranked[:SHOWN]
                if explore:
                    shown[rng.integers(SHOWN)] = ranked[rng.integers(SHOWN, DEEPEST)]
                right = np.array([a in grades for a in shown])
                clicked = rng.random(SHOWN) < chances * np.where(right, IF_RIGHT, IF_WRONG)
                stays = rng.random(SHOWN) < np.where(right, STAYS_IF_RIGHT, STAYS_IF_WRONG)
                log.append(_search(q, self.dataset.queries[q].text, visit, shown, np.where(stays, 60.0, 10.0) * clicked))
        return log

    def _labels(self, log: list[dict[str, Any]], clicks: ClickSettings) -> Qrels:
        """Return what the log says, by query."""
        texts = {normal_form(self.dataset.queries[q].text): q for q in self.dataset.qrels["train"]}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "search_log.jsonl")
            file.write_text("".join(json.dumps(search) + "\n" for search in log), encoding="utf-8")
            read = from_search_log(file, file, corpus=self.dataset.corpus, clicks=clicks, divide=False)
        return {texts[normal_form(read.queries[q].text)]: grades for q, grades in read.qrels["train"].items()}

    def _trained(self, labels: Qrels, seed: int, *, own_dev: bool) -> Vectors:
        """Return the vectors of the next generation: the base model's, turned by a matrix that was taught these labels."""
        row = {q: n for n, q in enumerate(self.dataset.qrels["train"])}
        labelled = sorted(labels)
        parts = {"train": labelled}
        if own_dev:
            parts = {"train": [q for n, q in enumerate(labelled) if n % DEV_EVERY], "dev": labelled[::DEV_EVERY]}
        qrels = {**self.dataset.qrels, **{split: {q: labels[q] for q in ids} for split, ids in parts.items()}}
        rows = {split: self.vectors.queries["train"][[row[q] for q in ids]] for split, ids in parts.items()}
        taught = RetrievalDataset("clicks", self.dataset.corpus, self.dataset.queries, qrels)
        vectors = Vectors(self.vectors.documents, {**self.vectors.queries, **rows})
        return distill(taught, vectors, None, DistillSettings(teaching=0.0, seed=seed)).turn(self.vectors)

    def _found(self, vectors: Vectors, run: Run, log: list[dict[str, Any]], labels: Qrels) -> dict[str, float]:
        """Return what is true of a generation, and what its own clicks say of it."""
        true = self.dataset.qrels["train"]
        pairs = [(q, a) for q, grades in labels.items() for a in grades]
        return {
            "golden": _mean(main_scores(self.dataset.qrels["test"], dense_run(self.dataset, vectors, "test"))),
            "by_its_clicks": _mean(main_scores(labels, {q: run[q] for q in labels})),
            "by_the_truth": _mean(main_scores(true, run)),
            "answer_shown": len(_met(log, true)) / len(true),
            "labelled": len(labels) / len(true),
            "wrong_pairs": sum(a not in true[q] for q, a in pairs) / len(pairs),
            "right_label": sum(any(a in true[q] for a in labels.get(q, ())) for q in true) / len(true),
        }


def _search(query_id: str, text: str, visit: int, shown: list[str], seconds: NDArray[np.float64]) -> dict[str, Any]:
    stayed = zip(shown, seconds.tolist(), strict=True)
    clicks = [{"article_id": a, "rank": n, "dwell_seconds": s} for n, (a, s) in enumerate(stayed, 1) if s]
    return {
        "session_id": f"{visit}-{query_id}",
        "created_at": f"2026-01-{visit + 1:02}T00:00:00Z",
        "query": text,
        "query_id": query_id,
        "shown": shown,
        "clicks": clicks,
        "ticket_followed": None,
    }


def _met(log: list[dict[str, Any]], true: Qrels) -> set[str]:
    """Return the queries of which some search has shown a true answer."""
    return {search["query_id"] for search in log if any(a in true[search["query_id"]] for a in search["shown"])}


def _mean(scores: Mapping[str, float]) -> float:
    return float(np.mean(list(scores.values())))


def main(workspace: Path, out: Path, visits: int = 6, generations: int = 3, seeds: int = 3) -> None:
    """Measure all ways with several seeds, but for those that the record holds.

    Args:
        workspace: A finished run of support_desk.
        out: JSON file of the record.
        visits: How often each query is asked in a generation.
        generations: How many are trained.
        seeds: How many.
    """
    desk = Desk.of(workspace, visits, generations)
    command = "python -m benchmarks.feedback --workspace FOLDER --out FILE"
    told = {
        "command": command,
        "visits": visits,
        "queries": len(desk.dataset.qrels["train"]),
        "golden": len(desk.dataset.qrels["test"]),
    }
    rows: list[dict[str, Any]] = json.loads(out.read_text())["rows"] if out.exists() else []
    there = {(row["way"], row["seed"]) for row in rows}
    for seed in range(seeds):
        for name, way in ((name, way) for name, way in WAYS.items() if (name, seed) not in there):
            rows += [{"way": name, "seed": seed, **found} for found in desk.lived(way, seed)]
            write_json(out, {**told, "rows": rows, "machine": description()})
            for row in rows[-generations - 1 :]:
                said = "  ".join(f"{what} {found:.3f}" for what, found in row.items() if isinstance(found, float))
                print(f"seed {seed} {name:13} {row['generation']}  {said}", flush=True)


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
