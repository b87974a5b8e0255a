"""A year with and without retraining: nDCG@10 on each month's queries by policy, and what each policy costs.

    python -m benchmarks.year --first workspace/support_desk --work workspace/year --out benchmarks/results/year.json
        [--learner matrix] [--watched 22] [--policies never quarterly/base …] [--seeds 0 1 2] [--until 22:10]

The learner is a LoRA training as ``retrain`` does it, or, in a second instead of minutes, a matrix on the base model's
vectors (``benchmarks.year_learners``), which learns the first year too. ``--first`` is a finished run of support_desk
(``python -m tutorial_lib train --data support_desk``, or notebook 00); its model is the one that no policy has retrained yet.
A model that is trained at the end of a month answers from the next month on, until the policy's next one is there. All
policies search the articles as they stand in the month, so all indexes are rebuilt. What is asked in a month is in no model's
training pairs (``benchmarks.year_world``), as most of real traffic is: the figures are of what is new in it.

never            the first year's model all year
monthly          at the end of each month
quarterly        at the end of September, December and March
watched          at the end of the months that ``watch`` named (``--watched``); by default October 2026, in which the Gantry
                 was renamed: a stand-in until its decisions are there
at the end       once, after eleven months, from the base model: judged on the last month

Policies with "/base" train from the base model on all pairs of both years, those with "/live" from the model that was live,
on the same pairs. There are no gates here: every model goes live. A row a model, in the order of the policies; each is kept
when it is there, a training that is broken off goes on from its last checkpoint, and ``--until`` ends the program at that
time of day.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from benchmarks.machine import description
from benchmarks.year_learners import LEARNERS, Learner
from benchmarks.year_policies import POLICIES, Model, cutoffs, first_of, models_of, summary
from benchmarks.year_world import Part, changes_of, exams, months
from tutorial_lib.data.beir import read_beir
from tutorial_lib.evaluation.measures import main_scores
from tutorial_lib.files import write_json
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import TextEncoder
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import exact_search


@dataclass(frozen=True, kw_only=True)
class Year:
    """Train what the policies need, and score it month by month.

    Attributes:
        first: Folder of a finished run of support_desk.
        work: Folder of the generations that are made.
        out: JSON file of the record.
        learner: "lora", minutes a training, or "matrix": chapter 07's matrix on the base model's vectors, a second.
        policies: Which, in this order.
        watched: Months at whose end ``watch`` says "retrain".
        seeds: Of the trainings; the first year's model is one for all.
        until: Time of day, HH:MM, at which to stop.
    """

    first: Path
    work: Path
    out: Path
    learner: Literal["lora", "matrix"] = "lora"
    policies: tuple[str, ...] = tuple(POLICIES)
    watched: tuple[int, ...] = (22,)
    seeds: tuple[int, ...] = (0,)
    until: str | None = None
    parts: dict[str, Part] = field(init=False, default_factory=dict)

    def run(self) -> None:
        """Add the rows that the record lacks."""
        _end_at(self.until)
        self.parts.update({**months(read_beir(self.first / "dataset")), **exams()})
        record = json.loads(self.out.read_text()) if self.out.exists() else {"rows": {}}
        learner: Learner = LEARNERS[self.learner](self.first, self.work)
        for name, scored in self._references(record["rows"], learner):
            self._keep(record, name, scored)
        for model in models_of(self.policies, self.watched, self.seeds):
            if model.name not in record["rows"]:
                print(f"{datetime.now():%H:%M} {model.name} …", flush=True)
                self._keep(record, model.name, self._row(model, learner))

    def _references(self, there: dict[str, Any], learner: Learner) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what is compared with: keyword search, the base model, and the models of the first year."""
        if "bm25" not in there:
            yield "bm25", {"scores": self._scores(lambda part: BM25(part.corpus).search(part.queries, k=100))}
        if "untuned" not in there:
            yield "untuned", {"scores": self._of(Encoder.load())}
        for seed in self.seeds if self.learner == "matrix" else (0,):
            if first_of(seed) not in there:
                made = learner.first(seed)
                yield first_of(seed), {"seed": seed, **made.told, "scores": self._of(made.encoder)}

    def _row(self, model: Model, learner: Learner) -> dict[str, Any]:
        """Return what training a model cost, and its scores."""
        cpu, clock = sum(os.times()[:4]), time.monotonic()
        made = learner.trained(model)
        spent = {"cpu_s": round(sum(os.times()[:4]) - cpu, 1), "clock_s": round(time.monotonic() - clock, 1)}
        told = {"start": model.start, "month": model.month, "seed": model.seed, **made.told, **spent}
        return {**told, "scores": self._of(made.encoder)}

    def _of(self, encoder: TextEncoder) -> dict[str, list[float]]:
        """Return the scores of an encoder; each text is encoded once for all months."""
        documents = sorted({text for part in self.parts.values() for text in part.corpus.values()})
        queries = sorted({text for part in self.parts.values() for text in part.queries.values()})
        of_document = dict(zip(documents, encoder.encode_documents(documents), strict=True))
        of_query = dict(zip(queries, encoder.encode_queries(queries), strict=True))

        def found(part: Part) -> Any:
            asked = np.stack([of_query[text] for text in part.queries.values()])
            corpus = np.stack([of_document[text] for text in part.corpus.values()])
            return exact_search(list(part.queries), asked, list(part.corpus), corpus)

        return self._scores(found)

    def _scores(self, search: Any) -> dict[str, list[float]]:
        """Return nDCG@10 of each query by part, in the order of ``queries`` of the record."""
        scores = {name: main_scores(part.qrels, search(part)) for name, part in self.parts.items()}
        return {name: [round(scores[name][q], 4) for q in part.queries] for name, part in self.parts.items()}

    def _keep(self, record: dict[str, Any], name: str, row: dict[str, Any]) -> None:
        record["rows"][name] = row
        record["queries"] = {name: changes_of(part) for name, part in self.parts.items()}
        record["learner"], record["watched"] = self.learner, list(self.watched)
        record["command"] = f"python -m benchmarks.year --learner {self.learner} --first FOLDER --work FOLDER --out FILE"
        record["machine"] = description()
        record["policies"] = summary(record, cutoffs(self.watched))
        write_json(self.out, record)


def _end_at(time_of_day: str | None) -> None:
    """Interrupt this process at a time of day, as Ctrl-C would."""
    if time_of_day:
        now = datetime.now()
        at = datetime.combine(now, datetime.strptime(time_of_day, "%H:%M").time())
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, max(1.0, ((at - now) % timedelta(days=1)).total_seconds()))


def main() -> None:
    """Go on where the record ends."""
    try:
        tyro.cli(Year, description=__doc__).run()
        print("all rows are there", flush=True)
    except KeyboardInterrupt:
        print(f"{datetime.now():%H:%M} stopped: the same command goes on", flush=True)


if __name__ == "__main__":
    main()
