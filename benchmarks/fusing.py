"""Keyword search and a model made into one ranking: by ranks or by scores, and how many dev queries a share takes?

    python -m benchmarks.fusing --workspace NAME=FOLDER … --out benchmarks/results/fusing.json

FOLDER holds ``dataset/`` (BEIR) and ``model/``: a run, or one of those that ``benchmarks.quality --models`` keeps. A row is
a collection and a model, the base model or the fine-tuned one. For each way of fusing it has the share that dev chose, if it
has one, and nDCG@10 on dev and test; then what the course's way is worth over each part alone and over fusion by ranks, with
95 % intervals; and what test says where the share is chosen by fewer dev queries, in the mean of ``DRAWS`` draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import Collection
from benchmarks.rows import Rows
from tutorial_lib.data.dataset import Qrels
from tutorial_lib.evaluation.choose import best_share
from tutorial_lib.evaluation.measures import MAIN_MEASURE, evaluate_run, per_query
from tutorial_lib.evaluation.significance import compare
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.dense import Vectors, dense_run
from tutorial_lib.retrieval.fusion import SHARE, SHARES, convex_combination, reciprocal_rank_fusion
from tutorial_lib.retrieval.reranking import z_scores
from tutorial_lib.retrieval.runs import Run, ranked

EITHER_ALONE = (0.0, *SHARES, 1.0)
"""Shares tried here: the ends are the parts alone."""
FEWER = (10, 20, 50, 100)
"""Numbers of dev queries by which a share is chosen."""
DRAWS = 20
Fuse = Callable[[Run, Run, float], Run]


def by_ranks(keyword: Run, dense: Run, share: float) -> Run:
    """Return reciprocal rank fusion in which the second run counts ``share``, and the first the rest."""
    fused: Run = {}
    for q in keyword:
        scores: dict[str, float] = {}
        for found, weight in ((keyword[q], 1 - share), (dense[q], share)):
            for rank, a in enumerate(found, 1):
                scores[a] = scores.get(a, 0.0) + weight / (60 + rank)
        fused[q] = ranked(scores, 100)
    return fused


def by_z_scores(keyword: Run, dense: Run, share: float) -> Run:
    """Return a convex combination of z-scores within a query; what a run does not hold counts as its last."""
    fused: Run = {}
    for q in keyword:
        scores: dict[str, float] = {}
        parts = [
            (dict(zip(found, z_scores(list(found.values())).tolist(), strict=True)) if found else {}, weight)
            for found, weight in ((keyword[q], 1 - share), (dense[q], share))
        ]
        for a in {a for found, _ in parts for a in found}:
            scores[a] = sum(weight * found.get(a, min(found.values(), default=0.0)) for found, weight in parts)
        fused[q] = ranked(scores, 100)
    return fused


WAYS: dict[str, Fuse] = {"scores": convex_combination, "z-scores": by_z_scores, "ranks": by_ranks}
"""Each with the share that dev chooses."""


def scored(qrels: Qrels, run: Run) -> float:
    """Return nDCG@10."""
    return evaluate_run(qrels, run)[MAIN_MEASURE]


def ways(qrels: dict[str, Qrels], parts: dict[str, tuple[Run, Run]]) -> dict[str, dict[str, Any]]:
    """Return by way of fusing: the share, nDCG@10 on dev and test; ``best`` is what test would have chosen."""
    told: dict[str, dict[str, Any]] = {}
    for name, fuse in WAYS.items():
        dev = {share: scored(qrels["dev"], fuse(*parts["dev"], share)) for share in EITHER_ALONE}
        test = {share: scored(qrels["test"], fuse(*parts["test"], share)) for share in EITHER_ALONE}
        chosen = best_share(dev)
        told[f"{name}, dev's share"] = {
            "share": chosen,
            "dev": dev[chosen],
            "test": test[chosen],
            "best": max(test.values()),
            "by share": {f"{share:g}": [dev[share], test[share]] for share in EITHER_ALONE},
        }
        told[f"{name}, half each"] = {"share": SHARE, "dev": dev[SHARE], "test": test[SHARE]}
    return told


def with_fewer(qrels: dict[str, Qrels], parts: dict[str, tuple[Run, Run]]) -> dict[str, float]:
    """Return nDCG@10 on test, by how many dev queries the share is chosen, in the mean over draws."""
    dev = np.stack([per_query(qrels["dev"], convex_combination(*parts["dev"], s))[MAIN_MEASURE] for s in SHARES])
    test = np.array([scored(qrels["test"], convex_combination(*parts["test"], s)) for s in SHARES])
    rng, found = np.random.default_rng(0), {}
    for number in (n for n in FEWER if n < dev.shape[1]):
        drawn = [rng.choice(dev.shape[1], number, replace=False) for _ in range(DRAWS)]
        found[str(number)] = float(np.mean([test[dev[:, d].mean(axis=1).argmax()] for d in drawn]))
    return found


def rows_of(name: str, folder: Path, model: str = DEFAULT_MODEL) -> list[dict[str, Any]]:
    """Return the row of the base model and that of the fine-tuned one."""
    home = Collection(name.split(":")[0], folder / "dataset", model)
    qrels, splits = home.dataset.qrels, ("dev", "test")
    tuned = Encoder.load(folder / "model")
    vectors = Vectors.of(home.dataset, tuned, list(splits))
    untrained = {split: home.parts(split) for split in splits}
    fine = {split: (untrained[split][0], dense_run(home.dataset, vectors, split)) for split in splits}
    rows = []
    for what, parts in (("base", untrained), ("tuned", fine)):
        told = ways(qrels, parts)
        fused = convex_combination(*parts["test"], told["scores, dev's share"]["share"])
        others = {"bm25": parts["test"][0], what: parts["test"][1], "ranks": reciprocal_rank_fusion(parts["test"])}
        over = {n: compare(qrels["test"], {n: run, "fused": fused}, n, "fused").main for n, run in others.items()}
        rows.append(
            {
                "dataset": name,
                "model": what,
                "parts": {
                    s: {n: scored(qrels[s], run) for n, run in zip(("bm25", what), parts[s], strict=True)} for s in splits
                },
                "ways": told,
                "over": {n: d.record() for n, d in over.items()},
                "with fewer dev queries": with_fewer(qrels, parts),
            }
        )
    return rows


def means(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return by model and way of fusing the mean nDCG@10 on test over the collections."""
    made: dict[str, dict[str, float]] = {}
    for what in dict.fromkeys(r["model"] for r in rows):
        of = [r for r in rows if r["model"] == what]
        alone = {f"{n} alone": float(np.mean([r["parts"]["test"][n] for r in of])) for n in ("bm25", what)}
        made[what] = {**alone, **{way: float(np.mean([r["ways"][way]["test"] for r in of])) for way in of[0]["ways"]}}
    return made


def main() -> None:
    """Write the rows that the file does not hold yet, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", nargs="+", default=[], metavar="NAME[:SEED]=FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    made = Rows(options.out, "python -m benchmarks.fusing")
    for name, folder in made.missing(options.workspace):
        new = rows_of(name, folder)
        made.add(*new, means=means([*made.rows, *new]))
        print(name, {r["model"]: {w: round(v["test"], 3) for w, v in r["ways"].items()} for r in new}, flush=True)
    for what, by_way in means(made.rows).items():
        print(what, {way: round(value, 4) for way, value in by_way.items()})


if __name__ == "__main__":
    main()
