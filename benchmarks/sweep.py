"""Which training settings are best on dev? One change from the defaults at a time, several seeds, no test figures.

    python -m benchmarks.sweep --data BEIR_FOLDER --out benchmarks/results/sweep.json [--model M] [--groups rate,rank]

Every run trains on the training split and is scored by nDCG@10 of the dev queries on the whole corpus. ``--part 1/4``
takes every fourth run, so that several processes can share a GPU; rows are appended to the same file's parts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import device_name
from tutorial_lib.data.beir import read_beir
from tutorial_lib.evaluation.measures import evaluate_run
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import DEFAULT_MODEL
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.retrieval.dense import Vectors, exact_search
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.mining import MiningSettings, mine_negatives
from tutorial_lib.training.settings import LoraSettings, TrainSettings

ATTENTION = ("query", "key", "value")
GROUPS: dict[str, list[dict[str, Any]]] = {
    "rate": [{"learning_rate": r} for r in (3e-4, 1e-3, 2e-3, 4e-3)],
    "rank": [{"rank": r, "alpha": 2 * r} for r in (4, 8, 16, 32, 64)],
    "layers": [{"target_modules": t} for t in ("all-linear", ("query", "value"), ATTENTION)]
    + [{"target_modules": ("query", "value"), "learning_rate": r} for r in (4e-3, 8e-3)],
    "temperature": [{"temperature": t} for t in (0.03, 0.05, 0.07, 0.1)],
    "batch": [{"batch_size": b} for b in (16, 32, 64, 128, 256)],
    "epochs": [{"epochs": e} for e in (1, 2, 3)],
    "length": [{"max_length": n} for n in (64, 128, 256)],
    "negatives": [{"negatives": n} for n in (0, 1, 2, 4)],
    "filter": [
        {"max_model_share": m, "max_bm25_share": b} for m, b in itertools.product((None, 0.95, 1.0), (None, 0.9, 1.0))
    ],
    "window": [{"range_min": a} for a in (1, 5, 10, 20)],
    # The defaults were picked as the best of many at seeds 0 and 1, so their figures there are flattered: this group is
    # for fresh seeds (--first-seed 2).
    "confirm": [
        {},
        {"max_model_share": None, "max_bm25_share": None},
        {"negatives": 0},
        {"rank": 16, "alpha": 32},
        {"temperature": 0.05},
        {"learning_rate": 1e-3},
        {"epochs": 2},
        {"max_length": 256},
    ],
    # Small collections take few steps in an epoch: how many, how fast, with how many negatives?
    "small": [
        {"epochs": e, "learning_rate": r, "negatives": n}
        for e, r, n in itertools.product((1, 2, 3, 5, 8), (1e-3, 2e-3, 4e-3), (0, 1))
    ],
    "small_rest": [
        {"epochs": 3, **c}
        for c in (
            {"max_length": 64},
            {"max_length": 96},
            {"max_length": 256},
            {"batch_size": 32},
            {"batch_size": 128},
            {"temperature": 0.05},
            {"temperature": 0.1},
            {"negatives": 2},
            {"negatives": 4},
            {"rank": 8, "alpha": 16},
        )
    ],
    # Where does training come apart? About 40 short steps; the rates that preflight warns of come from these.
    "diverging": [{"batch_size": 32, "min_steps": 0, "learning_rate": r} for r in (2e-3, 4e-3, 5e-3, 7e-3, 2e-2)],
    "diverging_all_weights": [
        {"batch_size": 32, "min_steps": 0, "learning_rate": r, "all_weights": True} for r in (2e-4, 5e-4, 1e-3, 2e-3)
    ],
}


def split_settings(changes: dict[str, Any]) -> tuple[LoraSettings, TrainSettings, MiningSettings]:
    """Return the three settings objects with ``changes`` applied to whichever has the field."""
    kinds = (LoraSettings, TrainSettings, MiningSettings)
    picked = [{k: v for k, v in changes.items() if k in kind.__dataclass_fields__} for kind in kinds]
    return LoraSettings(**picked[0]), TrainSettings(**picked[1]), MiningSettings(**picked[2])


def main() -> None:
    """Run the sweep and write one row a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="prepared BEIR folder with train and dev")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--part", default="1/1")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))

    dataset = read_beir(options.data)
    bm25 = BM25(dataset.document_texts())
    base = Encoder.load(options.model)
    vectors = Vectors.of(dataset, base, ["train"])
    jobs = [
        (g, c, s)
        for s in range(options.first_seed, options.first_seed + options.seeds)
        for g in options.groups.split(",")
        for c in GROUPS[g]
    ]
    rows = []
    for group, changes, seed in jobs[part - 1 :: parts]:
        fixed = {"seed": seed, "dev_queries": 0, "dev_evaluations": 1}
        lora, train, mining = split_settings({**changes, **fixed})
        started = time.monotonic()
        mined = mine_negatives(dataset, bm25, vectors, mining)
        with tempfile.TemporaryDirectory() as folder:
            run = prepare_training(
                dataset,
                mined.negatives,
                bm25,
                Path(folder),
                model=options.model,
                lora=lora,
                settings=train,
                all_weights=changes.get("all_weights", False),
            )
            result = run.train()
        queries = dataset.query_texts("dev")
        ranked = exact_search(
            list(queries),
            run.encoder.encode_queries(list(queries.values())),
            list(dataset.corpus),
            run.encoder.encode_documents(list(dataset.document_texts().values())),
        )
        rows.append(
            {
                "group": group,
                "changes": changes,
                "seed": seed,
                "dev": evaluate_run(dataset.qrels["dev"], ranked),
                "pairs_per_s": result.pairs_per_s,
                "seconds": time.monotonic() - started,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
        record = {"device": device_name(), "torch": torch.__version__, "dataset": dataset.name, "rows": rows}
        options.out.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
