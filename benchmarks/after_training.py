"""What is chosen after training, the window to read with and the share of the update: what does it cost to ask dev?

    python -m benchmarks.after_training --workspace NAME=FOLDER … --out benchmarks/results/after_training.json

FOLDER is one of those that ``benchmarks.quality --models`` keeps: ``dataset/`` (BEIR), ``model/``, ``training.json``. A row
is a model: for each window, with the share that was kept, and for each share, at the window of training, nDCG@10 on dev's
pool, how far it lies above what training had (its window, the whole update) with the standard error of the difference, and
nDCG@10 on test over the whole corpus. The rules are then compared over all rows by what they lose on test to the best
candidate. No rule sees test.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from benchmarks.quality import Collection
from benchmarks.rows import Rows
from tutorial_lib.evaluation.choose import window_scores
from tutorial_lib.evaluation.dev_pool import dev_pool, mean_score
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.training.settings import TrainSettings

Candidates: TypeAlias = dict[float, dict[str, float]]
"""Window or share -> what dev and test say of it."""


class Kept:
    """A model that LoRA trained, its base, and the collection."""

    def __init__(self, name: str, folder: Path, model: str = DEFAULT_MODEL) -> None:
        """Read a folder of ``benchmarks.quality --models``."""
        self.home = Collection(name.split(":")[0], folder / "dataset", model)
        self.base, self.tuned = Encoder.load(model), Encoder.load(folder / "model")
        self.share = float(json.loads((folder / "training.json").read_text())["strength"])
        self.pool = dev_pool(self.home.dataset, self.home.bm25, base=self.home.base_vectors)
        chosen = self.home.settings.training_window(TrainSettings.max_length) or TrainSettings.max_length
        self.trained = min(chosen, self.base.settings.max_length)

    def with_share(self, share: float) -> Encoder:
        """Return the encoder with another share of the update: the base's weights and the difference, scaled."""
        made, base, tuned = Encoder.load(self.home.model), self.base.model.state_dict(), self.tuned.model.state_dict()
        with torch.no_grad():
            for name, weight in made.model.named_parameters():
                if name in tuned:  # the pooler, which no vector passes, is not saved
                    weight.copy_(base[name] + share / self.share * (tuned[name] - base[name]))
        made.changed()
        return made.with_window(self.trained)

    def windows(self) -> Candidates:
        """Return the candidates by window, with the share kept; the window of training is what they are compared with."""
        widest = self.tuned.with_window(self.base.settings.max_length)
        scores = window_scores(self.pool, widest)
        at = self.trained if self.trained in scores else max(scores)  # all texts are shorter
        return self._told({float(w): (of, widest.with_window(w)) for w, of in scores.items()}, float(at))

    def shares(self) -> Candidates:
        """Return the candidates by share, at the window of training; the whole update is what they are compared with."""
        if not self.share:
            return {}
        made = {share: self.with_share(share) for share in TrainSettings.strengths}
        return self._told({share: (self.pool.score(encoder), encoder) for share, encoder in made.items()}, 1.0)

    def _told(self, candidates: Mapping[float, tuple[dict[str, float], Encoder]], at: float) -> Candidates:
        judged, before = self.home.dataset.qrels["test"], candidates[at][0]
        told = {}
        for candidate, (of, encoder) in candidates.items():
            above = np.array([of[q] - before[q] for q in of])
            told[candidate] = {
                "dev": mean_score(of),
                "above": float(above.mean()),
                "error": float(above.std(ddof=1) / np.sqrt(len(above))),
                MAIN_MEASURE: evaluate_run(judged, self.home.searched_by(encoder, "test"))[MAIN_MEASURE],
            }
        return told


def surer_than(errors: float) -> Callable[[Candidates, float], float]:
    """Return the rule "what training had, or the best on dev of those above it by more than so many standard errors"."""

    def rule(candidates: Candidates, had: float) -> float:
        sure = {c: of["dev"] for c, of in candidates.items() if of["above"] > errors * of["error"]}
        return max(sure, key=lambda c: (sure[c], -c)) if sure else had

    return rule


RULES: dict[str, Callable[[Candidates, float], float]] = {
    "the best on dev": lambda candidates, _: max(candidates, key=lambda c: (candidates[c]["dev"], -c)),
    "what training had": lambda _, had: had,
    "unless surer than one error": surer_than(1.0),
    "unless surer than two errors": surer_than(2.0),
}


def regrets(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return for windows and shares, by rule, the mean and the largest nDCG@10 lost on test to the best candidate."""
    made: dict[str, dict[str, dict[str, float]]] = {}
    for kind in ("windows", "shares"):
        every = [({float(c): of for c, of in row[kind].items()}, row["trained"]) for row in rows if row[kind]]
        for name, rule in RULES.items():
            lost = [_lost(rule, candidates, window if kind == "windows" else 1.0) for candidates, window in every]
            made.setdefault(kind, {})[name] = {"mean": float(np.mean(lost)), "largest": max(lost)} if lost else {}
    return made


def _lost(rule: Callable[[Candidates, float], float], candidates: Candidates, had: float) -> float:
    """Return the nDCG@10 that a rule loses on test to the best candidate, where training had ``had``."""
    at = had if had in candidates else max(candidates)  # of windows: no text is as long as that of training
    best = max(of[MAIN_MEASURE] for of in candidates.values())
    return best - candidates[rule(candidates, at)][MAIN_MEASURE]


def row_of(name: str, folder: Path, model: str = DEFAULT_MODEL) -> dict[str, Any]:
    """Return what every window and every share gives the model in ``folder``."""
    kept = Kept(name, folder, model)
    made = {"dataset": name, "trained": kept.trained, "share": kept.share}
    return {**made, "windows": _named(kept.windows()), "shares": _named(kept.shares())}


def _named(candidates: Candidates) -> dict[str, dict[str, float]]:
    return {f"{candidate:g}": of for candidate, of in candidates.items()}


def main() -> None:
    """Write the rows that the file does not hold yet, and print the rules' regrets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", nargs="+", default=[], metavar="NAME[:SEED]=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    made = Rows(options.out, "python -m benchmarks.after_training")
    for name, folder in made.missing(options.workspace):
        row = row_of(name, folder)
        made.add(row, regrets=regrets([*made.rows, row]))
        print(json.dumps(row), flush=True)
    for kind, by_rule in regrets(made.rows).items():
        for name, lost in by_rule.items():
            print(f"{kind}, {name}: {lost['mean']:.4f} lost in the mean, {lost['largest']:.4f} at most")


if __name__ == "__main__":
    main()
